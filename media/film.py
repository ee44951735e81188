"""A finished generation as it lies on disk: read for measuring and for the conformance gate."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from media import playlist
from media.boxes import Init, Media, read_init, read_media
from media.ffmpeg import INIT
from media.plan import Plan

ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"]*"|[^,]*)')


@dataclass(frozen=True)
class Track:
    """One rendition as found: its init segment, the facts and sizes of its segments in order."""

    name: str
    init: Init
    media: list[Media]
    sizes: list[int]


@dataclass(frozen=True)
class Film:
    """A generation: the plan, what is on disk, and the playlists that would be published."""

    plan: Plan
    videos: list[Track]
    sounds: list[Track]
    multivariant: str = ""
    playlists: dict[str, str] = field(default_factory=dict)

    @property
    def tracks(self) -> list[Track]:
        return [*self.videos, *self.sounds]

    def seconds(self, track: Track) -> list[Fraction]:
        return self.plan.durations(track.name)

    def variants(self) -> Iterator[tuple[str, dict[str, str]]]:
        """(rendition, attributes) of each variant as written."""
        lines = self.multivariant.splitlines()
        for number, line in enumerate(lines):
            if line.startswith("#EXT-X-STREAM-INF:"):
                found = {key: value.strip('"') for key, value in ATTRIBUTE.findall(line.partition(":")[2])}
                yield lines[number + 1].partition("/")[0], found


def read_film(folder: Path, plan: Plan) -> Film:
    """Read a generation from disk; raises BadBox or OSError when something is missing or malformed."""
    videos = [_read_track(folder / rung.name, plan) for rung in plan.rungs]
    return Film(plan, videos, [_read_track(folder / track.name, plan) for track in plan.tracks])


def _read_track(folder: Path, plan: Plan) -> Track:
    paths = [folder / segment.name for segment in plan.timeline.segments()]
    init = read_init((folder / INIT).read_bytes())
    return Track(folder.name, init, [read_media(path) for path in paths], [path.stat().st_size for path in paths])


def measure(film: Film, track: Track) -> playlist.Rendition:
    """What the final playlists say of a rendition."""
    peak, average = playlist.bit_rates(track.sizes, film.seconds(track), film.plan.timeline.target_seconds)
    return playlist.Rendition(track.name, peak, average, track.init.codec, track.init.width, track.init.height)
