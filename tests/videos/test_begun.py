"""A film that is begun before its index is there: what waits for it, what it opens, what happens if it was wrong."""

from api.clients import Clients, NewUnit, Opens, Unit
from tests.conftest import Platform, PlatformMaker
from tests.videos.test_held import ask, redirected, wait_held, write
from tests.videos.test_pausing import state
from tests.videos.uploading import look, posted
from tests.videos.working import plan, problem, take, worker

FIRST = [NewUnit("index", "interactive", [], 0, 0, 0), NewUnit("video", "interactive", ["360p"], 0, 8, 1)]
REST = [NewUnit("video", "held", ["360p"], 8, 20, 2), NewUnit("survey", "batch", [], 0, 0, 0)]
SEEKED = "10-40000-44000.m4s"


async def begun(p: Platform, clients: Clients) -> tuple[int, Unit]:
    """A film of twenty segments whose index is being made."""
    video_id = await posted(p)
    await plan(clients, FIRST)
    index = await take(clients)
    assert index.kind == "index"
    return video_id, index


async def test_a_seek_past_the_beginning_waits_for_the_index(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        video_id, index = await begun(p, clients)
        request = ask(p, video_id, SEEKED)
        await clients.units_done(index, {}, Opens(units=REST))
        await wait_held(p)
        unit = await take(clients)
        assert (unit.kind, unit.first_segment) == ("video", 10)
        write(p, f"{video_id}/1/360p/{SEEKED}")
        assert redirected(await request, f"{video_id}/1/360p/{SEEKED}")


async def test_a_paused_film_says_so_to_who_waits_for_its_index(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        video_id, _ = await begun(p, clients)
        assert await state(p, "pause") == "paused"
        assert (await ask(p, video_id, SEEKED)).status_code == 503


async def test_a_film_that_was_begun_wrongly_begins_again_in_its_next_generation(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        video_id, index = await begun(p, clients)
        other = await take(clients)
        await clients.units_done(index, {"holds": False}, Opens(again=True))
        assert (await look(p, video_id))["status"] == "queued"
        assert (await clients.units_renew(other, 1, 1.0)).stop
        probe = await take(clients)
        assert (probe.kind, probe.generation, probe.plan) == ("probe", 2, {})
        assert await problem(clients.units_done(index, {}, Opens(again=True))) == (409, "lease_lost")
        assert await clients.units_claim("interactive", "w2") is None
    removals = "select array_agg(generation) from removals where video_id is not null"
    assert await p.db("videos").value(removals) == [1]


async def test_a_paused_film_does_not_begin_again(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        video_id, index = await begun(p, clients)
        assert await state(p, "pause") == "paused"
        assert await problem(clients.units_done(index, {}, Opens(again=True))) == (409, "lease_lost")
        assert (await look(p, video_id))["status"] == "playable"
