"""The ladder fitted to a film by samples of two sizes."""

from fractions import Fraction

import pytest

from media.ladder import ladder
from media.survey import Sample, adapt, sample_starts

RUNGS = ladder(1920, 1080, Fraction(25))
SMALL, LARGE = 640 * 360, 1280 * 720


def film(low: float, high: float) -> list[Sample]:
    return [Sample(SMALL, low), Sample(LARGE, high)]


@pytest.mark.parametrize(
    ("samples", "names"),
    [
        (film(600_000, 2_200_000), ["240p", "360p", "540p", "720p", "1080p"]),  # a camera
        (film(60_000, 65_000), ["240p", "1080p"]),  # slides: every size costs the same
        (film(300_000, 600_000), ["240p", "360p", "720p", "1080p"]),  # drawings: the middle adds little
        (film(9_000_000, 25_000_000), ["240p", "360p", "540p", "720p", "1080p"]),  # at the cap everywhere
    ],
)
def test_rungs_that_add_nothing_are_dropped(samples: list[Sample], names: list[str]) -> None:
    assert [rung.name for rung in adapt(RUNGS, samples)] == names


def test_a_rung_that_is_being_encoded_stays_as_it_is() -> None:
    rungs = adapt(RUNGS, film(60_000, 65_000), fixed="360p")
    assert RUNGS[1] in rungs


def test_easy_films_get_lower_caps_and_hard_ones_a_little_less_quality() -> None:
    easy, hard = adapt(RUNGS, film(200_000, 560_000))[-1], adapt(RUNGS, film(9_000_000, 25_000_000))[-1]
    assert easy.crf == RUNGS[-1].crf - 3
    assert RUNGS[-1].maxrate / 4 <= easy.maxrate < RUNGS[-1].maxrate
    assert easy.bufsize == 2 * easy.maxrate
    assert (hard.maxrate, hard.crf) == (RUNGS[-1].maxrate, RUNGS[-1].crf + 2)


def test_one_size_is_enough_for_a_small_film() -> None:
    rungs = ladder(640, 360, Fraction(25))
    assert [rung.name for rung in adapt(rungs, [Sample(SMALL, 500_000)])] == ["240p", "360p"]


@pytest.mark.parametrize(
    ("seconds", "starts"), [(3, []), (10, [4.0]), (80, [19.0, 59.0]), (36_000, [3599.0 + 7200 * n for n in range(5)])]
)
def test_samples_are_spread_and_few(seconds: float, starts: list[float]) -> None:
    assert sample_starts(seconds) == starts
