"""What of a source may be served as it is, without encoding: rules over the facts that `runs` reports.

The facts come out of the sandbox, from a program that read a stranger's bytes: they are bounded here and must agree
with what `examine` says of the same file.
"""

from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Annotated

import msgspec
from msgspec import Meta

from media.timeline import AAC_FRAME, NEAR, Timeline

PROFILES = (66, 77, 100)  # Baseline, Main, High
MOST_LEVEL = 52
MOST_RATE = 60 * (1 + NEAR)
MOST_BITRATE = 16_000_000  # more, and a telephone waits longer for the copy than for the first encoded segment
MOST_GAP = 10  # seconds between two IDRs
CUT_WITHIN = Fraction(9, 2)  # a segment is as long as the grid's, and a little more rather than half as long
SHORTEST = Fraction(1, 4)  # a shorter one costs a request and brings nothing
SOUND_NEAR = Fraction(1, 1000)
SOUND_RATES = (32000, 44100, 48000)

Ticks = Annotated[int, Meta(ge=1, le=1 << 44)]
Count = Annotated[int, Meta(ge=1, le=6_000_000)]
Ratio = Annotated[str, Meta(pattern=r"^-?[0-9]{1,20}(/[1-9][0-9]{0,19})?$")]


class Copy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The source's pictures as they are, cut at some of their IDRs. Times in ticks of `timescale` a second.

    `cuts`: decode times, from the first sample on, of each segment's first sample, and the end. `offset`: from the
    first sample's decode time to when it is shown. `aligned`: the cuts are the film's own grid, and by its index every
    picture is where the grid wants it. `avcc`: parameter sets, in hex. Bit rates in bit/s, from the packets' sizes.
    """

    stream: int
    width: int
    height: int
    codecs: str
    avcc: str
    timescale: int
    offset: int
    cuts: list[int]
    aligned: bool
    bandwidth: int
    average_bandwidth: int


class SoundCopy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An AAC-LC track as it is: AudioSpecificConfig in hex, `lead` samples of priming, `frames` of 1024 samples.

    `frames` counts those of the priming and ends with the film. Bit rate in bit/s.
    """

    config: str
    rate: int
    channels: int
    lead: int
    frames: int
    bitrate: int


class Pictures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Runs of pictures from IDR to IDR. `frame`: ticks of each picture if all are on one grid, 0 otherwise."""

    timescale: Annotated[int, Meta(ge=1, lt=1 << 32)]
    offset: Annotated[int, Meta(ge=0, lt=1 << 31)]
    start: Ratio
    count: Count
    frame: Annotated[int, Meta(ge=0, lt=1 << 31)]
    avcc: Annotated[str, Meta(pattern=r"^01(?:[0-9a-f]{2}){6,1023}$")]
    ticks: Annotated[list[Ticks], Meta(min_length=1, max_length=50_000)]
    bytes: Annotated[list[Ticks], Meta(min_length=1, max_length=50_000)]


class Frames(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """AAC-LC frames without gaps; `start` and `end` of what is heard, in seconds of the file's own clock."""

    config: Annotated[str, Meta(pattern=r"^[0-9a-f]{4}$")]
    rate: Annotated[int, Meta(ge=8000, le=96000)]
    channels: Annotated[int, Meta(ge=1, le=2)]
    start: Ratio
    end: Ratio
    lead: Annotated[int, Meta(ge=0, lt=1 << 31)]
    count: Count
    bytes: Ticks


class Runs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `runs` says of one track."""

    stream: Annotated[int, Meta(ge=0, lt=32)]
    picture: Pictures | None = None
    sound: Frames | None = None


def copied_picture(
    told: Runs, size: tuple[int, int], timeline: Timeline, start: Fraction, rate: Fraction
) -> Copy | None:
    """How the pictures of a plain H.264 source may be copied, if at all.

    `size` is that of its pictures, `start` when the film starts on the file's clock, `rate` as it was measured.
    """
    if told.picture is None or len(told.picture.ticks) != len(told.picture.bytes):
        return None
    runs, frame_s = told.picture, 1 / timeline.rate
    seconds, late = Fraction(sum(runs.ticks), runs.timescale), Fraction(runs.start) - start
    if rate > MOST_RATE or abs(late) > frame_s / 2 or abs(late + seconds - timeline.seconds) > frame_s:
        return None
    profile, level = int(runs.avcc[2:4], 16), int(runs.avcc[6:8], 16)
    marks = [0, *accumulate(runs.ticks)]
    aligned = on_grid(runs, marks, timeline)
    cuts = grid(runs, timeline) if aligned else chosen(marks, runs.timescale)
    peak, average = bit_rates(runs, marks, cuts)
    if profile not in PROFILES or level > MOST_LEVEL or peak > MOST_BITRATE:
        return None
    if max(b - a for a, b in pairwise(cuts)) > MOST_GAP * runs.timescale:
        return None
    return Copy(
        stream=told.stream,
        width=size[0],
        height=size[1],
        codecs=f"avc1.{runs.avcc[2:8]}",
        avcc=runs.avcc,
        timescale=runs.timescale,
        offset=runs.offset,
        cuts=cuts,
        aligned=aligned,
        bandwidth=peak,
        average_bandwidth=average,
    )


def copied_sound(told: Runs, timeline: Timeline, start: Fraction) -> SoundCopy | None:
    """How a track may be copied, if at all: it must last as long as the film, from the same moment."""
    if told.sound is None:
        return None
    frames, late = told.sound, Fraction(told.sound.start) - start
    wanted = timeline.audio_frames(frames.rate, frames.lead)
    ends = Fraction(frames.end) - start
    whole = ends >= timeline.seconds - Fraction(AAC_FRAME, frames.rate) and frames.count >= wanted - 1
    lead = frames.lead - round(late * frames.rate)
    if frames.rate not in SOUND_RATES or abs(late) > SOUND_NEAR or not whole or not 0 <= lead <= 4 * AAC_FRAME:
        return None
    kept = min(frames.count, timeline.audio_frames(frames.rate, lead))
    if kept <= timeline.start(timeline.count - 1) * frames.rate // AAC_FRAME + 1:
        return None
    bitrate = frames.bytes * 8 * frames.rate // (frames.count * AAC_FRAME)
    return SoundCopy(frames.config, frames.rate, frames.channels, lead, kept, bitrate)


def on_grid(runs: Pictures, marks: list[int], timeline: Timeline) -> bool:
    """Whether every boundary of the film's grid is an IDR, and every picture lasts as long as the grid says."""
    if not runs.frame or Fraction(runs.timescale, runs.frame) != timeline.rate:
        return False
    return runs.count == timeline.frames and set(grid(runs, timeline)) <= set(marks)


def grid(runs: Pictures, timeline: Timeline) -> list[int]:
    return [timeline.first_frame(index) * runs.frame for index in range(timeline.count + 1)]


def chosen(marks: list[int], timescale: int) -> list[int]:
    """Cuts: after each the last IDR at most 4.5 s on, or else the next one. Nothing is cut that is next to nothing."""
    end, shortest, within = marks[-1], SHORTEST * timescale, CUT_WITHIN * timescale
    cuts = [0]
    for mark, following in pairwise([*marks[1:-1], end]):
        if mark - cuts[-1] >= shortest and end - mark >= shortest and following - cuts[-1] > within:
            cuts.append(mark)
    return [*cuts, end]


def bit_rates(runs: Pictures, marks: list[int], cuts: list[int]) -> tuple[int, int]:
    """(peak of a segment, average) in bit/s; what lasts less than two seconds counts for two."""
    sums = dict(zip(marks, [0, *accumulate(runs.bytes)], strict=True))
    least = 2 * runs.timescale
    peak = max(8 * (sums[b] - sums[a]) * runs.timescale // max(b - a, least) for a, b in pairwise(cuts))
    average = 8 * sums[marks[-1]] * runs.timescale // marks[-1]
    return max(peak, average) + 1, average + 1
