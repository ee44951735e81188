"""Which part of the film one logged fetch delivered: `metering.md` rule 1, for the meter and the audience alike.

What each of them does with the interval (per watch and paid, per session and counted) is theirs.
"""

from media.fetch import Fetch
from media.segment import is_video


def credited(fetch: Fetch, *, audio_only: bool = False) -> tuple[int, int] | None:
    """The delivered interval [start_ms, end_ms) of the film, or None when the fetch delivered nothing that counts.

    Pictures count, and sound where it is all there is.
    """
    if not (is_video(fetch.rendition) or (audio_only and is_sound(fetch.rendition))):
        return None
    end_ms = delivered(fetch)
    return (fetch.start_ms, end_ms) if end_ms else None


def is_sound(rendition: str) -> bool:
    """True for renditions that are billed where there are no pictures."""
    return rendition.startswith("audio-")


def delivered(fetch: Fetch) -> int:
    """Up to where (ms of the film) a fetch delivered its segment; 0 when it delivered nothing that counts.

    A whole body counts whole, half or more counts in proportion from its start (rounded down), less counts nothing.
    nginx's `complete` is not asked: it is also said of HEAD, 304 and 403, and bytes against size say the rest. A size
    nginx could not tell (0) counts nothing: doubt goes to the viewer (rule 7).
    """
    if fetch.method != "GET" or fetch.status not in (200, 206):
        return 0
    sent, size = fetch.bytes, fetch.size
    if sent >= size > 0:
        return fetch.end_ms
    if sent * 2 < size or size <= 0:
        return 0
    delivered_ms = (fetch.end_ms - fetch.start_ms) * sent // size
    return fetch.start_ms + delivered_ms if delivered_ms else 0
