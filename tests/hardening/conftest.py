"""The gateways of tests/nginx: fixtures are found in the folders above a test, so they are named here again."""

from tests.nginx.conftest import gateway, home

__all__ = ["gateway", "home"]
