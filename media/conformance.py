"""The gate before `ready`: checks a generation as it lies on disk and the playlists that would be published.

Rules lie by theme in conformance_*.py; `rules` says what their ids mean. Of Apple's and the RFC's MUST rules for
video on demand these are not here, because no file can tell:
- APL-2.23: we declare no loudness. APL-5.8: which cues a regular track should repeat is the translator's knowledge.
- APL-8.18, 10.1, 10.4: answers of the gateway, tried on a real one (tests/nginx/test_delivery.py). APL-12.1 to 12.3:
  TLS ends before our gateway. RFC-ATOMIC: `playlist.publish`.
- RFC-PEAK is how conformance_variants measures, not a rule by itself; APL-1.27 and 9.13 judge by it.
- APL-1.5 to 1.9, 1.37, 13.x: for codecs and encryption we do not write; APL-1.1 and RFC-KEY refuse them.
"""

from collections.abc import Sequence
from typing import Any

from media import (
    conformance_form,
    conformance_notes,
    conformance_playlists,
    conformance_renditions,
    conformance_segments,
    conformance_text,
    conformance_variants,
)
from media.film import Film
from media.rules import NOTES, RULES, Rule, judge

__all__ = ["NOTES", "RULES", "THEMES", "Rule", "check", "notes", "report"]

# Importing a theme registers its rules.
THEMES = (
    conformance_segments,
    conformance_form,
    conformance_playlists,
    conformance_variants,
    conformance_renditions,
    conformance_text,
    conformance_notes,
)


def check(film: Film) -> list[dict[str, str]]:
    """Violations of rules that must hold; a film with any is not published."""
    return judge(RULES, film)


def notes(film: Film) -> list[dict[str, str]]:
    """Violations of rules that should hold."""
    return judge(NOTES, film)


def report(film: Film, findings: Sequence[dict[str, str]]) -> dict[str, Any]:
    """The document stored beside the film."""
    return {
        "rules": sorted(RULES),
        "findings": list(findings),
        "advice": sorted(NOTES),
        "notes": notes(film),
        "duration_ms": film.plan.duration_ms,
        "frames": film.plan.frames,
        "segments": film.plan.segments,
        "renditions": [
            {"name": track.name, "bytes": sum(track.sizes), "codec": track.init.codec}
            for track in [*film.tracks, *film.beside.iframes]
        ],
    }
