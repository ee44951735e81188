"""Which renditions a source deserves, with everything a player must be told before they are encoded.

A rung is named by the lines of the 16:9 frame its pictures fit in, turned for upright films: `720p` is 1280x720 for
television, 1280x534 for cinema, 720x1280 for a telephone. So a name means the same bit rate for every shape.
"""

from dataclasses import dataclass
from fractions import Fraction

# lines: (CRF, maxrate in kbit/s up to 30 pictures a second). Capped CRF: easy films cost less, hard ones stay below.
RUNGS = {240: (23, 420), 360: (22, 900), 540: (22, 2400), 720: (23, 4200), 1080: (23, 7500)}
# The smallest rung is for telephones far from a mast: with its own sound it peaks below 192 kbit/s (Apple 9.21).
SMALL_LINES, SMALL_CRF, SMALL_KBIT = 240, 26, 105
SMALL_WORTH = 300  # films of fewer lines get a smallest rung of two thirds of their own
INSTANT_LINES = 360
FAST = Fraction(3, 2)  # more bit/s above 30 pictures a second
WORTH = Fraction(5, 4)  # a source this much larger than its highest rung gets one of its own size
NO_SCALING = Fraction(99, 100)  # 854x480 and 1920x1088 keep their size
SMALLEST = 16
AUDIO_BITRATE = 128_000
LOW_AUDIO_BITRATE = 48_000
AUDIO_CODEC = "mp4a.40.2"

# H.264 levels (ITU-T H.264 table A-1): level, macroblocks/s, macroblocks/frame, bit/s and buffer bits of High profile.
_LEVELS = (
    (12, 6_000, 396, 480_000, 1_250_000),
    (13, 11_880, 396, 960_000, 2_500_000),
    (21, 19_800, 792, 5_000_000, 5_000_000),
    (22, 20_250, 1_620, 5_000_000, 5_000_000),
    (30, 40_500, 1_620, 12_500_000, 12_500_000),
    (31, 108_000, 3_600, 17_500_000, 17_500_000),
    (32, 216_000, 5_120, 25_000_000, 25_000_000),
    (40, 245_760, 8_192, 25_000_000, 31_250_000),
    (42, 522_240, 8_704, 62_500_000, 78_125_000),
    (51, 983_040, 36_864, 300_000_000, 300_000_000),
)


@dataclass(frozen=True)
class Rung:
    """One video rendition. `maxrate` and `bufsize` in bit/s and bits, `level` as H.264 writes it (31 is 3.1)."""

    name: str
    width: int
    height: int
    crf: int
    maxrate: int
    bufsize: int
    level: int

    @property
    def codecs(self) -> str:
        """High profile; x264 writes exactly this into avcC, so players can be told before the first picture exists."""
        return f"avc1.6400{self.level:02x}"

    @property
    def bandwidth(self) -> int:
        """A bound on the bit rate of any segment: four seconds at the cap, and a buffer that starts full."""
        return self.maxrate + self.bufsize // 4


def ladder(width: int, height: int, rate: Fraction) -> list[Rung]:
    """Rungs for a film shown at `width` x `height` square pixels, smallest first, none larger than the film.

    Always two at least (Apple 9.9): the smallest, and one for everybody else.
    """
    lines = max(SMALLEST, _lines(width, height))
    heights = [rung for rung in RUNGS if SMALL_LINES < rung <= lines]
    if lines < max(RUNGS) and (not heights or lines >= heights[-1] * WORTH):
        heights.append(lines - lines % 2)
    small = SMALL_LINES if lines >= SMALL_WORTH else max(SMALLEST, lines * 2 // 3)
    return [_rung(number, wanted, width, height, rate) for number, wanted in enumerate([small, *heights])]


def instant(rungs: list[Rung]) -> Rung:
    """The rung that is encoded first, so that a film plays at once: 360p, or the smallest but one."""
    return next((rung for rung in rungs if rung.name == f"{INSTANT_LINES}p"), rungs[1])


def _lines(width: int, height: int) -> int:
    """Lines of the smallest 16:9 frame, upright for upright films, that holds the picture."""
    long, short = max(width, height), min(width, height)
    return max(short, -(-long * 9 // 16))


def _rung(number: int, lines: int, width: int, height: int, rate: Fraction) -> Rung:
    """Rung `number` of a ladder; 0 is the smallest."""
    scale = Fraction(lines, _lines(width, height))
    if scale > NO_SCALING:
        scale = Fraction(1)
    wide, high = _even(width, scale), _even(height, scale)
    crf, kbit = RUNGS[min((rung for rung in RUNGS if rung >= lines), default=max(RUNGS))]
    maxrate = int(kbit * 1000 * (FAST if rate > 30 else 1))
    bufsize = 2 * maxrate
    if number == 0:
        crf, maxrate, bufsize = SMALL_CRF, SMALL_KBIT * 1000, SMALL_KBIT * 1000
    # Names have three digits at least (`segment.RENDITION`), so the tiniest films are called 101p.
    name = f"{max(lines, 100 + number)}p"
    return Rung(name, wide, high, crf, maxrate, bufsize, _level(wide, high, rate, maxrate, bufsize))


def _even(length: int, scale: Fraction) -> int:
    """The nearest even length, as 4:2:0 needs, never above the source's."""
    return max(2, min(round(length * scale / 2) * 2, length // 2 * 2))


def _level(width: int, height: int, rate: Fraction, maxrate: int, bufsize: int) -> int:
    """The lowest H.264 level that allows this picture, rate and bit rate (Apple 1.11)."""
    columns, rows = -(-width // 16), -(-height // 16)
    blocks = columns * rows
    for level, per_second, per_frame, bits, buffer in _LEVELS:
        fits = blocks <= per_frame and blocks * rate <= per_second and max(columns, rows) ** 2 <= 8 * per_frame
        if fits and maxrate <= bits and bufsize <= buffer:
            return level
    raise ValueError(f"no H.264 level for {width}x{height} at {rate}/s")
