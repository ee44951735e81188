"""Media through an edge: who gets it, how often the origin is asked, and what the log says."""

import asyncio
from typing import Any

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


def is_problem(answer: Any, status: int, code: str) -> bool:
    """The refusal is whole, readable from any origin, and holds nothing of the film."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers.get_list("x-request-id") == [answer.json()["request_id"]]
    return (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_segment_is_fetched_once_for_all_viewers(edge: EdgeMaker) -> None:
    p, g, e, media = await viewing(edge)
    first = await p.http.get(f"{media}/{PIECE}")
    (g.settings.path("MEDIA_ROOT") / PLACE).unlink()
    other = f"{e.url}/v/{token_for(p, await add_session(p))}/{VIDEO}/1"
    second = await p.http.get(f"{other}/{PIECE}")
    assert (first.content, second.content) == (SEGMENT, SEGMENT)
    for answer in (first, second):
        assert answer.headers["content-type"] == "video/iso.segment"
        assert answer.headers.get_list("cache-control") == ["public, max-age=31536000, immutable"]
        assert answer.headers.get_list("access-control-allow-origin") == ["*"]
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
        assert "accept-ranges" not in answer.headers
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


async def test_the_edge_logs_what_it_serves_and_the_origin_does_not(edge: EdgeMaker) -> None:
    p, g, e, media = await viewing(edge)
    answers = [await p.http.get(f"{media}/{PIECE}") for _ in range(2)]
    await p.http.get(f"{media.replace(e.url, g.url)}/{PIECE}")
    miss, hit = await e.fetches(2)
    assert [(f.cache, f.verdict_cache) for f in (miss, hit)] == [("MISS", "MISS"), ("HIT", "HIT")]
    for fetch, answer in zip((miss, hit), answers, strict=True):
        assert (fetch.edge, fetch.session_id, fetch.user_id) == ("edge", media.split("/")[4][:32], VIEWER)
        assert (fetch.video, fetch.generation, fetch.rendition, fetch.index) == (VIDEO, 1, "360p", 12)
        assert (fetch.start_ms, fetch.end_ms, fetch.method, fetch.status) == (48_000, 52_000, "GET", 200)
        assert (fetch.bytes, fetch.size, fetch.complete) == (len(SEGMENT), len(SEGMENT), True)
        assert fetch.request_id == answer.headers["x-request-id"]
    assert [(f.edge, f.cache) for f in await g.fetches(1)] == [("origin", "")]


async def test_what_is_kept_is_refused_like_what_is_not(edge: EdgeMaker) -> None:
    p, _, e, media = await viewing(edge)
    assert (await p.http.get(f"{media}/{PIECE}")).content == SEGMENT
    live, spent, gone = await add_session(p), await add_session(p, spent=True), await add_session(p)
    await end(p, gone)
    right = token_for(p, live)
    wrong = [
        (right[:-4] + "AAAA", 403, "bad_token"),
        (token_for(p, live, life_s=-1), 403, "bad_token"),
        (token_for(p, live, 8), 403, "bad_token"),
        (token_for(p, gone), 403, "session_ended"),
        (token_for(p, spent), 402, "insufficient_balance"),
    ]
    for text, status, code in wrong:
        for method in ("GET", "HEAD"):
            answer = await p.http.request(method, f"{e.url}/v/{text}/{PLACE}")
            assert answer.status_code == status
        assert is_problem(await p.http.get(f"{e.url}/v/{text}/{PLACE}"), status, code)
    for path in (f"/v/{PLACE}", f"/v//{PLACE}", f"/v/x/{PLACE}", f"/{PLACE}", f"/edge/{PLACE}", f"/segments/{PLACE}"):
        assert (await p.http.get(e.url + path)).status_code == 404
    assert [f.session_id for f in await e.fetches(1)] == [media.split("/")[4][:32]]


async def test_a_session_that_ends_gets_no_more_of_what_is_kept(edge: EdgeMaker) -> None:
    p, _, _, media = await viewing(edge)
    assert (await p.http.get(f"{media}/{PIECE}")).status_code == 200
    await end(p, media.split("/")[4][:32])
    async with asyncio.timeout(12):
        while (answer := await p.http.get(f"{media}/{PIECE}")).status_code == 200:
            assert answer.content == SEGMENT
    assert is_problem(answer, 403, "session_ended")


async def test_every_part_that_is_asked_for_is_the_whole(edge: EdgeMaker) -> None:
    p, _, e, media = await viewing(edge)
    for headers in ({"range": "bytes=0-99"}, {"range": "bytes=100-"}, {"range": "bytes=0-9,20-29"}):
        answer = await p.http.get(f"{media}/{PIECE}", headers=headers)
        assert (answer.status_code, answer.content) == (200, SEGMENT)
    assert {(f.status, f.bytes, f.size) for f in await e.fetches(3)} == {(200, len(SEGMENT), len(SEGMENT))}


async def test_asking_for_the_head_fills_the_cache_and_counts_nothing(edge: EdgeMaker) -> None:
    p, _, e, media = await viewing(edge)
    head = await p.http.head(f"{media}/{PIECE}")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(SEGMENT)))
    fresh = {"if-none-match": head.headers["etag"]}
    assert (await p.http.get(f"{media}/{PIECE}", headers=fresh)).status_code == 304
    assert (await p.http.get(f"{media}/{PIECE}")).content == SEGMENT
    found = [(f.method, f.status, f.bytes, f.cache) for f in await e.fetches(3)]
    assert found == [("HEAD", 200, 0, "MISS"), ("GET", 304, 0, "HIT"), ("GET", 200, len(SEGMENT), "HIT")]
    assert (await p.http.post(f"{media}/{PIECE}")).status_code == 405


async def test_playlists_change_and_are_compressed(edge: EdgeMaker) -> None:
    p, g, _, media = await viewing(edge)
    g.write(f"{VIDEO}/1/master.m3u8", b"#EXTM3U\n")
    answer = await p.http.get(f"{media}/master.m3u8", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert (answer.headers["content-encoding"], answer.headers.get_list("cache-control")) == ("gzip", ["no-cache"])
    again = {"if-none-match": answer.headers["etag"]}
    assert (await p.http.get(f"{media}/master.m3u8", headers=again)).status_code == 304
    g.write(f"{VIDEO}/1/master.m3u8", b"#EXTM3U\n# finished\n")
    async with asyncio.timeout(5):
        while (answer := await p.http.get(f"{media}/master.m3u8", headers=again)).status_code == 304:
            pass
    assert answer.content == b"#EXTM3U\n# finished\n"


async def test_a_new_generation_is_another_film(edge: EdgeMaker) -> None:
    p, g, _, media = await viewing(edge)
    assert (await p.http.get(f"{media}/{PIECE}")).content == SEGMENT
    g.write(f"{VIDEO}/2/{PIECE}", b"other")
    assert (await p.http.get(f"{media[:-1]}2/{PIECE}")).content == b"other"
