"""Ten hours: planned in moments, promised to the picture, and read at the very end as well as at the beginning."""

import re
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import msgspec
import pytest

from media import playlist
from media.plan import Plan, make_plan, to_document
from media.probe import probe
from media.timeline import RATES, Timeline
from tests import films
from tests.media import clips

HOURS_S = 36_000
BASE_S = 8


@pytest.fixture(scope="module")
def long_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds of numbered pictures, ten a second, again and again by stream copy."""
    folder = tmp_path_factory.mktemp("long")
    base = clips.numbered(folder / "base.mp4", BASE_S, rate="10", sound=False)
    film = folder / "film.mp4"
    films.ffmpeg("-stream_loop", "-1", "-i", str(base), "-c", "copy", "-frames:v", str(HOURS_S * 10), str(film))
    return film


@pytest.fixture(scope="module")
async def plan(long_film: Path) -> Plan:
    return make_plan(await probe(long_film), copied=False)


def promised(text: str) -> list[Fraction]:
    """The lengths of a playlist, as a player reads them."""
    return [Fraction(length) for length in re.findall(r"^#EXTINF:([\d.]+),", text, re.MULTILINE)]


def test_ten_hours_are_nine_thousand_segments(plan: Plan) -> None:
    assert (plan.duration_ms, plan.segments, plan.frame_rate) == (HOURS_S * 1000, HOURS_S // 4, "30")
    assert len(msgspec.json.encode(to_document(plan))) < 1 << 20


def test_its_playlists_stay_small(plan: Plan, tmp_path: Path) -> None:
    playlist.publish_planned(tmp_path, plan)
    lists = list(tmp_path.rglob("*.m3u8"))
    assert len(lists) >= 2
    assert max(path.stat().st_size for path in lists) < 500_000


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_the_promised_lengths_add_up_to_the_picture(rate: Fraction, plan: Plan) -> None:
    timeline = Timeline.of(rate, Fraction(HOURS_S))
    assert timeline.rate == rate
    changed = {"frame_rate": str(rate), "frames": timeline.frames, "segments": timeline.count, "copy": None}
    known = {name: value for name, value in changed.items() if name in plan.__struct_fields__}
    lengths = promised(playlist.media(msgspec.structs.replace(plan, **known), plan.rungs[0].name))
    errors = [told - exact for told, exact in zip(accumulate(lengths), accumulate(timeline.durations()), strict=True)]
    # The sum of any run is off by the difference of two of these (Apple 8.1).
    assert max(errors) - min(errors) < 1 / rate / 2


@pytest.mark.parametrize("index", [0, 4321, HOURS_S // 4 - 1])
async def test_any_segment_of_it_shows_the_right_pictures(
    index: int, plan: Plan, long_film: Path, tmp_path: Path
) -> None:
    (folder,) = await clips.encoded(plan, long_film, tmp_path, [(index, index + 1)])
    rung = plan.rungs[0].name
    shown = clips.numbers(clips.pictures(folder / rung / "init.mp4", clips.parts([folder], rung)))
    first = index * 4 % BASE_S * 10
    assert shown == [first + at // 3 for at in range(120)]
