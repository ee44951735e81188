"""Captions as HLS renditions: exact to the millisecond, whole in every minute they touch, gone when they are gone."""

import re
from fractions import Fraction
from pathlib import Path

import pytest

from media import playlist
from media.captions import Captions, publish_captions
from media.plan import Plan
from media.segment import to_ms
from media.webvtt import Cue, document, read
from tests.films import ffmpeg
from tests.media.test_playlist import plan

NTSC = Fraction(30000, 1001)
CUES = [
    Cue(0, 1, "the first millisecond"),
    Cue(1001, 2999, "one & two <3"),
    Cue(59_000, 61_000, "over the\nminute"),
    Cue(60_060, 60_061, "begins with the second piece"),
    Cue(60_061, 400_000, "long"),
    Cue(120_119, 120_120, "ends with the second piece"),
]


def film(seconds: float) -> Plan:
    return plan(frames=round(seconds * NTSC))


def captions(cues: list[Cue], language: str = "de", revision: int = 1) -> Captions:
    return Captions(language, "Deutsch", sdh=False, revision=revision, document=document(cues))


def pieces(folder: Path) -> list[tuple[int, int, list[Cue], list[str]]]:
    """(start_ms, end_ms, cues, their numbers) of each piece, in the order of the playlist."""
    names = [line for line in (folder / "index.m3u8").read_text().splitlines() if line.endswith(".vtt")]
    found = []
    for name in names:
        _, start, end = map(int, name.removesuffix(".vtt").split("-"))
        text = (folder / name).read_text()
        cues = read(text).cues if "-->" in text else []
        found.append((start, end, cues, re.findall(r"^(\d+)\n\d\d:", text, re.MULTILINE)))
    return found


def test_the_playlist_spans_exactly_the_film(tmp_path: Path) -> None:
    for seconds in (0.4, 59.9, 60.06, 61, 600.5):
        of = film(seconds)
        publish_captions(tmp_path, of, [captions(CUES[:2])])
        text = (tmp_path / "text-de/index.m3u8").read_text()
        lengths = [Fraction(length) for length in re.findall(r"#EXTINF:([\d.]+),", text)]
        (target,) = re.findall(r"#EXT-X-TARGETDURATION:(\d+)", text)
        assert abs(sum(lengths) - of.timeline.seconds) < Fraction(1, 100_000)
        assert all(length < int(target) + Fraction(1, 2) for length in lengths)
        spans = [(start, end) for start, end, _, _ in pieces(tmp_path / "text-de")]
        assert [start for start, _ in spans] == [0, *(end for _, end in spans[:-1])]
        assert spans[-1][1] == of.duration_ms
        assert text.endswith("#EXT-X-ENDLIST\n")


def test_a_cue_is_whole_and_has_one_number_in_every_piece_it_touches(tmp_path: Path) -> None:
    publish_captions(tmp_path, film(600), [captions(CUES)])
    found = pieces(tmp_path / "text-de")
    for start, end, cues, numbers in found:
        assert cues == [cue for cue in CUES if cue.start_ms < end and cue.end_ms > start]
        assert numbers == [str(CUES.index(cue) + 1) for cue in cues]
    assert [len(cues) for _, _, cues, _ in found[:3]] == [3, 4, 1]
    assert not found[-1][2]


def test_times_are_the_films_own(tmp_path: Path) -> None:
    publish_captions(tmp_path, film(600), [captions(CUES)])
    for path in (tmp_path / "text-de").glob("*.vtt"):
        assert path.read_text().startswith("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n"), path
    # The 900000 that tools for MPEG-TS write would shift everything by ten seconds.
    assert "X-TIMESTAMP-MAP" not in (tmp_path / "captions-de.vtt").read_text()


def test_ffmpeg_reads_every_time_to_the_millisecond(tmp_path: Path) -> None:
    odd = [Cue(n * 997, n * 997 + 501, f"cue {n}") for n in range(500)]
    publish_captions(tmp_path, film(600), [captions(odd)])
    ffmpeg("-i", str(tmp_path / "captions-de.vtt"), "-f", "srt", str(tmp_path / "read.srt"))
    assert read((tmp_path / "read.srt").read_text()).cues == odd


def test_what_lies_past_the_films_end_is_cut(tmp_path: Path) -> None:
    of = film(30)
    late = [Cue(1000, 2000, "in"), Cue(29_000, 50_000, "across"), Cue(of.duration_ms, 40_000, "out")]
    publish_captions(tmp_path, of, [captions(late)])
    expected = [Cue(1000, 2000, "in"), Cue(29_000, of.duration_ms, "across")]
    assert read((tmp_path / "captions-de.vtt").read_text()).cues == expected
    assert pieces(tmp_path / "text-de")[0][2] == expected


def test_captions_that_all_come_too_late_leave_an_empty_rendition(tmp_path: Path) -> None:
    publish_captions(tmp_path, film(5), [captions([Cue(9000, 9500, "late")])])
    assert (tmp_path / "captions-de.vtt").read_text() == "WEBVTT\n\n"
    assert [cues for _, _, cues, _ in pieces(tmp_path / "text-de")] == [[]]


def test_every_language_becomes_a_rendition_the_multivariant_playlist_can_name(tmp_path: Path) -> None:
    of = film(30)
    spoken = Captions("pt-br", 'Português "do" Brasil', sdh=True, revision=2, document=document(CUES[:1]))
    texts = publish_captions(tmp_path, of, [spoken, captions(CUES[:1])])
    assert [text.name for text in texts] == ["text-de", "text-pt-br"]
    rung = playlist.planned(of.rungs[0])
    master = playlist.multivariant(of, [rung], [], playlist.Extras(texts))
    assert 'URI="text-pt-br/index.m3u8"' in master
    assert 'LANGUAGE="pt-br"' in master
    assert "describes-music-and-sound" in master


def test_names_are_unique_among_languages(tmp_path: Path) -> None:
    said = [
        Captions(tag, "The same", sdh=False, revision=1, document=document(CUES[:1])) for tag in ("de", "de-at", "fr")
    ]
    labels = [text.label for text in publish_captions(tmp_path, film(30), said)]
    assert labels == ["The same", "de-at: The same", "fr: The same"]


def test_publishing_again_changes_only_what_has_changed(tmp_path: Path) -> None:
    of = film(600)
    publish_captions(tmp_path, of, [captions(CUES)])
    before = {path: path.stat().st_ino for path in tmp_path.rglob("*") if path.is_file()}
    assert publish_captions(tmp_path, of, [captions(CUES)]) == publish_captions(tmp_path, of, [captions(CUES)])
    publish_captions(tmp_path, of, [captions([*CUES[:1], Cue(1001, 2999, "corrected"), *CUES[2:]], revision=2)])
    changed = {path.name for path, inode in before.items() if path.stat().st_ino != inode}
    assert changed == {"0-0-60060.vtt", "captions-de.vtt"}


def test_what_is_gone_goes_and_what_is_not_ours_stays(tmp_path: Path) -> None:
    of = film(30)
    publish_captions(tmp_path, of, [captions(CUES[:1]), captions(CUES[:1], "en-gb")])
    for name in ("text-de/.0-0-30030.vtt.123", "text-de/9-1-2.vtt", "storyboard.vtt", "master.m3u8"):
        (tmp_path / name).write_text("left behind")
    publish_captions(tmp_path, of, [captions(CUES[:1])])
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    piece = f"text-de/0-0-{of.duration_ms}.vtt"
    assert left == {"captions-de.vtt", "text-de/index.m3u8", piece, "storyboard.vtt", "master.m3u8"}
    publish_captions(tmp_path, of, [])
    assert {path.name for path in tmp_path.iterdir()} == {"storyboard.vtt", "master.m3u8"}


@pytest.mark.parametrize("language", ["", "../de", "de/x", "DE", "x", "de-", "d e"])
def test_a_language_that_is_none_makes_no_folder(tmp_path: Path, language: str) -> None:
    with pytest.raises(ValueError, match="no language"):
        publish_captions(tmp_path, film(30), [captions(CUES[:1], language)])
    assert list(tmp_path.iterdir()) == []


def test_ten_hours_of_captions_are_published_in_no_time(tmp_path: Path) -> None:
    of = film(36_000)
    many = [Cue(n * 1800, n * 1800 + 1500, f"cue number {n}") for n in range(20_000)]
    publish_captions(tmp_path, of, [captions(many)])
    found = pieces(tmp_path / "text-de")
    assert len(found) == -(-of.segments // 15)
    assert found[-1][1] == of.duration_ms == to_ms(of.timeline.seconds)
    shown = {number for _, _, _, numbers in found for number in numbers}
    assert len(shown) == 20_000


def test_captions_that_cannot_be_read_again_are_empty_and_the_film_is_none_the_worse(tmp_path: Path) -> None:
    (text,) = publish_captions(tmp_path, film(90), [Captions("de", "Deutsch", False, 1, "WEBVTT\n\n")])
    assert text.name == "text-de"
    assert [cues for _, _, cues, _ in pieces(tmp_path / "text-de")] == [[], []]
