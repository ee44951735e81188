"""Chapters come from the container, in order and bounded, and become Apple's document."""

import json
from pathlib import Path

import pytest

from media import chapters
from media.probe import Chapter, probe
from tests import films
from tests.media import clips


def marked(out: Path, entries: list[tuple[int, int, str]], *options: str) -> Path:
    """A film of four seconds with chapters of (start_ms, end_ms, title)."""
    words = out.with_suffix(".txt")
    text = [f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND={end}\ntitle={title}\n" for start, end, title in entries]
    words.write_text(";FFMETADATA1\n" + "".join(text))
    flat = clips.numbered(out.with_name(f"flat{out.suffix}"), 4, *options, sound=False)
    films.ffmpeg("-i", str(flat), "-i", str(words), "-map", "0", "-c", "copy", "-map_chapters", "1", str(out))
    return out


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
async def test_chapters_are_read_from_the_container(name: str, tmp_path: Path) -> None:
    info = await probe(marked(tmp_path / name, [(0, 1500, "Début"), (1500, 2500, "Two"), (2500, 4000, "")]))
    assert info.chapters == [Chapter(0, 1500, "Début"), Chapter(1500, 2500, "Two"), Chapter(2500, 4000)]


async def test_a_film_that_is_copied_first_keeps_its_chapters(tmp_path: Path) -> None:
    film = marked(tmp_path / "a.wmv", [(0, 1000, "One"), (1000, 4000, "Two")], "-c:v", "wmv2")
    plan, _ = await clips.planned(film, tmp_path / "copy")
    assert plan.copied
    assert [(chapter.start_ms, chapter.title) for chapter in plan.chapters] == [(0, "One"), (1000, "Two")]


async def test_each_chapter_lasts_until_the_next(tmp_path: Path) -> None:
    film = marked(
        tmp_path / "a.mkv", [(0, 3000, "long"), (1000, 1100, "short"), (1000, 1200, "twin"), (9000, 9900, "no")]
    )
    info = await probe(film)
    assert info.chapters == [Chapter(0, 1000, "long"), Chapter(1000, 4000, "short")]


async def test_times_count_from_the_first_picture(tmp_path: Path) -> None:
    late = tmp_path / "late.mkv"
    film = marked(tmp_path / "a.mkv", [(0, 1000, "One"), (1000, 4000, "Two")])
    films.ffmpeg("-itsoffset", "7", "-i", str(film), "-c", "copy", str(late))
    assert [chapter.start_ms for chapter in (await probe(late)).chapters] == [0, 1000]


async def test_a_thousand_chapters_with_endless_titles_are_bounded(tmp_path: Path) -> None:
    film = marked(tmp_path / "a.mkv", [(at, at + 1, "\u202e\x07" + "ab\t" * 200) for at in range(1000)])
    info = await probe(film)
    assert len(info.chapters) == 500
    assert {chapter.title for chapter in info.chapters} == {" ".join(["ab"] * 66)}


def test_a_chapter_without_a_title_is_called_by_its_number() -> None:
    assert chapters.named([Chapter(0, 1500, "One", "fre"), Chapter(1500, 2000)]) == [
        Chapter(0, 1500, "One", "fr"),
        Chapter(1500, 2000, "Chapter 2", "und"),
    ]


def test_apple_s_document_has_times_in_seconds_and_a_title_in_a_language() -> None:
    made = json.loads(chapters.apple_json([Chapter(0, 1500, 'A "quote"', "fr"), Chapter(1500, 61234, "Two")]))
    assert made == [
        {"chapter": 1, "start-time": 0, "duration": 1.5, "titles": [{"language": "fr", "title": 'A "quote"'}]},
        {"chapter": 2, "start-time": 1.5, "duration": 59.734, "titles": [{"language": "und", "title": "Two"}]},
    ]
