"""A viewer waits for a later part of a running unit: the unit is shortened, and no segment is made twice at a time."""

import asyncio
import contextlib
import random

import pytest

from api.clients import Clients, NewUnit, Unit
from api.videos import held
from api.videos.bells import Bells
from tests.conftest import Platform, PlatformMaker
from tests.videos.uploading import posted
from tests.videos.working import plan as planned
from tests.videos.working import problem, take, worker

FILM = 100
LADDER = ["240p", "540p", "720p"]


async def asked(p: Platform, video_id: int, rendition: str, index: int) -> None:
    """A viewer's request for a segment that is not there, as far as it changes anything."""
    file = f"{index}-{index * 4000}-{index * 4000 + 4000}.m4s"
    place = held.parse(str(video_id), "1", rendition, file)
    await held.hurry(p.db("videos"), Bells(_unheard), p.settings.path("MEDIA_ROOT") / place.path, place)


async def _unheard(_: str) -> None:
    """Nobody sleeps in these tests."""


async def tell(clients: Clients, unit: Unit, done: int, end: int, speed: float = 1.0) -> int:
    """Renew as a worker that is going to stop before `end`; gives the end it is told."""
    return (await clients.units_renew(unit, done, speed, done * 4000, end)).end_segment


async def spans(p: Platform) -> list[tuple[str, int, int]]:
    """All units that make segments."""
    rows = await p.db("videos").value(
        "select array_agg(jsonb_build_array(array_to_string(renditions, ' '), first_segment, end_segment)"
        " order by first_segment, renditions) from units where makes_segments"
    )
    return [tuple(row) for row in rows]


async def begun(p: Platform, clients: Clients, *units: NewUnit) -> tuple[int, Unit]:
    """A film of these units, and the first of them, taken."""
    video_id = await posted(p)
    await planned(clients, list(units))
    return video_id, await take(clients, units[0].queue, "first")


async def test_a_running_unit_ends_before_what_a_viewer_waits_for(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        video_id, unit = await begun(p, clients, NewUnit("audio", "interactive", ["audio-0"], 0, FILM, 0))
        await asked(p, video_id, "audio-0", 50)
        assert await spans(p) == [
            ("audio-0", 0, 50),
            ("audio-0", 50, 51),
            ("audio-0", 51, 58),
            ("audio-0", 58, 100),
        ]
        assert await tell(clients, unit, 1, FILM) == 50
        assert await tell(clients, unit, 1, 50) == 50
        other = await take(clients, name="second")
        assert (other.first_segment, other.end_segment) == (50, 51)


async def test_what_is_carved_off_is_nobodys_until_the_worker_knows(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        video_id, unit = await begun(p, clients, NewUnit("audio", "interactive", ["audio-0"], 0, FILM, 0))
        await asked(p, video_id, "audio-0", 50)
        assert await clients.units_claim("interactive", "second") is None
        await tell(clients, unit, 1, FILM)
        assert await clients.units_claim("interactive", "second") is None
        await tell(clients, unit, 1, 50)
        assert (await take(clients, name="second")).first_segment == 50


async def test_what_is_carved_off_is_free_when_its_worker_ends_or_is_lost(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        video_id, unit = await begun(p, clients, NewUnit("audio", "interactive", ["audio-0"], 0, FILM, 0))
        await asked(p, video_id, "audio-0", 50)
        await clients.units_done(unit, {})
        assert (await take(clients)).first_segment == 50


@pytest.mark.parametrize(("done", "speed", "index"), [(0, 0.0, 1), (10, 1.0, 11), (10, 20.0, 16)])
async def test_what_is_near_is_simply_waited_for(done: int, speed: float, index: int, platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        video_id, unit = await begun(p, clients, NewUnit("video", "interactive", ["360p"], 0, FILM, 0))
        await tell(clients, unit, done, FILM, speed)
        await asked(p, video_id, "360p", index)
        assert await spans(p) == [("360p", 0, 100)]


async def test_one_rendition_of_a_running_ladder_is_hurried_alone(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        video_id, unit = await begun(p, clients, NewUnit("video", "batch", LADDER, 0, 24, 0))
        await asked(p, video_id, "540p", 10)
        assert await spans(p) == [
            ("240p 540p 720p", 0, 10),
            ("240p 720p", 10, 18),
            ("540p", 10, 11),
            ("540p", 11, 18),
            ("240p 540p 720p", 18, 24),
        ]
        await tell(clients, unit, 1, 10)
        hurried = await take(clients, name="second")
        assert (hurried.renditions, hurried.first_segment) == (["540p"], 10)
        rest = [await take(clients, "batch") for _ in range(2)]
        assert sorted(u.renditions for u in rest) == [["240p", "540p", "720p"], ["240p", "720p"]]


async def test_what_no_unit_may_lose_is_never_carved(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        units = [NewUnit("survey", "interactive", ["360p"], 0, FILM, 0), NewUnit("loudness", "batch", [], 0, FILM, 0)]
        video_id, _ = await begun(p, clients, *units)
        assert await problem(asked(p, video_id, "360p", 50)) == (404, "not_found")
    ours = "select array_agg(end_segment order by id) from units where kind in ('survey', 'loudness')"
    assert await p.db("videos").value(ours) == [FILM, FILM]


@pytest.mark.parametrize("seed", range(4))
async def test_requests_claims_and_reports_at_once_leave_every_segment_in_one_unit(
    seed: int, platform: PlatformMaker
) -> None:
    """Whatever happens in whatever order: no gap, no overlap, and no segment with two workers."""
    p, chance = await platform("videos"), random.Random(seed)
    at_work: dict[tuple[str, int], int] = {}
    async with worker(p) as clients:
        video_id = await posted(p)
        await planned(clients, [NewUnit("video", q, LADDER, i, i + 20, i) for q, i in (("batch", 0), ("held", 20))])
        await asyncio.gather(*(_viewer(p, video_id, random.Random(chance.random())) for _ in range(3)))
        await asyncio.gather(
            *(_viewer(p, video_id, random.Random(chance.random())) for _ in range(3)),
            *(_worker(clients, random.Random(chance.random()), at_work) for _ in range(3)),
        )
    places = [(name, i) for names, first, end in await spans(p) for name in names.split() for i in range(first, end)]
    assert sorted(places) == sorted((name, i) for name in LADDER for i in range(40))


async def _viewer(p: Platform, video_id: int, chance: random.Random) -> None:
    for _ in range(8):
        with contextlib.suppress(held.NoSegment):  # its unit is done, and these workers write no files
            await asked(p, video_id, chance.choice(LADDER), chance.randrange(40))


async def _worker(clients: Clients, chance: random.Random, at_work: dict[tuple[str, int], int]) -> None:
    for _ in range(6):
        unit = await clients.units_claim(chance.choice(["interactive", "batch"]), "w")
        if unit is None:
            continue
        places = [(name, i) for name in unit.renditions for i in range(unit.first_segment, unit.end_segment)]
        assert not any(at_work.get(place) for place in places)
        at_work.update(dict.fromkeys(places, unit.id))
        end = unit.end_segment
        for done in range(2):
            lower = await tell(clients, unit, done, end)
            end = min(end, lower)
            for place in [place for place in places if place[1] >= end]:
                at_work[place] = 0
        for place in places:
            at_work[place] = 0 if at_work[place] == unit.id else at_work[place]
        await clients.units_done(unit, {})
