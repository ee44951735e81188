"""Captions of a finished film: HLS text renditions, one WebVTT a minute, and each language as one whole document.

The folders of a generation follow what it is called with: it may be repeated, and languages that are gone go.
"""

import math
import re
import shutil
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from media.plan import Plan
from media.playlist import INDEX, VERSION, Text, bit_rates, publish
from media.segment import LANGUAGE, text_name, to_ms
from media.timeline import Timeline
from media.webvtt import Captions, Cue, Unreadable, document, read, write

__all__ = ["Captions", "publish_captions"]

# In segments of the film: a minute, as a playlist entry for every four seconds of text would be mostly header.
SPAN = 15
HALF = Fraction(1, 2)
SHOWN = 40
# Times in the file are the film's own. The 900000 that MPEG-TS tools write would shift everything by ten seconds.
TIMESTAMP_MAP = "X-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000"
DOCUMENT = re.compile(rf"captions-({LANGUAGE})\.vtt")
FOLDER = re.compile(rf"text-({LANGUAGE})")


def publish_captions(folder: Path, plan: Plan, captions: Sequence[Captions]) -> list[Text]:
    """Write `text-<language>/` and `captions-<language>.vtt` below a generation's folder; gives the renditions.

    A cue that begins past the film's end is left out, one that ends there is cut.
    """
    texts: list[Text] = []
    for one in sorted(captions, key=lambda one: one.language):
        # Names are unique within a group (RFC 8216, 4.3.4.1), and the first words of a long one are all that is shown.
        taken = {text.label[:SHOWN] for text in texts}
        label = f"{one.language}: {one.label}" if one.label[:SHOWN] in taken else one.label
        texts.append(_publish(folder, plan, one, label))
    _remove_others(folder, {one.language for one in captions})
    return texts


def _publish(folder: Path, plan: Plan, captions: Captions, label: str) -> Text:
    name = f"text-{captions.language}"
    if FOLDER.fullmatch(name) is None:
        raise ValueError(f"{captions.language!r} is no language of ours")
    cues = _within(_cues(captions.document), plan.duration_ms)
    files = {file: text for file, text, _ in _segments(cues, plan.timeline)}
    spans = [(file, seconds) for file, _, seconds in _segments([], plan.timeline)]
    files[INDEX] = _playlist(spans)
    for file, text in files.items():
        _replace(folder / name / file, text)
    for path in (folder / name).iterdir():
        if path.name not in files:
            path.unlink()
    _replace(folder / f"captions-{captions.language}.vtt", document(cues))
    sizes = [len(files[file].encode()) for file, _ in spans]
    peak, average = bit_rates(sizes, [seconds for _, seconds in spans], _target(spans))
    return Text(name, captions.language, label, captions.sdh, peak, average)


def _cues(text: str) -> list[Cue]:
    """None of a document that cannot be read: a film is not to fail for its captions."""
    try:
        return read(text).cues
    except Unreadable:
        return []


def _within(cues: Sequence[Cue], end_ms: int) -> list[Cue]:
    return [Cue(c.start_ms, min(c.end_ms, end_ms), c.text) for c in cues if c.start_ms < end_ms]


def _segments(cues: Sequence[Cue], timeline: Timeline) -> Iterator[tuple[str, str, Fraction]]:
    """Name, content and seconds of each; a cue is in all segments it touches, each time whole and under one number."""
    numbered = list(enumerate(cues, 1))
    first, living = 0, list[tuple[int, Cue]]()
    for index, place in enumerate(range(0, timeline.count, SPAN)):
        start, end = timeline.start(place), timeline.start(min(place + SPAN, timeline.count))
        start_ms, end_ms = to_ms(start), to_ms(end)
        while first < len(numbered) and numbered[first][1].start_ms < end_ms:
            living.append(numbered[first])
            first += 1
        living = [(number, cue) for number, cue in living if cue.end_ms > start_ms]
        yield text_name(index, start_ms, end_ms), write(living, TIMESTAMP_MAP), end - start


def _playlist(segments: Sequence[tuple[str, Fraction]]) -> str:
    """It spans exactly the film (Apple 5.5); its target duration is its own (5.7)."""
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{_target(segments)}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
    ]
    for name, seconds in segments:
        lines += [f"#EXTINF:{float(seconds):.6f},", name]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def _target(segments: Sequence[tuple[str, Fraction]]) -> int:
    return max(1, *(math.floor(seconds + HALF) for _, seconds in segments))


def _replace(path: Path, text: str) -> None:
    """Leave alone what is right already: players and caches keep it."""
    content = text.encode()
    try:
        if path.read_bytes() == content:
            return
    except FileNotFoundError:
        pass
    publish(path, content)


def _remove_others(folder: Path, languages: set[str]) -> None:
    for path in folder.iterdir():
        if (found := FOLDER.fullmatch(path.name)) and found[1] not in languages:
            shutil.rmtree(path)
        elif (found := DOCUMENT.fullmatch(path.name)) and found[1] not in languages:
            path.unlink()
