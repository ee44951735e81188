"""Chapters of a film: as Apple's JSON, which the multivariant playlist points to, and as a list for pages."""

from collections.abc import Sequence
from typing import Any

import msgspec

from media.language import language_tag
from media.probe import Chapter

DATA_ID = "com.apple.hls.chapters"


def apple_json(chapters: Sequence[Chapter]) -> bytes:
    """`chapters.json`: what EXT-X-SESSION-DATA `com.apple.hls.chapters` leads to, times in seconds."""
    entries = [
        {
            "chapter": number,
            "start-time": chapter.start_ms / 1000,
            "duration": (chapter.end_ms - chapter.start_ms) / 1000,
            "titles": [{"language": language_tag(chapter.language), "title": _title(chapter, number)}],
        }
        for number, chapter in enumerate(chapters, 1)
    ]
    return msgspec.json.format(msgspec.json.encode(entries))


def listed(chapters: Sequence[Chapter]) -> list[dict[str, Any]]:
    """`start_ms`, `end_ms` and `title` of each, as the API shows them."""
    return [
        {"start_ms": chapter.start_ms, "end_ms": chapter.end_ms, "title": _title(chapter, number)}
        for number, chapter in enumerate(chapters, 1)
    ]


def _title(chapter: Chapter, number: int) -> str:
    return chapter.title or f"Chapter {number}"
