"""Names and groups of renditions, whatever uploaders call their tracks: the gate must like what the writer writes."""

from fractions import Fraction

import msgspec
import pytest

from media import conformance, playlist
from media.film import Film
from media.ladder import ladder
from media.plan import Plan, Track, levelled
from media.timeline import Timeline

RULES = ("RFC-M3U", "RFC-ATTR", "RFC-TAG", "RFC-MEDIA", "RFC-GROUPS", "RFC-DEFINE", "APL-8.10")


def plan(*titles: tuple[str, str]) -> Plan:
    timeline = Timeline(Fraction(25), 250)
    frames = timeline.audio_frames(48000, 1024)
    return Plan(
        duration_ms=timeline.duration_ms,
        segments=timeline.count,
        frame_rate="25",
        width=1280,
        height=720,
        frames=250,
        copied=False,
        demuxer="mov",
        stream=0,
        coded=(1280, 720),
        interlaced=False,
        colour="sdr",
        rungs=ladder(1280, 720, timeline.rate),
        tracks=[Track(f"audio-{n}", n + 1, language, title, frames) for n, (language, title) in enumerate(titles)],
    )


def found(told: Plan, *texts: playlist.Text) -> list[str]:
    """Which of these rules the multivariant playlist of a film breaks."""
    videos = [playlist.planned(rung) for rung in told.rungs]
    sounds = [playlist.planned_track(track) for track in told.tracks]
    film = Film(told, [], [], playlist.multivariant(told, videos, sounds, playlist.Extras(texts)))
    return [sentence for rule in RULES for sentence in conformance.RULES[rule](film)]


TITLES = [
    [("en", ""), ("fr", "")],
    [("en", ""), ("en", ""), ("und", ""), ("und", "")],
    [("en", "English (3)"), ("en", ""), ("en", "")],
    [("en", "Audio 2"), ("und", ""), ("und", "Audio 2 (2)")],
    [("en", '"\n#EXT-X-ENDLIST'), ("en", "{$token}"), ("en", "{{$$a}"), ("en", "\u2028"), ("en", "x" * 99)],
    [("en", "x" * 99), ("en", "x" * 99)],
]  # fmt: skip


@pytest.mark.parametrize("titles", TITLES)
def test_any_titles_make_proper_groups(titles: list[tuple[str, str]]) -> None:
    before = plan(*titles)
    for gains in ([None] * len(titles), [3.0] * len(titles), [3.0, *[None] * (len(titles) - 1)]):
        assert found(msgspec.structs.replace(before, tracks=levelled(before, gains))) == []


def test_groups_keep_the_order_of_the_source_when_only_one_track_is_levelled() -> None:
    before = plan(("en", ""), ("fr", ""), ("de", ""))
    after = msgspec.structs.replace(before, tracks=levelled(before, [None, 6.0, None]))
    orders = [[track.language for track in after.tracks_of(group)] for group in ("audio", "low")]
    assert orders == [["en", "fr", "de"]] * 2


def test_captions_of_one_label_get_names_of_their_own() -> None:
    texts = [playlist.Text(f"text-{tag}", tag, "English", sdh=tag == "en-us") for tag in ("en", "en-us", "en-gb")]
    assert found(plan(), *texts) == []
