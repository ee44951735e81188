"""The gate before `ready`: checks a generation as it lies on disk, one function per rule.

Rule ids: APL- are Apple's HLS authoring rules by number, RFC- those of RFC 8216, PLAN- our own promise that what was
published early came true. A rule yields one sentence per violation.
"""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

from media import playlist
from media.ffmpeg import INIT, timescale
from media.film import ATTRIBUTE, Film, measure
from media.timeline import AAC_FRAME, AAC_RATE

WITHIN = Fraction(1, 10)


Findings = Iterator[str]
Rule = Callable[[Film], Findings]
RULES: dict[str, Rule] = {}


def rule(number: str) -> Callable[[Rule], Rule]:
    def add(function: Rule) -> Rule:
        RULES[number] = function
        return function

    return add


def check(film: Film) -> list[dict[str, str]]:
    """Every violation of every rule."""
    return [{"rule": number, "finding": sentence} for number, find in RULES.items() for sentence in find(film)]


def report(film: Film, findings: Sequence[dict[str, str]]) -> dict[str, Any]:
    """The document stored beside the film."""
    return {
        "rules": sorted(RULES),
        "findings": list(findings),
        "duration_ms": film.plan.duration_ms,
        "frames": film.plan.frames,
        "segments": film.plan.segments,
        "renditions": [
            {"name": track.name, "bytes": sum(track.sizes), "codec": track.init.codec} for track in film.tracks
        ],
    }


@rule("PLAN-samples")
def exact_samples(film: Film) -> Findings:
    """Each segment holds exactly the planned pictures or AAC frames."""
    for track in film.tracks:
        wanted = film.plan.samples(track.name)
        for index, (want, media) in enumerate(zip(wanted, track.media, strict=True)):
            if media.samples != want:
                yield f"{track.name}: segment {index} holds {media.samples} samples, not {want}"


@rule("APL-7.3")
def contiguous_decode_times(film: Film) -> Findings:
    """Each decode time is the one before plus what that segment lasts, from 0 on."""
    for track in film.tracks:
        at = 0
        for index, media in enumerate(track.media):
            if media.decode_time != at:
                yield f"{track.name}: segment {index} starts at {media.decode_time}, not at {at}"
            at = media.decode_time + media.duration


@rule("APL-7.4")
def starts_with_idr(film: Film) -> Findings:
    """Every video segment can be decoded on its own."""
    for track in film.videos:
        for index, media in enumerate(track.media):
            if not media.starts_with_sync:
                yield f"{track.name}: segment {index} does not start with a key picture"


@rule("RFC-PT-VOD")
def starts_at_zero(film: Film) -> Findings:
    """One edit, no empty one before it, cancels reordering or priming: picture and sound start together."""
    for track in film.tracks:
        first = AAC_FRAME if track in film.sounds else track.media[0].first_offset
        if [media_time for _, media_time in track.init.edits] != [first]:
            yield f"{track.name}: edits {track.init.edits} where one at {first} belongs"


@rule("APL-8.2")
def same_length(film: Film) -> Findings:
    """Sound and picture last equally long, to one AAC frame."""
    for track in film.tracks:
        priming = AAC_FRAME if track in film.sounds else 0
        scale = AAC_RATE if priming else timescale(film.plan.timeline.rate)
        length = Fraction(sum(media.duration for media in track.media) - priming, scale)
        if track.init.timescale != scale or abs(length - film.plan.timeline.seconds) > Fraction(AAC_FRAME, AAC_RATE):
            yield f"{track.name}: lasts {float(length):.3f} s of {float(film.plan.timeline.seconds):.3f} s"


@rule("APL-8.7")
def same_segments(film: Film) -> Findings:
    """All playlists name the same segments."""
    names = [segment.name for segment in film.plan.timeline.segments()]
    for track in film.tracks:
        if [line for line in film.playlists[track.name].splitlines() if not line.startswith("#")] != names:
            yield f"{track.name}: its playlist names other segments than the plan"


@rule("APL-8.1")
def true_durations(film: Film) -> Findings:
    """Sums of EXTINF are true to one picture, however long the run."""
    frame = 1 / film.plan.timeline.rate
    for track in film.tracks:
        told = [Fraction(line[8:].rstrip(",")) for line in _tags(film.playlists[track.name], "#EXTINF:")]
        drift, lowest, highest = Fraction(0), Fraction(0), Fraction(0)
        for say, media in zip(told, track.media, strict=True):
            drift += say - Fraction(media.duration, track.init.timescale)
            if media is track.media[0] and track in film.sounds:
                drift += Fraction(AAC_FRAME, AAC_RATE)
            lowest, highest = min(lowest, drift), max(highest, drift)
        if highest - lowest > frame:
            yield f"{track.name}: EXTINF drifts {float(highest - lowest):.4f} s from the segments"


@rule("RFC-TD")
def target_duration(film: Film) -> Findings:
    """One TARGETDURATION everywhere, and no EXTINF rounds to more."""
    target = film.plan.timeline.target_seconds
    for track in film.tracks:
        text = film.playlists[track.name]
        longest = max(Fraction(line[8:].rstrip(",")) for line in _tags(text, "#EXTINF:"))
        if _tags(text, "#EXT-X-TARGETDURATION:") != [f"#EXT-X-TARGETDURATION:{target}"] or round(longest) > target:
            yield f"{track.name}: TARGETDURATION is not {target}, or too short for {float(longest):.3f} s"


@rule("APL-8.20")
def has_map(film: Film) -> Findings:
    """Fragmented MP4 needs EXT-X-MAP; the playlist is complete and of type VOD (APL-8.6)."""
    for track in film.tracks:
        text = film.playlists[track.name]
        for tag in (f'#EXT-X-MAP:URI="{INIT}"', "#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-ENDLIST"):
            if text.splitlines().count(tag) != 1:
                yield f"{track.name}: {tag} is missing"


@rule("RFC-M3U")
def proper_header(film: Film) -> Findings:
    """#EXTM3U first, one version, independent segments (APL-9.12)."""
    for name, text in {"master": film.multivariant, **film.playlists}.items():
        lines = text.splitlines()
        if lines[:1] != ["#EXTM3U"] or len(_tags(text, "#EXT-X-VERSION:")) != 1:
            yield f"{name}: does not begin as a playlist must"
        if "#EXT-X-INDEPENDENT-SEGMENTS" not in lines:
            yield f"{name}: lacks EXT-X-INDEPENDENT-SEGMENTS"


@rule("APL-1.27")
def true_peak(film: Film) -> Findings:
    """BANDWIDTH within 10 % of the measured peak, the worst audio track included (APL-9.13)."""
    yield from _true_rate(film, "BANDWIDTH", lambda rendition: rendition.bandwidth)


@rule("APL-1.26")
def true_average(film: Film) -> Findings:
    """AVERAGE-BANDWIDTH present (APL-9.14) and within 10 % of the measured average."""
    yield from _true_rate(film, "AVERAGE-BANDWIDTH", lambda rendition: rendition.average_bandwidth)


@rule("APL-9.1")
def true_codecs(film: Film) -> Findings:
    """CODECS as the init segments say, and as was promised before they existed."""
    sounds = {track.init.codec for track in film.sounds}
    promised = {rung.name: rung.codecs for rung in film.plan.rungs}
    inits = {track.name: track.init.codec for track in film.videos}
    for name, attributes in film.variants():
        if set(attributes.get("CODECS", "").split(",")) != {inits[name], *sounds} or inits[name] != promised[name]:
            yield f"{name}: CODECS {attributes.get('CODECS')!r}, but the init segment is {inits[name]}"


@rule("APL-9.2")
def true_resolution(film: Film) -> Findings:
    """RESOLUTION as coded, and every planned rung is a variant."""
    sizes = {track.name: f"{track.init.width}x{track.init.height}" for track in film.videos}
    listed = {name: attributes.get("RESOLUTION") for name, attributes in film.variants()}
    if listed != sizes:
        yield f"variants are {listed}, renditions {sizes}"


@rule("APL-9.15")
def has_frame_rate(film: Film) -> Findings:
    """FRAME-RATE on every variant, one of Apple's (APL-1.18), never above 60 (APL-1.19)."""
    for name, attributes in film.variants():
        if attributes.get("FRAME-RATE") != f"{float(film.plan.timeline.rate):.3f}":
            yield f"{name}: FRAME-RATE {attributes.get('FRAME-RATE')}"


@rule("RFC-MEDIA")
def audio_group(film: Film) -> Findings:
    """Variants name the audio group exactly when there is one; names in it are unique, one is the default."""
    rows = [dict(ATTRIBUTE.findall(line)) for line in _tags(film.multivariant, "#EXT-X-MEDIA:")]
    if len(rows) != len(film.sounds) or len({row.get("NAME") for row in rows}) != len(rows):
        yield f"{len(rows)} audio entries for {len(film.sounds)} tracks, or two of one name"
    if rows and (
        [row.get("DEFAULT") for row in rows].count("YES") != 1 or not all(row.get("LANGUAGE") for row in rows)
    ):
        yield "the audio group has no single default, or a track without language"
    for name, attributes in film.variants():
        if ("AUDIO" in attributes) != bool(film.sounds):
            yield f"{name}: AUDIO {attributes.get('AUDIO')!r} with {len(film.sounds)} tracks"


def _true_rate(film: Film, tag: str, rate: Callable[[playlist.Rendition], int]) -> Findings:
    sound = max((rate(measure(film, track)) for track in film.sounds), default=0)
    measured = {track.name: rate(measure(film, track)) + sound for track in film.videos}
    for name, attributes in film.variants():
        if abs(int(attributes.get(tag, "0")) - measured[name]) > measured[name] * WITHIN:
            yield f"{name}: {tag}={attributes.get(tag)}, measured {measured[name]}"


def _tags(text: str, start: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(start)]
