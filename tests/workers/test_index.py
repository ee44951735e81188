"""Long MPEG streams: begun from a copy of their first part, and copied whole by a unit of their own."""

from dataclasses import replace
from pathlib import Path

import pytest

from api import binaries
from api.clients import NewUnit, Opens, Unit
from media.plan import Plan, from_document
from media.probe import probe, steady_end
from tests.media import clips
from workers.encode import encode_span
from workers.probe import Planned, index_film, plan_film
from workers.shop import Done, Progress, Shop

SECONDS = 100
MPEG2 = ("-c:v", "mpeg2video", "-b:v", "300k", "-bf", "2", "-g", "50", "-c:a", "mp2")
OPEN_H264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", "70", "-bf", "3", "-x264-params", "open-gop=1")
TS = {
    "mpeg2.ts": (*MPEG2, "-f", "mpegts"),
    "h264.ts": (*OPEN_H264, "-c:a", "aac", "-f", "mpegts"),
    "mpeg2.mpg": (*MPEG2, "-f", "vob"),
}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    (tmp_path / "sources").mkdir()
    return Shop(binaries.ffmpeg(), tmp_path / "media", tmp_path / "sources", threads=1)


def unit(kind: str, planned: Planned | None = None, new: NewUnit | None = None, generation: int = 1) -> Unit:
    return Unit(
        id=5,
        fence=2,
        lease_s=15,
        kind=kind,
        job_id=3,
        video_id=9,
        generation=generation,
        source="film",
        filename="holiday.ts",
        renditions=new.renditions if new else [],
        first_segment=new.first_segment if new else 0,
        end_segment=new.end_segment if new else 0,
        attempt=1,
        plan=planned.plan if planned else {},
    )


async def made(shop: Shop, planned: Planned, units: list[NewUnit]) -> dict[str, bytes]:
    """Every file that these units make, by its path; they are removed again."""
    folder = shop.media / "9/1"
    for new in units:
        await encode_span(shop, unit(new.kind, planned, new), Progress())
    paths = [path for path in folder.glob("*/*") if path.suffix in (".m4s", ".mp4")]
    found = {str(path.relative_to(folder)): path.read_bytes() for path in paths}
    for path in paths:
        path.unlink()
    return found


@pytest.mark.parametrize("name", TS)
async def test_the_beginning_is_the_same_from_its_own_copy_and_from_the_whole(name: str, shop: Shop) -> None:
    clips.numbered(shop.sources / name, SECONDS, *TS[name]).rename(shop.sources / "film")
    planned = await plan_film(shop, unit("probe"), Progress())
    plan = from_document(planned.plan)
    assert plan.upload is not None
    assert [u.kind for u in planned.units if u.queue != "interactive"] == []
    assert not shop.copy(unit("probe")).exists()
    first = [u for u in planned.units if u.kind in ("video", "audio")]
    early = await made(shop, planned, first)
    assert len(early) == 2 * (8 + 1)
    done = await index_film(shop, unit("index", planned), Progress())
    assert done.opens is not None
    assert (done.result, done.opens.again) == ({"holds": True}, False)
    whole = replace(planned, plan=planned.plan | done.opens.plan)
    assert await made(shop, whole, first) == early


async def test_what_waits_for_the_index_is_what_a_whole_copy_opens(shop: Shop) -> None:
    clips.numbered(shop.sources / "a.ts", SECONDS, *TS["mpeg2.ts"]).rename(shop.sources / "film")
    begun = await plan_film(shop, unit("probe"), Progress())
    done = await index_film(shop, unit("index", begun), Progress())
    copied = await plan_film(shop, unit("probe", generation=2), Progress())
    assert done.opens is not None
    assert [u for u in begun.units if u.kind != "index"] + done.opens.units == sorted(
        copied.units, key=lambda u: u.queue != "interactive"
    )
    assert without_facts(begun.plan | done.opens.plan) == without_facts(copied.plan)
    assert begun.renditions == copied.renditions


def without_facts(document: dict[str, object]) -> Plan:
    return from_document(document | {"facts": {}})


def joined(folder: Path, starts: list[int], seconds: int) -> Path:
    """Broadcasts one behind the other, whose clocks begin at these times."""
    parts = [
        clips.numbered(folder / f"{n}.ts", seconds, *TS["mpeg2.ts"], "-output_ts_offset", str(at)).read_bytes()
        for n, at in enumerate(starts)
    ]
    (folder / "film").write_bytes(b"".join(parts))
    return folder / "film"


@pytest.mark.parametrize("starts", [[10, 5000], [5000, 10]], ids=["forward", "backward"])
async def test_a_film_whose_clock_jumps_is_copied_first(starts: list[int], shop: Shop) -> None:
    film = joined(shop.sources, starts, 60)
    assert await steady_end(film, await probe(film)) is None
    plan = from_document((await plan_film(shop, unit("probe"), Progress())).plan)
    assert plan.upload is None
    assert abs(plan.duration_ms - 120_000) <= 300


async def test_a_film_that_was_begun_wrongly_begins_again(shop: Shop) -> None:
    # The second part ends where the clock of a third would: too little of a jump to be seen from a few places.
    film = joined(shop.sources, [0, 72], 60)
    planned = await plan_film(shop, unit("probe"), Progress())
    assert from_document(planned.plan).upload is not None
    done = await index_film(shop, unit("index", planned), Progress())
    assert done == Done({"holds": False}, Opens(again=True))
    again = from_document((await plan_film(shop, unit("probe", generation=2), Progress())).plan)
    assert again.upload is None
    assert film.exists()
    assert again.duration_ms < from_document(planned.plan).duration_ms
