"""What a film should be is said in its report, and never keeps it from being published."""

import re
from dataclasses import replace

import pytest

from media import conformance
from media.film import Film
from tests.media.spoiling import (
    Spoil,
    entry,
    larger,
    lines,
    master,
    parameters,
    rewritten,
    segment,
    sound,
    texts,
    video,
)

OURS = {"APL-6.2", "APL-7.5"}  # segments of four seconds and I-frames of two are what we chose
STREAM, CHARACTERISTICS = "#EXT-X-STREAM-INF:", ',CHARACTERISTICS="public.accessibility.describes-video"'


def all_too_new(film: Film) -> Film:
    return replace(film, videos=[parameters(level=51)(track) for track in film.videos])


def two_megabits(line: str) -> str:
    """Told of the second variant."""
    return re.sub(r"AVERAGE-BANDWIDTH=\d+", "AVERAGE-BANDWIDTH=2000000", line) if "426x240" in line else line


def special_first(film: Film) -> Film:
    """Two tracks in one language, the first of which describes the pictures."""
    for old, new in ((CHARACTERISTICS, ""), (",DEFAULT=YES", ",DEFAULT=YES" + CHARACTERISTICS), ('"fr"', '"en"')):
        film = master(old, new)(film)
    return film


WORSE: list[tuple[str, Spoil]] = [
    ("APL-1.3a", all_too_new),
    ("APL-1.4", video(parameters(profile=77))),
    ("APL-1.10", video(entry(kind="avc3"))),
    ("APL-1.11", video(parameters(level=40))),
    ("APL-1.13", video(segment(0, key_gap=100_000))),
    ("APL-1.18", master("FRAME-RATE=25.000", "FRAME-RATE=26.000")),
    ("APL-1.30", video(lambda track: replace(track, sizes=[9_000_000, *track.sizes[1:]]))),
    ("APL-1.32", lines(STREAM, two_megabits)),
    ("APL-1.33", video(entry(width=300))),
    ("APL-2.9", sound(larger(20))),
    ("APL-5.11", master("AUTOSELECT=YES,FORCED=NO", "FORCED=YES")),
    ("APL-6.2", rewritten("iframes-0/index.m3u8", "#EXTINF:2.0", "#EXTINF:1.5")),
    ("APL-7.5", texts("TARGETDURATION:4", "TARGETDURATION:5")),
    ("APL-9.10", video(entry(width=1280, height=720))),
    ("APL-9.17", special_first),
    ("PLAN-chapters", lines("#EXT-X-SESSION-DATA", lambda line: "")),
]  # fmt: skip


def noted(film: Film) -> set[str]:
    return {note["rule"] for note in conformance.notes(film)}


def test_a_good_film_has_only_the_notes_we_chose(film: Film) -> None:
    assert noted(film) == OURS
    assert {note["rule"] for note in conformance.report(film, [])["notes"]} == OURS


@pytest.mark.parametrize(("note", "spoil"), WORSE, ids=[note for note, _ in WORSE])
def test_each_note_says_what_could_be_better(film: Film, note: str, spoil: Spoil) -> None:
    assert note in noted(spoil(film))


def test_every_note_is_tried() -> None:
    assert {note for note, _ in WORSE} == set(conformance.NOTES)


def test_notes_alone_do_not_keep_a_film_from_being_published(film: Film) -> None:
    better = lines("#EXT-X-SESSION-DATA", lambda line: "")(film)
    assert "PLAN-chapters" in noted(better)
    # The empty line that is left is no fault: RFC 8216 has players ignore it.
    assert conformance.check(better) == []
