"""A short film beside a long one: which units the plans of both open, and in which order they are claimed."""

from api.clients import Clients, Opens
from media.plan import Plan, make_plan
from media.probe import Picture, SourceInfo
from tests.conftest import PlatformMaker
from tests.videos.uploading import posted
from tests.videos.working import plan, take, worker
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
