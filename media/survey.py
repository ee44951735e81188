"""How hard a film is to encode, from a cheap encode of a few seconds: cap and quality of each rung, and which ones go.

Pure; `workers.survey` makes the samples. Bits of one picture grow with a power of its size that samples of two sizes
tell: 0.75 or so for camera pictures, much less for slides and drawings, whose middle rungs then add nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from media.ladder import Rung

SAMPLE_SECONDS = 2
MOST_SAMPLES = 5
SECONDS_PER_SAMPLE = 40  # so that the samples stay below a few percent of the whole work
SAMPLE_CRF = 23
CRF_HALVES = 6  # a CRF higher by so much halves the bits, roughly
MOST_WORSE = 2  # CRF; beyond that the cap does the rest: quiet scenes of a hard film keep their quality
MOST_BETTER = 3  # CRF; films that leave half of the cap unused have it for quality, which brings VMAF from 90 to 93
SPACING = 1.5  # a rung that costs more than its upper neighbour divided by this adds nothing (notes of Apple's ladder)
LEAST_CAP = 4  # caps never fall below this part of the table's
PEAK = 2  # Apple 1.30: a peak of at most twice the average
USUAL, STEEPEST = 0.75, 1.0


@dataclass(frozen=True)
class Sample:
    """Bit/s of a rung's size at CRF 23, over all samples."""

    pixels: int
    bit_rate: float


def sample_starts(seconds: float) -> list[float]:
    """Where samples begin: spread evenly, away from titles and credits; none of a film shorter than a sample."""
    count = max(1, min(MOST_SAMPLES, int(seconds / SECONDS_PER_SAMPLE)))
    if seconds < 2 * SAMPLE_SECONDS:
        return []
    return [(number + 0.5) * seconds / count - SAMPLE_SECONDS / 2 for number in range(count)]


def adapt(rungs: Sequence[Rung], samples: Sequence[Sample], fixed: str = "") -> list[Rung]:
    """The rungs worth making, each with the CRF and cap that this film wants; `fixed` is being encoded already."""
    fitted = [rung if rung.name == fixed else _fitted(rung, _predict(rung, samples)) for rung in rungs]
    rates = {rung.name: min(rung.maxrate, _predict(rung, samples)) for rung in fitted}
    kept = [fitted[-1]]
    for rung in reversed(fitted[:-1]):
        if rung is fitted[0] or rung.name == fixed or rates[kept[-1].name] >= rates[rung.name] * SPACING:
            kept.append(rung)
    return kept[::-1]


def _predict(rung: Rung, samples: Sequence[Sample]) -> float:
    """Bit/s of a rung at its own CRF if it had no cap."""
    low, high = min(samples, key=lambda s: s.pixels), max(samples, key=lambda s: s.pixels)
    steep = USUAL
    if high.pixels > low.pixels * SPACING:
        steep = math.log(high.bit_rate / low.bit_rate) / math.log(high.pixels / low.pixels)
    rate = low.bit_rate * (rung.width * rung.height / low.pixels) ** min(max(steep, 0.0), STEEPEST)
    return float(rate * 2 ** ((SAMPLE_CRF - rung.crf) / CRF_HALVES))


def _fitted(rung: Rung, wanted: float) -> Rung:
    """More quality and a lower cap for an easy film, a little less quality for one that is at the cap all the time."""
    over = CRF_HALVES * math.log2(wanted / rung.maxrate)
    if over > 0:
        return replace(rung, crf=rung.crf + min(MOST_WORSE, int(over)))
    better = min(MOST_BETTER, max(0, int(-over - CRF_HALVES)))
    needed = PEAK * wanted * 2 ** (better / CRF_HALVES)
    cap = int(min(rung.maxrate, max(needed, rung.maxrate / LEAST_CAP)))
    return replace(rung, crf=rung.crf - better, maxrate=cap, bufsize=cap * rung.bufsize // rung.maxrate)
