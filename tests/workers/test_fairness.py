"""A short film beside a long one: which units the plans of both open, and in which order they are claimed."""

from api.clients import Clients, Opens
from api.videos.unit import TURN
from media.plan import Plan, make_plan
from media.probe import Picture, SourceInfo
from tests.conftest import PlatformMaker
from tests.videos.uploading import OWNER, STRANGER, posted
from tests.videos.working import RENDITIONS, UNITS, plan, take, worker
from workers.probe import units


def film(seconds: int) -> Plan:
    """The plan of a film that has to be encoded, without sound."""
    hd = Picture(0, "vp9", 1280, 720, sar="1", rotation=0, pix_fmt="yuv420p", interlaced=False, hdr="")
    info = SourceInfo("matroska", indexed=True, seconds=str(seconds), frames=0, rate="25", picture=hd, sounds=[])
    return make_plan(info, copied=False)


async def surveyed(clients: Clients, of: Plan) -> None:
    """The film posted last, when its ladder is about to be encoded."""
    await plan(clients, list(units(of)))
    survey = await take(clients, "batch")
    assert survey.kind == "survey"
    await clients.units_done(survey, {}, Opens(adopt=[rung.name for rung in of.rungs]))


async def test_a_short_film_waits_for_no_long_one(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        await posted(p, title="long")
        await surveyed(clients, film(7200))
        short = await posted(p, title="short")
        await surveyed(clients, film(30))
        before = []
        while (unit := await take(clients, "batch")).kind != "extras":
            before.append(unit.video_id)
            await clients.units_done(unit, {})
    assert unit.video_id == short
    assert len(before) <= 6


async def test_thousands_of_films_of_one_uploader_do_not_make_another_wait(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        for _ in range(4 * TURN):
            await posted(p)
        flood = "update videos set uploaded_by = :stranger where uploaded_by = :owner"
        await p.db("videos").run(flood, stranger=STRANGER, owner=OWNER)
        mine = await posted(p)
        served = [await take(clients)]
        while served[-1].video_id != mine:
            served.append(await take(clients))
        assert len(served) == TURN + 1
        await clients.units_planned(served[-1], {"duration_ms": 4000, "segments": 1}, RENDITIONS, UNITS[2:3])
        assert (await take(clients)).video_id == mine, "what plays comes before the probes of the other"
