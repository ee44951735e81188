"""A segment that does not exist yet is waited for, and its unit goes first."""

import asyncio
import secrets
from typing import Any

import httpx2

from api.clients import Clients, NewUnit
from api.videos.held import MOST_OF_SESSION
from tests.conftest import Platform, PlatformMaker
from tests.videos.uploading import code, posted
from tests.videos.working import plan, take, until, worker

FILM = [NewUnit("video", "interactive", ["360p"], i, i + 8, i) for i in range(0, 800, 8)]


def ask(
    p: Platform, video: object, file: str, rendition: str = "360p", generation: object = 1, session: str = ""
) -> Any:
    """The held request as nginx sends it, under way."""
    headers = {"x-session-id": session or secrets.token_hex(16)}
    path = f"/internal/held/{video}/{generation}/{rendition}/{file}"
    if video != "" and f"{video}{generation}".isdigit() and "/" not in rendition:
        write(p, f"{video}/{generation}/{rendition}/index.m3u8")
    return asyncio.create_task(p.call("GET", "videos", path, headers=headers))


def write(p: Platform, path: str) -> None:
    """A file as a worker publishes it."""
    file = p.settings.path("MEDIA_ROOT") / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.with_suffix(".new").write_bytes(b"segment")
    file.with_suffix(".new").rename(file)


async def held(p: Platform) -> int:
    return await p.db("videos").value("select count(*) from units where held_until > now()")


async def wait_held(p: Platform, count: int = 1) -> None:
    async def enough() -> bool:
        return await held(p) == count

    await until(enough)


def redirected(response: httpx2.Response, path: str) -> bool:
    return (response.status_code, response.headers["x-accel-redirect"]) == (200, f"/segments/{path}")


async def test_a_file_that_is_there_is_answered_at_once(platform: PlatformMaker) -> None:
    p = await platform("videos")
    write(p, "5/1/360p/0-0-4000.m4s")
    assert redirected(await ask(p, 5, "0-0-4000.m4s"), "5/1/360p/0-0-4000.m4s")


async def test_a_held_segment_makes_a_unit_of_its_own_that_goes_first(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        await plan(clients, FILM)
        request = ask(p, video_id, "405-1620000-1624000.m4s")
        await wait_held(p)
        unit = await take(clients)
        assert (unit.first_segment, unit.end_segment, unit.renditions, unit.held) == (405, 406, ["360p"], True)
        write(p, f"{video_id}/1/360p/405-1620000-1624000.m4s")
        assert redirected(await request, f"{video_id}/1/360p/405-1620000-1624000.m4s")
        first = await take(clients)
        assert (first.first_segment, first.held) == (0, False)
    spans = "select array_agg(array[first_segment, end_segment] order by first_segment) from units where kind = 'video'"
    assert (await p.db("videos").value(spans))[50:53] == [[400, 405], [405, 406], [406, 408]]
    whole = "select sum(end_segment - first_segment) from units where kind = 'video'"
    assert await p.db("videos").value(whole) == 800


async def test_a_unit_that_begins_with_the_segment_is_not_split(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        await plan(clients, FILM)
        request = ask(p, video_id, "400-1600000-1604000.m4s")
        await wait_held(p)
        assert (await take(clients)).first_segment == 400
        write(p, f"{video_id}/1/360p/400-1600000-1604000.m4s")
        await request
    assert await p.db("videos").value("select count(*) from units where kind = 'video'") == 100


async def test_what_comes_after_a_held_segment_is_not_split_when_its_turn_comes(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        await plan(clients, FILM)
        first = ask(p, video_id, "401-1604000-1608000.m4s")
        await wait_held(p)
        second = ask(p, video_id, "402-1608000-1612000.m4s")
        await wait_held(p, 2)
        write(p, f"{video_id}/1/360p/402-1608000-1612000.m4s")
        await second
        assert (await take(clients)).first_segment == 401
        write(p, f"{video_id}/1/360p/401-1604000-1608000.m4s")
        await first
        following = await take(clients)
        assert (following.first_segment, following.end_segment, following.held) == (402, 408, True)
    assert await p.db("videos").value("select count(*) from units where kind = 'video'") == 102


async def test_units_of_sound_and_of_the_batch_are_carved_and_jump_the_queue_too(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    units = [NewUnit("audio", "interactive", ["audio-0"], 0, 20, 9), NewUnit("video", "batch", ["720p"], 0, 20, 9)]
    async with worker(p) as clients:
        await plan(clients, [*units, NewUnit("video", "interactive", ["360p"], 0, 20, 0)])
        requests = [ask(p, video_id, "5-20000-24000.m4s", r) for r in ("audio-0", "720p")]
        await wait_held(p, 2)
        got = {u.renditions[0]: (u.first_segment, u.end_segment) for u in (await take(clients), await take(clients))}
        assert got == {"audio-0": (5, 6), "720p": (5, 6)}
        for rendition in got:
            write(p, f"{video_id}/1/{rendition}/5-20000-24000.m4s")
        assert [(await r).status_code for r in requests] == [200, 200]


async def test_an_init_segment_waits_for_the_first_unit_of_its_rendition(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        await plan(clients, FILM)
        request = ask(p, video_id, "init.mp4")
        await wait_held(p)
        assert (await take(clients)).first_segment == 0
        write(p, f"{video_id}/1/360p/init.mp4")
        assert redirected(await request, f"{video_id}/1/360p/init.mp4")


async def test_a_running_unit_is_simply_waited_for(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        await plan(clients, FILM)
        await take(clients)
        request = ask(p, video_id, "3-12000-16000.m4s")
        write(p, f"{video_id}/1/360p/3-12000-16000.m4s")
        assert (await request).status_code == 200
    assert await held(p) == 0


async def test_what_never_will_be_is_404(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        await plan(clients, FILM)
        await clients.units_done(await take(clients), {})
    name = "0-0-4000.m4s"
    for request in (
        ask(p, video_id, "9-1-2.m4s", "1080p"),
        ask(p, video_id, "800-3200000-3204000.m4s"),
        ask(p, video_id, name, generation=2),
        ask(p, 999, name),
        ask(p, video_id, "0-0-4001.m4s"),
        ask(p, video_id, "index.m3u8"),
        ask(p, video_id, "00-0-4000.m4s"),
        ask(p, video_id, "5-9-4.m4s"),
        ask(p, video_id, name, "..%2F..%2Fetc"),
        ask(p, f"0{video_id}", name),
        ask(p, video_id, name, generation="1%00"),
        ask(p, "9" * 30, name),
    ):
        assert code(await request) == (404, "not_found")


async def test_after_eight_seconds_the_answer_is_to_try_again(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        await plan(clients, FILM)
    response = await ask(p, video_id, "7-28000-32000.m4s")
    assert code(response) == (503, "not_ready")
    assert int(response.headers["retry-after"]) >= 1
    assert 7.5 < response.elapsed.total_seconds() < 9.5


async def test_a_client_that_goes_away_lets_others_pass(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        await plan(clients, FILM)
        request = ask(p, video_id, "405-1620000-1624000.m4s")
        await wait_held(p)
        request.cancel()
        await wait_held(p, 0)
        assert (await take(clients)).first_segment == 0


async def test_a_failed_job_holds_nobody(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        await plan(clients, FILM)
        await clients.units_fail(await take(clients), "broken", "It broke.", permanent=True)
        assert code(await ask(p, video_id, "405-1620000-1624000.m4s")) == (404, "not_found")


async def test_claims_and_splits_at_once_leave_every_segment_in_one_unit(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        await plan(clients, FILM[:10])
        requests = [ask(p, video_id, f"{k}-{k * 4000}-{k * 4000 + 4000}.m4s") for k in range(1, 80, 3)]
        await asyncio.gather(*(_claim(clients) for _ in range(30)))
        for request in requests:
            request.cancel()
    spans = await p.db("videos").value(
        "select array_agg(array[first_segment, end_segment] order by first_segment) from units where kind = 'video'"
    )
    assert [a[1] for a in spans] == [*(b[0] for b in spans[1:]), 80]
    assert spans[0][0] == 0


async def _claim(clients: Clients) -> None:
    await clients.units_claim("interactive", "w1")


async def test_only_what_a_playlist_names_is_made_on_demand(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        await plan(clients, [NewUnit("video", "held", ["540p"], 0, 20, 0)])
        answer = await p.call("GET", "videos", f"/internal/held/{video_id}/1/540p/0-0-4000.m4s")
    assert code(answer) == (404, "not_found")
    assert await held(p) == 0


async def test_who_asks_for_much_does_not_make_the_viewer_of_another_film_wait(platform: PlatformMaker) -> None:
    p = await platform("videos")
    greedy, modest = await posted(p), await posted(p)
    async with worker(p) as clients:
        for _ in range(2):
            await plan(clients, [NewUnit("video", "batch", ["360p"], i, i + 8, i) for i in range(0, 800, 8)])
        requests = [ask(p, greedy, f"{k}-{k * 4000}-{k * 4000 + 4000}.m4s") for k in range(0, 96, 8)]
        requests.append(ask(p, modest, "600-2400000-2404000.m4s"))
        await wait_held(p, 13)
        served = [await take(clients)]
        while served[-1].video_id != modest:
            await clients.units_done(served[-1], {})
            served.append(await take(clients))
        for request in requests:
            request.cancel()
    assert len(served) <= 2


async def test_one_session_waits_for_a_few_segments_and_leaves_the_other_places_to_others(
    platform: PlatformMaker,
) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        await plan(clients, FILM)
        names = [f"{k}-{k * 4000}-{k * 4000 + 4000}.m4s" for k in range(0, 8 * MOST_OF_SESSION, 8)]
        requests = [ask(p, video_id, name, session="5" * 32) for name in names]
        await wait_held(p, MOST_OF_SESSION)
        assert code(await ask(p, video_id, "405-1620000-1624000.m4s", session="5" * 32)) == (503, "busy")
        requests.append(ask(p, video_id, "405-1620000-1624000.m4s"))
        await wait_held(p, MOST_OF_SESSION + 1)
        for request in requests:
            request.cancel()
