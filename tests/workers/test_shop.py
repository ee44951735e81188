"""What a worker says of its work: how far it is, and what it cost."""

import subprocess
import sys
from pathlib import Path

import pytest

from api import binaries
from media.encoder import Failed
from tests import films
from tests.media import test_playlist
from tests.workers.test_transcode_units import folder, prepared, unit
from workers.encode import MOST_INIT, Moving, encode_span
from workers.probe import plan_film
from workers.shop import Cost, Progress, Shop

BURN = "import time\nwhile time.process_time() < 0.2: pass"


def a_shop(tmp_path: Path) -> Shop:
    (tmp_path / "sources").mkdir()
    return Shop(binaries.ffmpeg(), tmp_path / "media", tmp_path / "sources", threads=1)


def burn() -> None:
    subprocess.run([sys.executable, "-c", BURN], check=True)


def test_what_ran_before_a_bell_is_not_paid_for_again() -> None:
    burn()
    cost = Cost()
    assert cost.take() == 0
    burn()
    assert 0.2 <= cost.take() < 5
    assert cost.take() == 0


async def test_segments_of_an_earlier_attempt_count_as_made(tmp_path: Path) -> None:
    shop, progress = a_shop(tmp_path), Progress()
    planned = await prepared(shop)
    whole = unit("video", plan=planned, renditions=["180p"], span=range(3))
    await encode_span(shop, whole, progress)
    (folder(shop) / "180p/2-8000-9000.m4s").unlink()
    again = Progress()
    assert await encode_span(shop, whole, again) == {"encoded": 1}
    assert (progress.segments, again.segments) == (3, 3)


async def test_a_copy_in_another_container_shows_how_far_it_is(tmp_path: Path) -> None:
    shop, progress = a_shop(tmp_path), Progress()
    films.synthetic(tmp_path / "a.ts", 5).rename(shop.sources / "film")
    await plan_film(shop, unit("probe"), progress)
    assert progress.made_ms > 4000


def test_one_program_after_another_goes_on_where_the_first_was() -> None:
    progress = Progress()
    for _ in range(2):
        reach = progress.further()
        for seconds in (1.0, 3.0):
            reach(seconds)
    assert progress.made_ms == 6000


def test_an_absurd_beginning_is_not_published(tmp_path: Path) -> None:
    scratch, place = tmp_path / "scratch", tmp_path / "film"
    (scratch / "360p").mkdir(parents=True)
    (scratch / "360p/init.mp4").write_bytes(bytes(MOST_INIT + 1))
    moving = Moving(test_playlist.plan(), 0, ["360p"], range(1), scratch, place)
    with pytest.raises(Failed, match="absurd"):
        moving._place_init("360p")
    assert not place.exists()
