"""Media through an edge: who gets it, how often the origin is asked, and what the log says."""

import asyncio
import signal
from pathlib import Path

from tests.conftest import Platform
from tests.edge.conftest import EdgeMaker
from tests.edge.edges import Edge
from tests.nginx.gateways import SEGMENT, Gateway
from tests.streaming.playback import VIDEO, VIEWER, add_session, end, token_for

PIECE = "360p/12-48000-52000.m4s"
PLACE = f"{VIDEO}/1/{PIECE}"


async def viewing(edge: EdgeMaker, **overrides: str) -> tuple[Platform, Gateway, Edge, str]:
    """Both nginx over one segment, and the address of a live session's media at the edge."""
    p, g, e = await edge("streaming", **overrides)
    g.write(PLACE)
    return p, g, e, f"{e.url}/v/{token_for(p, await add_session(p))}/{VIDEO}/1"


async def test_a_segment_is_fetched_once_for_all_viewers(edge: EdgeMaker) -> None:
    p, g, e, media = await viewing(edge)
    first = await p.http.get(f"{media}/{PIECE}")
    (g.settings.path("MEDIA_ROOT") / PLACE).unlink()
    other = f"{e.url}/v/{token_for(p, await add_session(p))}/{VIDEO}/1"
    second = await p.http.get(f"{other}/{PIECE}")
    assert (first.content, second.content) == (SEGMENT, SEGMENT)
    assert [f.cache for f in await e.fetches(2)] == ["MISS", "HIT"]
    for answer in (first, second):
        assert answer.headers["content-type"] == "video/iso.segment"
        assert answer.headers.get_list("cache-control") == ["public, max-age=31536000, immutable"]
        assert answer.headers.get_list("access-control-allow-origin") == ["*"]
        assert "accept-ranges" not in answer.headers
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
