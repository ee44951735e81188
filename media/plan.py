"""The plan of one film: everything its units need, made once from the probe and stored as one JSON document.

`duration_ms`, `segments`, `frame_rate`, `width` and `height` are for everybody; the rest is for workers.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, Literal

import msgspec

from media.chapters import named
from media.copyable import Copy
from media.ladder import AUDIO_BITRATE, LOW_AUDIO_BITRATE, Rung, instant, ladder
from media.language import language_tag
from media.probe import Beat, Chapter, Sound, SourceInfo
from media.segment import Segment, to_ms
from media.timeline import AAC_FRAME, AAC_RATE, Timeline

TWICE = 2  # a woven picture holds two moments; 25i becomes 50 (Apple 1.15), unless that passes 60
RGB = ("rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "pal8", "x2rgb", "x2bgr")
SOURCE = "source"
NEAR_FRAMES = 2  # the last picture stays on, or is left out
CHANNELS = 2  # of every track (Apple 2.3); others are folded or doubled


class Track(msgspec.Struct, frozen=True):
    """An audio rendition: AAC-LC of track `stream` of the source.

    `lead` samples of priming lie before its time 0, in the first of its `frames` AAC frames. `group`: `audio` for
    everybody, `low` for the smallest rung, `instant` for one that a levelled one has taken the place of.
    """

    name: str
    stream: int
    language: str
    title: str
    frames: int
    group: Literal["audio", "low", "instant"] = "audio"
    copied: bool = False
    config: str = ""
    rate: int = AAC_RATE
    channels: int = CHANNELS
    lead: int = AAC_FRAME
    bitrate: int = AUDIO_BITRATE
    gain_db: float = 0.0
    flags: list[str] = []
    beat: Beat | None = None


class Plan(msgspec.Struct, frozen=True):
    """`width` and `height` are in square pixels, upright; `coded` is how the source stores its first pictures.

    `copied`: units read the indexed copy of the source, not the upload. `colour` says how pictures become BT.709.
    `codec` is that of the pictures, empty in older plans.
    `copy`: the source's own pictures can be served; `kept`: they are the highest rendition for good.
    `upload`: the upload itself, as long as the indexed copy holds no more than the beginning.
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
    codec: str = ""
    copy: Copy | None = None
    kept: bool = False
    upload: SourceInfo | None = None
    chapters: list[Chapter] = []
    facts: dict[str, Any] = {}

    @property
    def timeline(self) -> Timeline:
        return Timeline(Fraction(self.frame_rate), self.frames)

    @property
    def instant(self) -> str:
        """The rendition that plays first: the source itself, or the rung that is encoded before all others."""
        return SOURCE if self.copy is not None else instant(self.rungs).name

    @property
    def videos(self) -> list[str]:
        """Names of the renditions with pictures in the finished film, smallest first."""
        return [*(rung.name for rung in self.rungs), *([SOURCE] if self.kept else [])]

    @property
    def final(self) -> list[str]:
        """Names of everything that is played in the finished film."""
        return self.videos + [track.name for track in self.tracks if track.group != "instant"]

    def tracks_of(self, group: str) -> list[Track]:
        """In the order of the source in every group: players match them by place and name."""
        order = list(dict.fromkeys(track.stream for track in self.tracks))
        return sorted((t for t in self.tracks if t.group == group), key=lambda track: order.index(track.stream))

    def rungs_named(self, names: Sequence[str]) -> list[Rung]:
        return [rung for rung in self.rungs if rung.name in names]

    def track_named(self, name: str) -> Track:
        return next(track for track in self.tracks if track.name == name)

    def is_audio(self, name: str) -> bool:
        return any(track.name == name for track in self.tracks)

    def segments_of(self, name: str) -> list[Segment]:
        """The segments of a rendition, in order. Those of a source that is off the grid are its own."""
        if name != SOURCE or self.copy is None or self.copy.aligned:
            return list(self.timeline.segments())
        starts = [to_ms(Fraction(cut, self.copy.timescale)) for cut in self.copy.cuts[:-1]]
        ends = [*starts[1:], self.duration_ms]
        return [Segment(n, start, end) for n, (start, end) in enumerate(zip(starts, ends, strict=True))]

    def durations(self, name: str) -> list[Fraction]:
        """Seconds of each segment of a rendition."""
        if self.is_audio(name):
            track = self.track_named(name)
            frames = self.samples(name)
            lengths = [Fraction(count * AAC_FRAME, track.rate) for count in frames]
            return [lengths[0] - Fraction(track.lead, track.rate), *lengths[1:]]
        if name == SOURCE and self.copy is not None and not self.copy.aligned:
            return [Fraction(end - start, self.copy.timescale) for start, end in pairwise(self.copy.cuts)]
        return self.timeline.durations()

    def samples(self, name: str) -> list[int]:
        """Pictures, or AAC frames with those of the priming, in each segment of a rendition on the grid."""
        timeline = self.timeline
        if self.is_audio(name):
            track = self.track_named(name)
            return [end - start for start, end in pairwise(timeline.audio_cuts(track.rate, track.lead, track.frames))]
        return [timeline.frames_in(index, index + 1) for index in range(timeline.count)]


def make_plan(source: SourceInfo, *, copied: bool) -> Plan:
    """The plan for an indexed source; `copied` as in `Plan`."""
    width, height = source.picture.shown_size
    rate = Fraction(source.rate)
    if source.picture.interlaced and rate <= 30:
        rate *= TWICE
    timeline = Timeline.of(rate, Fraction(source.seconds))
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
        rungs=ladder(width, height, timeline.rate),
        tracks=[_track(number, sound, timeline) for number, sound in enumerate(source.sounds)],
        codec=source.picture.codec,
        copy=None if copied else source.copy,
        chapters=named(source.chapters),
        facts=_facts(source),
    )


def holds(plan: Plan, measured: Plan) -> bool:
    """Whether what a plan promised is true of the film as it was measured later: all but a picture at its end."""
    return abs(plan.frames - measured.frames) <= NEAR_FRAMES and _endless(plan) == _endless(measured)


def _endless(plan: Plan) -> Plan:
    tracks = [msgspec.structs.replace(track, frames=0) for track in plan.tracks]
    return msgspec.structs.replace(
        plan, frames=0, duration_ms=0, segments=0, tracks=tracks, chapters=[], facts={}, upload=None
    )


def _track(number: int, sound: Sound, timeline: Timeline) -> Track:
    """A track as it is: its own packets where they are what we would make, encoded otherwise."""
    name, language = f"audio-{number}", language_tag(sound.language)
    told = sound.copy
    if told is None or told.channels != CHANNELS:
        frames = timeline.audio_frames(AAC_RATE, AAC_FRAME)
        return Track(name, sound.stream, language, sound.title, frames, flags=sound.flags, beat=sound.beat)
    return Track(
        name,
        sound.stream,
        language,
        sound.title,
        told.frames,
        copied=True,
        config=told.config,
        rate=told.rate,
        channels=told.channels,
        lead=told.lead,
        bitrate=told.bitrate,
        flags=sound.flags,
    )


def levelled(plan: Plan, gains: Sequence[float | None]) -> list[Track]:
    """All tracks of a film once their loudness is known: as they are, levelled where `gains` (dB) has one, and low.

    `gains[n]` is None for a track that may stay as it is.
    """
    frames, own = plan.timeline.audio_frames(AAC_RATE, AAC_FRAME), plan.tracks[: len(gains)]
    made: list[Track] = []
    for track, gain in zip(own, gains, strict=True):
        made.append(msgspec.structs.replace(track, group="audio" if gain is None else "instant"))
    for low in (False, True):
        for track, gain in zip(own, gains, strict=True):
            if not low and gain is None:
                continue
            made.append(
                Track(
                    f"audio-{len(made)}",
                    track.stream,
                    track.language,
                    track.title,
                    frames,
                    group="low" if low else "audio",
                    bitrate=LOW_AUDIO_BITRATE if low else AUDIO_BITRATE,
                    gain_db=gain or 0.0,
                    flags=track.flags,
                    beat=track.beat,
                )
            )
    return made


def _facts(source: SourceInfo) -> dict[str, Any]:
    """What the report says of the source."""
    facts: dict[str, Any] = msgspec.to_builtins(source)
    facts.pop("copy", None)
    facts.pop("chapters", None)
    return facts


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
