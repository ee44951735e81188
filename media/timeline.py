"""The frame grid of a film: constant rate, GOP of two seconds, segment of two GOPs, known before anything is encoded.

Times are exact fractions; a boundary is rounded to a millisecond once, by `segment.to_ms`, so segments tile the film.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from media.segment import Segment, to_ms

# The natural rates of Apple's authoring rules 1.18 and 1.19.
RATES = tuple(Fraction(rate) for rate in ("24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60"))
GOP_SECONDS = 2
GOPS_PER_SEGMENT = 2
NEAR = Fraction(1, 100)
AAC_RATE = 48000
AAC_FRAME = 1024


def snap_rate(measured: Fraction) -> Fraction:
    """The output rate for a source of `measured` frames a second.

    A slow source is multiplied (12.5 -> 25), a fast one divided (120 -> 60), so that every picture lasts equally long;
    where no whole factor fits within one percent, it is the nearest rate.
    """
    for factor in range(1, 61):
        wanted = measured * factor if measured < RATES[0] * (1 - NEAR) else measured / factor
        nearest = min(RATES, key=lambda rate: abs(rate - wanted))
        if abs(nearest - wanted) <= nearest * NEAR:
            return nearest
    return min(RATES, key=lambda rate: abs(rate - measured))


@dataclass(frozen=True)
class Timeline:
    """A film of `frames` pictures at `rate` pictures a second."""

    rate: Fraction
    frames: int

    def __post_init__(self) -> None:
        if self.rate not in RATES or self.frames < 1:
            raise ValueError(f"no timeline of {self.frames} frames at {self.rate}/s")

    @classmethod
    def of(cls, measured_rate: Fraction, seconds: Fraction) -> "Timeline":
        """The grid for a source: whole frames nearest to its length, at least one."""
        rate = snap_rate(measured_rate)
        return cls(rate, max(1, round(seconds * rate)))

    @property
    def gop(self) -> int:
        """Frames between two IDR pictures."""
        return round(GOP_SECONDS * self.rate)

    @property
    def segment_frames(self) -> int:
        return self.gop * GOPS_PER_SEGMENT

    @property
    def segment_seconds(self) -> Fraction:
        """Length of every segment but the last."""
        return self.segment_frames / self.rate

    @property
    def target_seconds(self) -> int:
        """EXT-X-TARGETDURATION: no EXTINF rounds to more."""
        return round(self.segment_seconds)

    @property
    def count(self) -> int:
        """Number of segments."""
        return -(-self.frames // self.segment_frames)

    @property
    def seconds(self) -> Fraction:
        return self.frames / self.rate

    @property
    def duration_ms(self) -> int:
        return to_ms(self.seconds)

    def first_frame(self, index: int) -> int:
        """Frame number at which segment `index` starts; the film's end for `count`."""
        return min(index * self.segment_frames, self.frames)

    def start(self, index: int) -> Fraction:
        """Seconds at which segment `index` starts; the film's end for `count`."""
        return self.first_frame(index) / self.rate

    def frames_in(self, first: int, end: int) -> int:
        """Frames of the segments [first, end)."""
        return self.first_frame(end) - self.first_frame(first)

    def segment(self, index: int) -> Segment:
        if not 0 <= index < self.count:
            raise IndexError(f"segment {index} of {self.count}")
        return Segment(index, to_ms(self.start(index)), to_ms(self.start(index + 1)))

    def segments(self) -> Iterator[Segment]:
        return (self.segment(index) for index in range(self.count))

    def durations(self) -> list[Fraction]:
        """Seconds of every video segment, exactly."""
        return [self.start(index + 1) - self.start(index) for index in range(self.count)]

    def audio_frames(self, rate: int, lead: int) -> int:
        """AAC frames of a track that lasts as long as the film: `lead` samples of priming come before its time 0."""
        return math.ceil((self.seconds * rate + lead) / AAC_FRAME)

    def audio_cuts(self, rate: int, lead: int, frames: int) -> list[int]:
        """Numbers of the AAC frames that open each segment of a track, and `frames`, one past its last.

        Frame k begins at sample k * 1024 - lead of the film. A segment opens with the last frame that begins no later
        than the pictures' boundary, so a player that seeks there has sound for its first picture.
        """
        cuts = [0]
        cuts += [int((self.start(index) * rate + lead) // AAC_FRAME) for index in range(1, self.count)]
        if frames <= cuts[-1]:
            raise ValueError(f"{frames} AAC frames do not reach the last of {self.count} segments")
        return [*cuts, frames]
