"""The plan of one film: everything its units need, made once from the probe and stored as one JSON document.

`duration_ms`, `segments`, `frame_rate`, `width` and `height` are for everybody; the rest is for workers.
"""

from fractions import Fraction
from typing import Any, Literal

import msgspec

from media.ladder import Rung, instant, ladder
from media.language import language_tag
from media.probe import SourceInfo
from media.timeline import AAC_FRAME, AAC_RATE, Timeline

TWICE = 2  # a woven picture holds two moments; 25i becomes 50 (Apple 1.15), unless that passes 60
RGB = ("rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "pal8", "x2rgb", "x2bgr")


class Track(msgspec.Struct, frozen=True):
    """An audio rendition: `stream` is its number in the source."""

    name: str
    stream: int
    language: str
    title: str


class Plan(msgspec.Struct, frozen=True):
    """`width` and `height` are in square pixels, upright; `coded` is how the source stores its first pictures.

    `copied`: units read the indexed copy of the source, not the upload. `colour` says how pictures become BT.709.
    """

    duration_ms: int
    segments: int
    frame_rate: str
    width: int
    height: int
    frames: int
    copied: bool
    demuxer: str
    stream: int
    coded: tuple[int, int]
    interlaced: bool
    colour: Literal["sdr", "rgb", "pq", "hlg"]
    rungs: list[Rung]
    tracks: list[Track]

    @property
    def timeline(self) -> Timeline:
        return Timeline(Fraction(self.frame_rate), self.frames)

    @property
    def instant(self) -> Rung:
        """The rung that plays first."""
        return instant(self.rungs)

    def rungs_named(self, names: list[str]) -> list[Rung]:
        return [rung for rung in self.rungs if rung.name in names]

    def track_named(self, name: str) -> Track:
        return next(track for track in self.tracks if track.name == name)

    def is_audio(self, name: str) -> bool:
        return any(track.name == name for track in self.tracks)

    def durations(self, name: str) -> list[Fraction]:
        """Seconds of each segment of a rendition."""
        return self.timeline.audio_durations() if self.is_audio(name) else self.timeline.durations()

    def samples(self, name: str) -> list[int]:
        """Pictures, or AAC frames, in each segment of a rendition; sound begins with one more, for priming."""
        timeline = self.timeline
        if not self.is_audio(name):
            return [timeline.frames_in(index, index + 1) for index in range(timeline.count)]
        frames = [int(seconds * AAC_RATE) // AAC_FRAME for seconds in self.durations(name)]
        return [frames[0] + 1, *frames[1:]]


def make_plan(source: SourceInfo, *, copied: bool) -> Plan:
    """The plan for an indexed source; `copied` as in `Plan`."""
    width, height = source.picture.shown_size
    rate = Fraction(source.rate)
    if source.picture.interlaced and rate <= 30:
        rate *= TWICE
    timeline = Timeline.of(rate, Fraction(source.seconds))
    rungs = ladder(width, height, timeline.rate)
    return Plan(
        duration_ms=timeline.duration_ms,
        segments=timeline.count,
        frame_rate=str(timeline.rate),
        width=width,
        height=height,
        frames=timeline.frames,
        copied=copied,
        demuxer=source.container,
        stream=source.picture.stream,
        coded=(source.picture.width, source.picture.height),
        interlaced=source.picture.interlaced,
        colour=_colour(source),
        rungs=rungs,
        tracks=[
            Track(f"audio-{number}", sound.stream, language_tag(sound.language), sound.title)
            for number, sound in enumerate(source.sounds)
        ],
    )


def to_document(plan: Plan) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(plan)
    return document


def from_document(document: dict[str, Any]) -> Plan:
    """The plan back; raises msgspec.ValidationError for a document no version of ours wrote."""
    return msgspec.convert(document, Plan)


def _colour(source: SourceInfo) -> Literal["sdr", "rgb", "pq", "hlg"]:
    if source.picture.hdr:
        return source.picture.hdr
    return "rgb" if source.picture.pix_fmt.startswith(RGB) else "sdr"
