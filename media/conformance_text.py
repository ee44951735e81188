"""Rules about what lies beside pictures and sound: captions and I-frames."""

import re
from fractions import Fraction

from media import h264
from media.conformance_playlists import ENTRY
from media.conformance_variants import trick_variants
from media.film import TEXT, Film
from media.rules import Findings, rule

HEADER = re.compile(r"WEBVTT(?:[ \t][^\n]*)?(?:\n|$)")
TIMESTAMP_MAP = "X-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000"


@rule("APL-5.2")
def captions_are_webvtt(film: Film) -> Findings:
    """Captions are WebVTT whose cues have proper times and lie in every segment that they touch."""
    for name, files in film.beside.texts.items():
        for file in files:
            place = ENTRY.fullmatch(file.uri)
            if not HEADER.match(file.header) or file.wrong or place is None:
                yield f"{name}/{file.uri[:60]}: is no WebVTT: {file.header[:20]!r} {file.wrong[:1]}"
                continue
            for start, end in file.cues:
                if not (start < end and start < int(place["end"]) and end > int(place["start"])):
                    yield f"{name}/{file.uri}: a cue from {start} to {end} ms"


@rule("APL-5.3")
def captions_have_a_clock(film: Film) -> Findings:
    """Each file of captions says how its clock relates to the film's: not at all shifted, as in fragmented MP4."""
    for name, files in film.beside.texts.items():
        for file in files:
            if TIMESTAMP_MAP not in file.header.split("\n"):
                yield f"{name}/{file.uri[:60]}: lacks {TIMESTAMP_MAP}"


@rule("APL-5.5")
def captions_span_the_film(film: Film) -> Findings:
    """The playlist of captions spans the whole film, by its EXTINF and by the names of its segments."""
    for name in film.beside.texts:
        told = Fraction(0)
        for entry in film.list_of(name).entries:
            told += entry.seconds
            found = ENTRY.fullmatch(entry.uri)
            if found is None or abs(told - Fraction(int(found["end"]), 1000)) > 1 / film.plan.timeline.rate:
                yield f"{name}: {entry.uri[:60]} ends at {float(told):.3f} s by its playlist"
        if abs(told - film.plan.timeline.seconds) > 1 / film.plan.timeline.rate:
            yield f"{name}: lasts {float(told):.3f} s of {float(film.plan.timeline.seconds):.3f} s"


@rule("APL-6.1")
def has_iframes(film: Film) -> Findings:
    """There are I-frame playlists, for finding a place by looking."""
    if not list(trick_variants(film)):
        yield "no EXT-X-I-FRAME-STREAM-INF"
    for variant in trick_variants(film):
        if variant.name not in {track.name for track in film.beside.iframes}:
            yield f"{variant.name[:60]!r} has no I-frames"


@rule("APL-6.8")
def iframes_only(film: Film) -> Findings:
    """I-frame playlists, and no others, say EXT-X-I-FRAMES-ONLY."""
    iframes = {track.name for track in film.beside.iframes}
    for name, text in film.lists.items():
        if bool(text.named("EXT-X-I-FRAMES-ONLY")) != (name in iframes):
            yield f"{name}: {'lacks' if name in iframes else 'has'} EXT-X-I-FRAMES-ONLY"


@rule("APL-6.10")
def whole_iframes(film: Film) -> Findings:
    """Each entry of an I-frame playlist is one IDR picture with its moof: a file of its own."""
    for track in film.beside.iframes:
        for index, (media, kind) in enumerate(zip(track.media, track.slices, strict=True)):
            if media.samples != 1 or not media.starts_with_sync or kind != h264.IDR:
                yield f"{track.name}: entry {index} is {media.samples} pictures, the first a slice of type {kind}"
        for entry in film.list_of(track.name).entries:
            if entry.tag("EXT-X-BYTERANGE") is not None:
                yield f"{track.name}: line {entry.line}: part of a file"


@rule("RFC-IFRAME")
def iframes_in_time(film: Film) -> Findings:
    """An I-frame lasts until the next one, and is shown when that is the film's time, to one picture (4.3.3.6)."""
    for track in film.beside.iframes:
        told = Fraction(0)
        for index, seconds in enumerate(film.list_of(track.name).durations):
            if abs(told - track.times[index]) > 1 / film.plan.timeline.rate:
                yield f"{track.name}: entry {index} is at {float(track.times[index]):.3f} s, not at {float(told):.3f}"
            told += seconds
        if abs(told - film.plan.timeline.seconds) > 1 / film.plan.timeline.rate:
            yield f"{track.name}: lasts {float(told):.3f} s of {float(film.plan.timeline.seconds):.3f} s"


@rule("PLAN-captions")
def captions_are_whole(film: Film) -> Findings:
    """Captions have no init segment: they are text, one file after the other."""
    for name, text in film.lists.items():
        if name.startswith(TEXT) and any(entry.map is not None for entry in text.entries):
            yield f"{name}: has an EXT-X-MAP"
