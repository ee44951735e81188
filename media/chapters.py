"""Chapters of a film: named for people, and as the JSON that the multivariant playlist leads Apple's players to."""

from collections.abc import Sequence

import msgspec

from media.language import UNKNOWN, language_tag
from media.probe import Chapter


def named(chapters: Sequence[Chapter]) -> list[Chapter]:
    """With a title each, and languages as playlists write them."""
    return [
        Chapter(chapter.start_ms, chapter.end_ms, chapter.title or f"Chapter {number}", language_tag(chapter.language))
        for number, chapter in enumerate(chapters, 1)
    ]


def apple_json(chapters: Sequence[Chapter]) -> bytes:
    """`chapters.json`, which EXT-X-SESSION-DATA `com.apple.hls.chapters` leads to; times in seconds."""
    entries = [
        {
            "chapter": number,
            "start-time": chapter.start_ms / 1000,
            "duration": (chapter.end_ms - chapter.start_ms) / 1000,
            "titles": [{"language": chapter.language or UNKNOWN, "title": chapter.title}],
        }
        for number, chapter in enumerate(chapters, 1)
    ]
    return msgspec.json.format(msgspec.json.encode(entries))
