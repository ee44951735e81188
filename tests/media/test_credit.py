"""What one fetch is worth, case by case (`metering.md` rule 1)."""

from typing import Any

import pytest

from media.credit import credited
from media.fetch import Fetch


def fetch(**changed: Any) -> Fetch:
    fields: dict[str, Any] = {
        "v": 1,
        "edge": "origin",
        "t_ms": 1_790_000_000_000,
        "request_id": "r1",
        "session_id": "s1",
        "user_id": 7,
        "video": 1,
        "generation": 1,
        "rendition": "360p",
        "index": 2,
        "start_ms": 8000,
        "end_ms": 12000,
        "method": "GET",
        "status": 200,
        "bytes": 1000,
        "size": 1000,
        "complete": True,
        "request_time_ms": 5,
        "verdict_cache": "HIT",
        "cache": "",
    }
    return Fetch(**{**fields, **changed})


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, (8000, 12000)),
        ({"status": 206}, (8000, 12000)),
        ({"rendition": "1080p"}, (8000, 12000)),
        ({"rendition": "720p-av1"}, (8000, 12000)),
        ({"rendition": "source"}, (8000, 12000)),
        ({"bytes": 1200}, (8000, 12000)),
        ({"bytes": 1000, "complete": False}, (8000, 12000)),
        ({"bytes": 999, "complete": False}, (8000, 11996)),
        ({"bytes": 500, "complete": False}, (8000, 10000)),
        ({"bytes": 500, "status": 206, "complete": True}, (8000, 10000)),
        ({"bytes": 499, "complete": False}, None),
        ({"bytes": 0}, None),
        ({"bytes": 2, "size": 3, "start_ms": 0, "end_ms": 1}, None),
    ],
)
def test_a_body_counts_whole_or_from_its_half_in_proportion(
    changed: dict[str, Any], expected: tuple[int, int] | None
) -> None:
    assert credited(fetch(**changed)) == expected


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "HEAD", "bytes": 0},
        {"method": "HEAD"},
        {"method": "POST"},
        {"status": 304, "bytes": 0},
        {"status": 403, "bytes": 153, "size": 153},
        {"status": 503},
        {"status": 206, "size": 0, "bytes": 2000},
        {"size": -1, "bytes": 5},
        {"bytes": -5},
        {"rendition": "iframes-0"},
        {"rendition": "text-en"},
        {"rendition": "audio-0"},
    ],
)
def test_what_is_no_delivered_picture_counts_nothing(changed: dict[str, Any]) -> None:
    assert credited(fetch(**changed)) is None


def test_audio_counts_only_in_a_film_without_pictures() -> None:
    assert credited(fetch(rendition="audio-0"), audio_only=True) == (8000, 12000)
    assert credited(fetch(rendition="text-en"), audio_only=True) is None
    assert credited(fetch(rendition="iframes-0"), audio_only=True) is None
