"""Rules about variants: what EXT-X-STREAM-INF and EXT-X-I-FRAME-STREAM-INF say, against what was measured."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from media.film import Film, Track
from media.rules import Findings, rule

WITHIN = 0.1
CELLULAR = 192_000
SPLIT = re.compile(r"\s*,\s*")
RANGES = {16: "PQ", 18: "HLG"}  # transfer characteristics (ITU-T H.273)
STREAM, ISTREAM = "EXT-X-STREAM-INF", "EXT-X-I-FRAME-STREAM-INF"


@dataclass(frozen=True)
class Variant:
    """A variant as written: the rendition its URI leads to and its attributes."""

    name: str
    attributes: dict[str, str]

    @cached_property
    def codecs(self) -> list[str]:
        return SPLIT.split(self.attributes.get("CODECS", ""))

    def number(self, attribute: str) -> float:
        """A decimal number; 0 where there is none."""
        told = self.attributes.get(attribute, "")
        return float(told) if re.fullmatch(r"\d{1,20}(\.\d{1,20})?", told) else 0


def variants(film: Film) -> Iterator[Variant]:
    """Variants in the order of the playlist."""
    for entry in film.master.entries:
        tag = entry.tag(STREAM)
        if tag is not None:
            yield Variant(entry.uri.partition("/")[0], tag.attributes)


def trick_variants(film: Film) -> Iterator[Variant]:
    """I-frame variants."""
    for tag in film.master.named(ISTREAM):
        yield Variant(tag.attributes.get("URI", "").partition("/")[0], tag.attributes)


def all_variants(film: Film) -> list[tuple[Variant, Track | None]]:
    """Variants of both kinds with the rendition that was found, if there is one."""
    found = {track.name: track for track in [*film.videos, *film.beside.iframes]}
    return [(variant, found.get(variant.name)) for variant in [*variants(film), *trick_variants(film)]]


def members(film: Film, variant: Variant, kind: str) -> list[str]:
    """Renditions of the group that a variant names for AUDIO or SUBTITLES."""
    group = variant.attributes.get(kind)
    rows = [tag.attributes for tag in film.master.named("EXT-X-MEDIA")]
    rows = [row for row in rows if row.get("TYPE") == kind and group is not None and row.get("GROUP-ID") == group]
    return [row.get("URI", "").partition("/")[0] for row in rows]


def rates(sizes: Sequence[int], durations: Sequence[Fraction], target: int) -> tuple[float, float]:
    """(peak, average) in bit/s; the peak is over runs of segments lasting half a target to one and a half."""
    lengths = [float(seconds) for seconds in durations]
    whole = sum(lengths)
    if not whole or len(sizes) != len(lengths):
        raise ValueError(f"{len(sizes)} segments, {len(lengths)} EXTINF, {whole} s")
    average = peak = 8 * sum(sizes) / whole
    slack = 1e-6
    for first in range(len(sizes)):
        size = length = 0.0
        for number in range(first, len(sizes)):
            size, length = size + sizes[number], length + lengths[number]
            if length > 1.5 * target + slack:
                break
            if length >= 0.5 * target - slack:
                peak = max(peak, 8 * size / length)
    return peak, average


def measured(film: Film) -> dict[str, tuple[float, float]]:
    """(peak, average) of every rendition."""
    sizes = {track.name: track.sizes for track in film.tracks} | film.beside.sizes
    return {
        name: rates(sizes[name], film.list_of(name).durations, film.list_of(name).target)
        for name in sizes
        if film.list_of(name).entries
    }


def worst(film: Film, kind: int) -> Iterator[tuple[Variant, float]]:
    """(variant, its rate with the worst of its sounds and captions): `kind` 0 for peaks, 1 for averages."""
    found = measured(film)
    for variant, track in all_variants(film):
        if track is None or variant.name not in found:
            continue
        own = found[variant.name][kind]
        groups = [members(film, variant, group) for group in ("AUDIO", "SUBTITLES")]
        others = [max((found[name][kind] for name in names if name in found), default=0) for names in groups]
        yield variant, own + sum(others)


@rule("APL-1.24")
def standard_range(film: Film) -> Findings:
    """There are variants of standard dynamic range."""
    if not any(variant.attributes.get("VIDEO-RANGE", "SDR") == "SDR" for variant in variants(film)):
        yield "no variant is of standard dynamic range"


@rule("APL-1.26")
def true_average(film: Film) -> Findings:
    """AVERAGE-BANDWIDTH within 10 % of the measured average, sound included, I-frames too."""
    yield from _true_rate(film, "AVERAGE-BANDWIDTH", 1)


@rule("APL-1.27")
def true_peak(film: Film) -> Findings:
    """BANDWIDTH within 10 % of the measured peak."""
    yield from _true_rate(film, "BANDWIDTH", 0)


def _true_rate(film: Film, attribute: str, kind: int) -> Findings:
    for variant, rate in worst(film, kind):
        if abs(variant.number(attribute) - rate) > rate * WITHIN:
            yield f"{variant.name}: {attribute}={variant.number(attribute):.0f}, measured {rate:.0f}"


@rule("APL-9.13")
def worst_combination(film: Film) -> Findings:
    """BANDWIDTH is not below the worst combination of what can be played together (RFC-PEAK)."""
    for variant, rate in worst(film, 0):
        if variant.number("BANDWIDTH") < int(rate):
            yield f"{variant.name}: BANDWIDTH={variant.attributes.get('BANDWIDTH')}, but it takes {rate:.0f}"


@rule("APL-9.14")
def has_average(film: Film) -> Findings:
    """AVERAGE-BANDWIDTH on every variant, and not above BANDWIDTH."""
    for variant, _ in all_variants(film):
        if not 0 < variant.number("AVERAGE-BANDWIDTH") <= variant.number("BANDWIDTH"):
            yield f"{variant.name}: AVERAGE-BANDWIDTH is {variant.attributes.get('AVERAGE-BANDWIDTH')}"


@rule("APL-9.1")
def true_codecs(film: Film) -> Findings:
    """CODECS on every variant, as its init segments say and as was promised before they existed."""
    codecs = {track.name: track.init.codec for track in film.tracks}
    promised = {rung.name: rung.codecs for rung in film.plan.rungs}
    if film.plan.copy is not None:
        promised["source"] = film.plan.copy.codecs
    for variant in variants(film):
        needed = {codecs.get(name, "nothing") for name in [variant.name, *members(film, variant, "AUDIO")]}
        if set(variant.codecs) - {"wvtt"} != needed or len(set(variant.codecs)) != len(variant.codecs):
            yield f"{variant.name}: CODECS {variant.codecs}, but init segments are {sorted(needed)}"
        if codecs.get(variant.name) != promised.get(variant.name):
            yield f"{variant.name}: is {codecs.get(variant.name)}, promised was {promised.get(variant.name)}"


@rule("APL-9.2")
def true_resolution(film: Film) -> Findings:
    """RESOLUTION on every variant, as coded in square pixels; every video rendition is a variant once."""
    yield from _resolutions(film, list(variants(film)), film.videos)


@rule("APL-9.3")
def true_trick_codecs(film: Film) -> Findings:
    """CODECS on every I-frame variant, as its init segment says: pictures and nothing else."""
    codecs = {track.name: track.init.codec for track in film.beside.iframes}
    for variant in trick_variants(film):
        if variant.codecs != [codecs.get(variant.name, "nothing")]:
            yield f"{variant.name}: CODECS {variant.codecs}, but its init segment is {codecs.get(variant.name)}"


@rule("APL-9.4")
def true_trick_resolution(film: Film) -> Findings:
    """RESOLUTION on every I-frame variant, as coded."""
    yield from _resolutions(film, list(trick_variants(film)), film.beside.iframes)


def _resolutions(film: Film, told: list[Variant], tracks: list[Track]) -> Findings:
    listed = [variant.name for variant in told]
    found = {track.name: track for track in tracks}
    if set(listed) != set(found):
        yield f"variants are {sorted(set(listed))}, renditions {sorted(found)}"
    for variant in told:
        track = found.get(variant.name)
        if track is None:
            continue
        size = f"{track.init.width}x{track.init.height}"
        if variant.attributes.get("RESOLUTION") != size:
            yield f"{variant.name}: RESOLUTION={variant.attributes.get('RESOLUTION')}, but it is {size}"
        for told_size in track.parameters:
            wrong = f"{told_size.width}x{told_size.height}" != size
            if wrong or len(set(told_size.aspect)) != 1 or len(set(track.init.entry.aspect)) != 1:
                yield f"{variant.name}: coded as {told_size.width}x{told_size.height} of pixels {told_size.aspect}"


@rule("APL-9.9")
def two_variants(film: Film) -> Findings:
    """A choice: two variants at least, of different pictures."""
    if len({variant.name for variant in variants(film)}) < 2:
        yield f"variants are {[variant.name for variant in variants(film)]}"


@rule("APL-9.15")
def has_frame_rate(film: Film) -> Findings:
    """FRAME-RATE on every variant, as measured, to three places."""
    for variant, track in all_variants(film):
        if track is None or track not in film.videos:
            continue
        rate = sum(media.samples for media in track.media) / (track.times[-1] - track.times[0])
        if abs(variant.number("FRAME-RATE") - float(rate)) > 0.0016:
            yield f"{variant.name}: FRAME-RATE {variant.attributes.get('FRAME-RATE')}, it is {float(rate):.3f}"


@rule("APL-9.16")
def true_range(film: Film) -> Findings:
    """VIDEO-RANGE as the pictures say; it may be left out where all are of standard range."""
    found = {track.name: {RANGES.get(p.transfer, "SDR") for p in track.parameters} for track in film.videos}
    for variant in variants(film):
        told = variant.attributes.get("VIDEO-RANGE", "SDR")
        if found.get(variant.name, {told}) != {told}:
            yield f"{variant.name}: VIDEO-RANGE is {told}, its pictures are {sorted(found[variant.name])}"


@rule("APL-9.19")
def score_on_all(film: Film) -> Findings:
    """SCORE on all variants or on none."""
    scored = ["SCORE" in variant.attributes for variant in variants(film)]
    if any(scored) and not all(scored):
        yield f"{scored.count(True)} of {len(scored)} variants have a SCORE"


@rule("APL-9.20")
def no_sound_alone(film: Film) -> Findings:
    """No variant of sound alone (tvOS)."""
    for variant in variants(film):
        if variant.name not in {track.name for track in film.videos}:
            yield f"{variant.name[:40]}: a variant without pictures"


@rule("APL-9.21")
def cellular(film: Film) -> Findings:
    """A variant for telephones far from a mast: its peak is 192 kbit/s or less (iOS)."""
    lowest = min((variant.number("BANDWIDTH") for variant in variants(film)), default=0)
    if film.plan.timeline.seconds < Fraction(film.plan.timeline.target_seconds, 2):
        return  # it has no run that a peak could be measured over, and is hardly more than its first picture
    if not 0 < lowest <= CELLULAR:
        yield f"the lowest BANDWIDTH is {lowest:.0f}"


@rule("RFC-CC")
def closed_captions(film: Film) -> Findings:
    """CLOSED-CAPTIONS=NONE on all variants, as there are none inside the pictures: else players show an empty track."""
    for variant in variants(film):
        if variant.attributes.get("CLOSED-CAPTIONS") != "NONE":
            yield f"{variant.name}: CLOSED-CAPTIONS is {variant.attributes.get('CLOSED-CAPTIONS')}"
