"""Fixtures: a home that nginx's account can reach, and gateways over it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from api import memory
from tests.conftest import Platform, PlatformMaker
from tests.nginx import releases
from tests.nginx.gateways import Gateway, running
from tests.servers import free_port, scratch

PAGES = (
    *("index", "watch", "upload", "wallet", "queue", "signin", "statement", "proof", "billing"),
    *("analytics", "studio", "history", "money"),
)


@pytest.fixture
def home() -> Iterator[Path]:
    """A home with small pages in it."""
    with scratch() as folder:
        (folder / "pages/assets").mkdir(parents=True)
        for name in PAGES:
            (folder / f"pages/{name}.html").write_text(f"<!doctype html><title>{name}</title>")
        (folder / "pages/assets/index-abc123.js").write_text("export {};\n" * 500)
        yield folder
        for nginx in ("nginx", "edge"):
            memory.drop(folder / f"run/{nginx}/verdicts")


@pytest.fixture(params=["ours", "old"])
def nginx(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each nginx at the ends of the range we name, set for the test: what is rendered and run is for that one."""
    path = releases.find(str(request.param))
    monkeypatch.setenv("STREAMIFY_NGINX", path)
    return path


GatewayMaker = Callable[..., Awaitable[tuple[Platform, Gateway]]]


@pytest.fixture
async def gateway(platform: PlatformMaker, home: Path) -> AsyncIterator[GatewayMaker]:
    """A maker: `p, g = await gateway("streaming", MEDIA_RATE="100")` runs those services behind a real nginx."""
    async with AsyncExitStack() as stack:

        async def make(*services: str, **overrides: str) -> tuple[Platform, Gateway]:
            own = {"STREAMIFY_HOME": str(home), "PAGES_ROOT": str(home / "pages"), "GATEWAY_PORT": str(free_port())}
            own |= {"GATEWAY_BIND": "127.0.0.1", "MEDIA_RATE": "1000"}
            p = await platform(*services, **(own | overrides))
            return p, stack.enter_context(running(p.settings))

        yield make
