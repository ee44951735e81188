"""The frame grid: rates, exact boundaries, and the cuts of sound beside it."""

import itertools
from fractions import Fraction

import pytest

from media.timeline import RATES, Timeline, snap_rate

NTSC = Fraction(30000, 1001)


@pytest.mark.parametrize(
    ("measured", "rate"),
    [
        ("25", "25"),
        ("24000/1001", "24000/1001"),
        ("23.98", "24000/1001"),
        ("24.001", "24"),
        ("29.96", "30000/1001"),
        ("30.01", "30"),
        ("59.9", "60000/1001"),
        ("15", "30"),
        ("12.5", "25"),
        ("10", "30"),
        ("1", "24"),
        ("0.5", "24"),
        ("120", "60"),
        ("119.88", "60000/1001"),
        ("100", "50"),
        ("240", "60"),
        ("27", "25"),
        ("90", "30"),
    ],
)
def test_a_rate_snaps_to_one_that_shows_all_pictures_equally_long(measured: str, rate: str) -> None:
    assert snap_rate(Fraction(measured)) == Fraction(rate)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("frames", [1, 2, 95, 96, 97, 5000, 216_001])
def test_segments_tile_the_film_without_gap(rate: Fraction, frames: int) -> None:
    timeline = Timeline(rate, frames)
    segments = list(timeline.segments())
    assert segments[0].start_ms == 0
    assert segments[-1].end_ms == timeline.duration_ms
    assert all(a.end_ms == b.start_ms for a, b in itertools.pairwise(segments))
    assert all(segment.duration_ms > 0 for segment in segments)
    assert sum(timeline.durations()) == timeline.seconds
    assert timeline.frames_in(0, timeline.count) == frames


def test_boundaries_are_rounded_once_from_exact_times() -> None:
    timeline = Timeline(NTSC, 120 * 900 + 1)
    last = timeline.segment(900)
    assert timeline.segment(1).name == "1-4004-8008.m4s"
    assert (last.start_ms, last.end_ms) == (3_603_600, 3_603_633)
    assert timeline.gop == 60
    assert timeline.target_seconds == 4


def test_ten_hours_do_not_drift() -> None:
    timeline = Timeline(Fraction(24000, 1001), 24 * 36_000)
    assert timeline.segment(timeline.count - 1).end_ms == 36_036_000


@pytest.mark.parametrize(("seconds", "frames"), [("0.001", 1), ("0.04", 1), ("0.06", 2), ("4", 100), ("4.021", 101)])
def test_a_length_becomes_whole_frames_and_at_least_one(seconds: str, frames: int) -> None:
    assert Timeline.of(Fraction(25), Fraction(seconds)).frames == frames


@pytest.mark.parametrize("bad", [(Fraction(26), 10), (Fraction(25), 0)])
def test_there_is_no_timeline_off_the_grid(bad: tuple[Fraction, int]) -> None:
    with pytest.raises(ValueError, match="no timeline"):
        Timeline(*bad)


def test_there_is_no_segment_past_the_end() -> None:
    with pytest.raises(IndexError):
        Timeline(Fraction(25), 100).segment(1)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("extra", [1, 2, 30, -1, 0])
@pytest.mark.parametrize(("sampling", "lead"), [(48_000, 1024), (44_100, 2112), (32_000, 0)])
def test_sound_is_there_from_each_first_picture_on(rate: Fraction, extra: int, sampling: int, lead: int) -> None:
    timeline = Timeline(rate, 5 * Timeline(rate, 1).segment_frames + extra)
    frames = timeline.audio_frames(sampling, lead)
    cuts = timeline.audio_cuts(sampling, lead, frames)
    assert len(cuts) == timeline.count + 1
    assert all(start < end for start, end in itertools.pairwise(cuts))
    for index in range(1, timeline.count):
        early = timeline.start(index) - Fraction(cuts[index] * 1024 - lead, sampling)
        assert 0 <= early < Fraction(1024, sampling)
    assert 0 <= Fraction(frames * 1024 - lead, sampling) - timeline.seconds < Fraction(1024, sampling)


def test_sound_that_does_not_reach_the_last_segment_cannot_be_cut() -> None:
    with pytest.raises(ValueError, match="do not reach"):
        Timeline(Fraction(25), 201).audio_cuts(48_000, 1024, 376)
