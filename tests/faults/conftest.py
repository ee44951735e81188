"""How long the viewers play: a minute within the suite, far longer by `pytest tests/faults --full`."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="tests/faults: an hour of 50 viewers' time, every kill thrice")


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--full", default=False))
