"""A gateway and an edge in front of it, two real nginx over one home."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from api import memory
from tests.conftest import Platform, PlatformMaker
from tests.edge.edges import Edge, running
from tests.nginx import gateways
from tests.nginx.gateways import Gateway
from tests.servers import free_port, scratch

SECRET = "e" * 40
EdgeMaker = Callable[..., Awaitable[tuple[Platform, Gateway, Edge]]]


@pytest.fixture
def home() -> Iterator[Path]:
    with scratch() as folder:
        (folder / "pages").mkdir()
        yield folder
        for nginx in ("nginx", "edge"):
            memory.drop(folder / f"run/{nginx}/verdicts")


@pytest.fixture
async def edge(platform: PlatformMaker, home: Path) -> AsyncIterator[EdgeMaker]:
    """A maker: `p, gateway, edge = await edge("streaming")` runs those services behind both."""
    async with AsyncExitStack() as stack:

        async def make(*services: str, **overrides: str) -> tuple[Platform, Gateway, Edge]:
            port = str(free_port())
            own = {"STREAMIFY_HOME": str(home), "PAGES_ROOT": str(home / "pages"), "GATEWAY_PORT": port}
            own |= {"GATEWAY_BIND": "127.0.0.1", "MEDIA_RATE": "1000", "EDGE_PORT": str(free_port())}
            own |= {"ORIGIN_URL": f"http://127.0.0.1:{port}", "EDGE_SECRET": SECRET}
            p = await platform(*services, **(own | overrides))
            origin = stack.enter_context(gateways.running(p.settings))
            return p, origin, stack.enter_context(running(p.settings))

        yield make
