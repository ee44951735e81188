"""Segments that do not exist yet: held by the videos service, served and logged by nginx as if they had."""

import asyncio
import uuid

from api.videos.held import MOST_OF_SESSION
from tests.conftest import Platform
from tests.nginx.conftest import GatewayMaker
from tests.nginx.gateways import SEGMENT, Gateway
from tests.streaming.playback import VIEWER, add_session, token_for

PIECE = "360p/5-20000-24000.m4s"


async def film(gateway: GatewayMaker, job: str = "running") -> tuple[Platform, Gateway, int, str]:
    """A playable film of which no segment is made, its id, and the address of its media for a live session."""
    p, g = await gateway("streaming", "videos")
    video = await p.db("videos").value(
        """
        with film as (
            insert into videos (title, filename, uploaded_by, status, visibility, generation, source, search_text)
            values ('A film', 'film.mp4', 5, 'playable', 'public', 1, :source, 'a film') returning id
        ), work as (
            insert into jobs (video_id, state) select id, :job from film returning id
        ), shape as (
            insert into renditions (video_id, generation, name, kind, width, height, bandwidth, codecs, language)
            select id, 1, '360p', 'video', 640, 360, 1, 'avc1', '' from film
        ), piece as (
            insert into units (job_id, kind, queue, renditions, end_segment)
            select id, 'video', 'batch', '{360p}', 100 from work
        )
        select id from film
        """,
        source=uuid.uuid4().hex,
        job=job,
    )
    session = await add_session(p, video_id=video)
    g.write(f"{video}/1/360p/index.m3u8", b"#EXTM3U\n")
    return p, g, video, f"{g.url}/v/{token_for(p, session, video)}/{video}/1"


async def asked_for(p: Platform) -> None:
    """Return once the videos service knows that somebody waits."""
    async with asyncio.timeout(5):
        while not await p.db("videos").value("select count(*) from units where held_until is not null"):
            await asyncio.sleep(0.01)


async def test_a_segment_is_served_as_soon_as_it_is_made(gateway: GatewayMaker) -> None:
    p, g, video, media = await film(gateway)
    asked = asyncio.create_task(p.http.get(f"{media}/{PIECE}", headers={"range": "bytes=0-255"}))
    await asked_for(p)
    g.write(f"{video}/1/{PIECE}")
    answer = await asked
    assert (answer.status_code, answer.content) == (200, SEGMENT)  # whole: a part might cost nothing
    assert answer.headers["content-type"] == "video/iso.segment"
    assert answer.headers.get_list("cache-control") == ["public, max-age=31536000, immutable"]
    assert answer.headers.get_list("x-request-id") == [answer.headers["x-request-id"]]
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]
    assert "x-accel-redirect" not in answer.headers


async def test_a_held_fetch_is_logged_like_any_other(gateway: GatewayMaker) -> None:
    p, g, video, media = await film(gateway)
    asked = asyncio.create_task(p.http.get(f"{media}/{PIECE}"))
    await asked_for(p)
    g.write(f"{video}/1/{PIECE}")
    answer = await asked
    again = await p.http.get(f"{media}/{PIECE}")
    held, plain = await g.fetches(2)
    assert (held.session_id, held.user_id) == (plain.session_id, plain.user_id) == (media.split("/")[4][:32], VIEWER)
    assert (held.video, held.rendition, held.index, held.start_ms, held.end_ms) == (video, "360p", 5, 20_000, 24_000)
    assert (held.status, held.bytes, held.size, held.complete) == (200, len(SEGMENT), len(SEGMENT), True)
    assert (held.request_id, plain.request_id) == (answer.headers["x-request-id"], again.headers["x-request-id"])
    assert (held.verdict_cache, plain.verdict_cache) == ("MISS", "HIT")


async def test_an_init_segment_is_held_too_and_never_logged(gateway: GatewayMaker) -> None:
    p, g, video, media = await film(gateway)
    asked = asyncio.create_task(p.http.get(f"{media}/360p/init.mp4"))
    await asked_for(p)
    g.write(f"{video}/1/360p/init.mp4")
    answer = await asked
    assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
    g.write(f"{video}/1/{PIECE}")
    await p.http.get(f"{media}/{PIECE}")
    assert [f.index for f in await g.fetches(1)] == [5]


async def test_a_segment_that_will_never_be_made_is_refused_readably(gateway: GatewayMaker) -> None:
    p, g, _, media = await film(gateway, job="failed")
    answer = await p.http.get(f"{media}/{PIECE}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]
    assert answer.headers.get_list("x-request-id") == [answer.json()["request_id"]]
    assert [(f.status, f.size) for f in await g.fetches(1)] == [(404, 0)]


async def test_nobody_waits_without_a_valid_token(gateway: GatewayMaker) -> None:
    p, g, video, media = await film(gateway)
    forged = media.replace(media.split("/")[4][-5:], "AAAAA")
    for address in (forged, f"{g.url}/internal/held/{video}/1", f"{g.url}/held"):
        assert (await p.http.get(f"{address}/{PIECE}")).status_code in (403, 404)
    assert await p.db("videos").value("select count(*) from units where held_until is not null") == 0


async def test_a_session_that_waits_for_too_much_is_told_so(gateway: GatewayMaker) -> None:
    p, _, _, media = await film(gateway)
    names = [f"{k}-{k * 4000}-{k * 4000 + 4000}.m4s" for k in range(MOST_OF_SESSION + 1)]
    asked = [asyncio.create_task(p.http.get(f"{media}/360p/{name}")) for name in names]
    done, waiting = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    (refused,) = done
    assert (refused.result().status_code, refused.result().json()["code"]) == (503, "busy")
    for request in waiting:
        request.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
