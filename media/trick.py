"""I-frame renditions: the key pictures of a finished rendition, each a segment of its own, for scrubbing.

They are cut out of what is encoded already and served as whole files, as everything is. Called when a film is finished.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from media import cmaf, playlist
from media.bmff import BadBox
from media.boxes import Init, Key, read_init, read_keys
from media.ffmpeg import INIT
from media.plan import Plan
from media.segment import Segment, to_ms
from media.timeline import GOP_SECONDS

APART = GOP_SECONDS * Fraction(9, 10)  # a copied source may have key pictures far closer than ours


@dataclass(frozen=True)
class Picture:
    """One key picture: where it is read from, and [start, end) of the film in seconds, for which it stands."""

    path: Path
    key: Key
    start: Fraction
    end: Fraction
    segment: Segment


def write_iframes(folder: Path, rendition: str, name: str, plan: Plan) -> playlist.Rendition:
    """Make `name` from `rendition` of the generation in `folder` and say what the multivariant playlist must.

    A call that was killed is made good by the next: the playlist is written last, and what it names is safe on disk.
    Raises BadBox or OSError for a rendition that is damaged or not whole.
    """
    place, init = folder / name, (folder / rendition / INIT).read_bytes()
    facts = read_init(init)
    pictures = _pictures(folder / rendition, plan, facts)
    if not (place / playlist.INDEX).is_file():
        playlist.publish(place / INIT, init)
        for picture in pictures:
            playlist.publish(place / picture.segment.name, _segment(picture, facts.timescale))
        os.sync()  # once for thousands of small files
        playlist.publish(place / playlist.INDEX, media(pictures))
    sizes = [(place / picture.segment.name).stat().st_size for picture in pictures]
    peak, average = playlist.bit_rates(sizes, [p.end - p.start for p in pictures], target_seconds(pictures))
    return playlist.Rendition(name, peak, average, facts.codec, facts.width, facts.height)


def media(pictures: list[Picture]) -> str:
    """The media playlist: each picture lasts until the next."""
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{playlist.VERSION}",
        f"#EXT-X-TARGETDURATION:{target_seconds(pictures)}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-I-FRAMES-ONLY",
        f'#EXT-X-MAP:URI="{INIT}"',
    ]
    for picture in pictures:
        lines += [f"#EXTINF:{float(picture.end - picture.start):.6f},", picture.segment.name]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def target_seconds(pictures: list[Picture]) -> int:
    """EXT-X-TARGETDURATION, which may differ from that of the film's other playlists (Apple 6.12)."""
    return max(1, *(round(picture.end - picture.start) for picture in pictures))


def _pictures(folder: Path, plan: Plan, facts: Init) -> list[Picture]:
    """Which key pictures are taken, tiling the film."""
    found = list(_apart(folder, plan, facts))
    if not found or found[0][0] != 0:
        raise BadBox(f"{folder.name} does not begin with a key picture")
    bounds = [*(start for start, _, _ in found), sum(plan.durations(folder.name), Fraction(0))]
    return [
        Picture(path, key, start, end, Segment(number, to_ms(start), to_ms(end)))
        for number, ((_, path, key), (start, end)) in enumerate(zip(found, pairwise(bounds), strict=True))
    ]


def _apart(folder: Path, plan: Plan, facts: Init) -> Iterator[tuple[Fraction, Path, Key]]:
    """When it is shown, file and place of each key picture that is far enough from the one before."""
    zero, last = facts.edits[0][1] if facts.edits else 0, -APART
    for segment in plan.segments_of(folder.name):
        path = folder / segment.name
        for key in read_keys(path):
            start = Fraction(key.decode_time + key.offset - zero, facts.timescale)
            if start - last >= APART:
                last = start
                yield start, path, key


def _segment(picture: Picture, timescale: int) -> bytes:
    """The picture alone, lasting until the next; decode times stay, so the rendition's init segment fits."""
    key, duration = picture.key, round((picture.end - picture.start) * timescale)
    with picture.path.open("rb") as file:
        file.seek(key.at)
        data = file.read(key.size)
    sample = cmaf.Sample(data, duration, key.offset)
    return cmaf.segment(picture.segment.index + 1, key.decode_time, [sample])
