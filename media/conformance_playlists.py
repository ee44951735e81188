"""Rules about media playlists: what they name, and how long it lasts."""

import re
from fractions import Fraction

from media import playlist
from media.conformance_form import MASTER
from media.conformance_segments import lasts_as_film
from media.ffmpeg import INIT
from media.film import IFRAMES, TEXT, Film, Track
from media.rules import Findings, rule
from media.segment import RENDITION

ENTRY = re.compile(r"(?P<index>0|[1-9]\d{0,6})-(?P<start>0|[1-9]\d{0,9})-(?P<end>[1-9]\d{0,9})\.(?:m4s|vtt)")
ADDRESS = re.compile(rf"(?:{RENDITION})/{re.escape(playlist.INDEX)}|{re.escape(playlist.CHAPTERS)}")


@rule("RFC-TD")
def target_duration(film: Film) -> Findings:
    """A TARGETDURATION, and no EXTINF that rounds to more."""
    for name, text in film.lists.items():
        if not text.target:
            yield f"{name}: its TARGETDURATION is {text.value('EXT-X-TARGETDURATION')[:20]!r}"
        for entry in text.entries:
            if int(entry.seconds + Fraction(1, 2)) > text.target:
                yield f"{name}: line {entry.line}: EXTINF {float(entry.seconds):.3f} rounds to more than {text.target}"


@rule("PLAN-names")
def planned_names(film: Film) -> Findings:
    """Playlists name our own files and nothing else: segments as planned, renditions by their folder."""
    for track in film.tracks:
        if film.list_of(track.name).uris != [segment.name for segment in film.plan.segments_of(track.name)]:
            yield f"{track.name}: its playlist names other segments than the plan"
    for name, text in film.lists.items():
        strange = [uri for uri in text.uris if not ENTRY.fullmatch(uri)]
        strange += [tag.attributes.get("URI", "") for tag in text.named("EXT-X-MAP") if tag.attributes != {"URI": INIT}]
        yield from (f"{name}: names {uri[:80]!r}" for uri in strange)
    uris = film.master.uris + [tag.attributes["URI"] for tag in film.master.tags if "URI" in tag.attributes]
    yield from (f"{MASTER}: names {uri[:80]!r}" for uri in uris if not ADDRESS.fullmatch(uri))


@rule("PLAN-promise")
def promise_kept(film: Film) -> Findings:
    """What was published before it was encoded came true: a VOD playlist never changes."""
    for track in film.tracks:
        early = film.text(f"{track.name}/{playlist.INDEX}")
        if early and _lines(early) != _lines(film.playlists.get(track.name, "")):
            yield f"{track.name}: its playlist is not the one that was published before"


def _lines(text: str) -> list[str]:
    # The target is left out: beside a source off the grid all playlists have its longer one as long as it is served.
    return [line for line in text.split("\n") if line and (line.startswith("#EXTINF:") or not line.startswith("#"))]


@rule("APL-8.1")
def true_durations(film: Film) -> Findings:
    """Sums of EXTINF are true to one picture, however long the run."""
    for track in film.tracks:
        told, lowest, highest = Fraction(0), Fraction(0), Fraction(0)
        for seconds, end in zip(film.list_of(track.name).durations, track.times[1:], strict=True):
            told += seconds
            lowest, highest = min(lowest, told - end), max(highest, told - end)
        if highest - lowest > 1 / film.plan.timeline.rate:
            yield f"{track.name}: EXTINF drifts {float(highest - lowest):.4f} s from the segments"


@rule("APL-8.2")
def same_target(film: Film) -> Findings:
    """Sound and pictures have one target duration."""
    targets = {track.name: film.list_of(track.name).target for track in film.tracks}
    if len(set(targets.values())) > 1:
        yield f"target durations are {targets}"


@rule("APL-8.3")
def same_length(film: Film) -> Findings:
    """The playlists of sound and pictures last equally long: as long as the film."""
    for track in film.tracks:
        length = sum(film.list_of(track.name).durations, Fraction(0))
        if not lasts_as_film(film, track, length):
            yield f"{track.name}: lasts {float(length):.3f} s of {float(film.plan.timeline.seconds):.3f} s"


@rule("APL-8.6")
def complete(film: Film) -> Findings:
    """A finished film's playlists are of type VOD and have their end."""
    for name, text in film.lists.items():
        if text.value("EXT-X-PLAYLIST-TYPE") != "VOD" or not text.named("EXT-X-ENDLIST"):
            yield f"{name}: is not a complete playlist of type VOD"


@rule("APL-8.7")
def same_range(film: Film) -> Findings:
    """All playlists cover exactly the film: segments tile it from its beginning to its end, by their names."""
    for name, text in film.lists.items():
        at = 0
        for index, uri in enumerate(text.uris):
            found = ENTRY.fullmatch(uri)
            if found is None or (int(found["index"]), int(found["start"])) != (index, at):
                yield f"{name}: {uri[:80]!r} is not segment {index} from {at} ms on"
            at = int(found["end"]) if found else at
        if at != film.plan.duration_ms:
            yield f"{name}: ends at {at} ms of {film.plan.duration_ms}"


@rule("APL-8.13")
def marked_breaks(film: Film) -> Findings:
    """Another init segment, and with it another encoding, begins at a discontinuity."""
    for name, text in film.lists.items():
        maps = [entry.map for entry in text.entries]
        for number, entry in enumerate(text.entries[1:], 1):
            if maps[number] != maps[number - 1] and entry.tag("EXT-X-DISCONTINUITY") is None:
                yield f"{name}: line {entry.line}: another EXT-X-MAP without a discontinuity"


@rule("APL-8.14")
def same_breaks(film: Film) -> Findings:
    """Discontinuities lie at the same times in all playlists."""
    breaks = {}
    for name, text in film.lists.items():
        sums = [ENTRY.fullmatch(entry.uri) for entry in text.entries if entry.tag("EXT-X-DISCONTINUITY")]
        breaks[name] = [found["start"] for found in sums if found]
    if len({tuple(times) for times in breaks.values()}) > 1:
        yield f"discontinuities are at { ({name: times for name, times in breaks.items() if times}) }"


@rule("APL-8.20")
def has_map(film: Film) -> Findings:
    """Fragmented MP4 needs EXT-X-MAP."""
    for name, text in film.lists.items():
        if not name.startswith(TEXT) and any(entry.map is None for entry in text.entries):
            yield f"{name}: segments without EXT-X-MAP"


@rule("APL-8.22")
def aligned_playlists(film: Film) -> Findings:
    """Variants are cut at the same times, to a picture, by their playlists (AirPlay)."""
    sums = {track.name: _sums(film, track) for track in film.videos}
    for name, times in sums.items():
        first = next(iter(sums.values()))
        if len(times) != len(first):
            yield f"{name}: {len(times)} segments, others {len(first)}"
        for index, (one, other) in enumerate(zip(times, first, strict=False)):
            if abs(one - other) > 1 / film.plan.timeline.rate:
                yield f"{name}: segment {index} ends at {float(one):.3f} s, in others at {float(other):.3f} s"


def _sums(film: Film, track: Track) -> list[Fraction]:
    times, at = [], Fraction(0)
    for seconds in film.list_of(track.name).durations:
        at += seconds
        times.append(at)
    return times


@rule("APL-9.12")
def independent(film: Film) -> Findings:
    """EXT-X-INDEPENDENT-SEGMENTS for the whole film, or in each playlist of pictures."""
    if not film.master.named("EXT-X-INDEPENDENT-SEGMENTS"):
        for name, text in film.lists.items():
            if not name.startswith((TEXT, IFRAMES)) and not text.named("EXT-X-INDEPENDENT-SEGMENTS"):
                yield f"{name}: neither it nor the {MASTER} playlist says EXT-X-INDEPENDENT-SEGMENTS"
