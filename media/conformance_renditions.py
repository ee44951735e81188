"""Rules about renditions in the multivariant playlist: EXT-X-MEDIA and its groups, session data, steering."""

import json
import math
import re
from collections import Counter
from typing import Any

from media import playlist
from media.conformance_variants import variants
from media.entries import aac_layout
from media.film import TEXT, Film
from media.rules import Findings, rule

LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
INSTREAM = re.compile(r"CC[1-4]|SERVICE(?:[1-9]|[1-5]\d|6[0-3])")
KINDS = ("AUDIO", "SUBTITLES", "VIDEO", "CLOSED-CAPTIONS")
STEREO = 2
DESCRIBES_VIDEO = "public.accessibility.describes-video"
FOR_THE_DEAF = {
    "public.accessibility.transcribes-spoken-dialog",
    "public.accessibility.describes-music-and-sound",
}
CHAPTERS = "com.apple.hls.chapters"
Row = dict[str, str]


def rows(film: Film, *kinds: str) -> list[Row]:
    """Attributes of each EXT-X-MEDIA of these types."""
    found = [tag.attributes for tag in film.master.named("EXT-X-MEDIA")]
    return [row for row in found if row.get("TYPE") in kinds]


def _shown(row: Row) -> str:
    return f"{row.get('TYPE')} {row.get('GROUP-ID', '')!r} {row.get('NAME', '')[:60]!r}"


def _characteristics(row: Row) -> set[str]:
    return set(filter(None, row.get("CHARACTERISTICS", "").split(",")))


@rule("RFC-MEDIA")
def proper_media(film: Film) -> Findings:
    """EXT-X-MEDIA has what its type needs; names are unique in a group, with one default at most (4.3.4.1)."""
    for row in rows(film, *KINDS):
        missing = {"TYPE", "GROUP-ID", "NAME"} - {name for name, value in row.items() if value}
        if missing:
            yield f"{_shown(row)}: lacks {sorted(missing)}"
        if row.get("DEFAULT") == "YES" and row.get("AUTOSELECT") == "NO":
            yield f"{_shown(row)}: DEFAULT but not AUTOSELECT"
        if "FORCED" in row and row.get("TYPE") != "SUBTITLES":
            yield f"{_shown(row)}: FORCED belongs to subtitles"
        if {"SUBTITLES": True, "CLOSED-CAPTIONS": False}.get(row["TYPE"], "URI" in row) != ("URI" in row):
            yield f"{_shown(row)}: URI {row.get('URI')}"
    names = Counter((row.get("TYPE"), row.get("GROUP-ID"), row.get("NAME")) for row in rows(film, *KINDS))
    yield from (f"{name} is there {count} times" for name, count in names.items() if count > 1)
    defaults = Counter((r.get("TYPE"), r.get("GROUP-ID")) for r in rows(film, *KINDS) if r.get("DEFAULT") == "YES")
    yield from (f"{group} has {count} defaults" for group, count in defaults.items() if count > 1)
    untyped = len(film.master.named("EXT-X-MEDIA")) - len(rows(film, *KINDS))
    if untyped:
        yield f"{untyped} EXT-X-MEDIA without a proper TYPE"


@rule("RFC-GROUPS")
def matching_groups(film: Film) -> Findings:
    """Groups that variants name exist; groups of one type have the same members, and each is used (4.3.4.1.1)."""
    for kind in ("AUDIO", "SUBTITLES", "VIDEO"):
        groups: dict[str, list[tuple[str, ...]]] = {}
        for row in rows(film, kind):
            keys = ("NAME", "LANGUAGE", "DEFAULT", "AUTOSELECT", "FORCED", "CHARACTERISTICS")
            groups.setdefault(row.get("GROUP-ID", ""), []).append(tuple(row.get(key, "") for key in keys))
        named = [variant.attributes[kind] for variant in variants(film) if kind in variant.attributes]
        yield from (f"no {kind} group {group!r}" for group in sorted(set(named) - set(groups)))
        yield from (f"no variant uses {kind} group {group!r}" for group in sorted(set(groups) - set(named)))
        if len({tuple(sorted(members)) for members in groups.values()}) > 1:
            yield f"{kind} groups have different members: {groups}"


@rule("RFC-CHANNELS")
def true_channels(film: Film) -> Findings:
    """CHANNELS of every audio rendition, as its decoder configuration says."""
    found = {track.name: aac_layout(track.init.entry.config)[1] for track in film.sounds}
    for row in rows(film, "AUDIO"):
        channels = found.get(row.get("URI", "").partition("/")[0])
        if channels is not None and row.get("CHANNELS") != str(channels):
            yield f"{_shown(row)}: CHANNELS is {row.get('CHANNELS')}, not {channels}"


@rule("APL-2.3")
def has_stereo(film: Film) -> Findings:
    """A film with sound has it in stereo AAC."""
    if film.sounds and not any(aac_layout(track.init.entry.config)[1] == STEREO for track in film.sounds):
        yield "no audio rendition is stereo"


@rule("APL-2.12")
def audio_description(film: Film) -> Findings:
    """A track that describes the pictures says so, may be chosen automatically, and has a language (2.13 to 2.27)."""
    described = {track.name for track in film.plan.tracks if "descriptive" in track.flags}
    for row in rows(film, "AUDIO"):
        told = DESCRIBES_VIDEO in _characteristics(row)
        if told != (row.get("URI", "").partition("/")[0] in described):
            yield f"{_shown(row)}: {'says' if told else 'does not say'} that it describes the pictures"
        if told and (row.get("AUTOSELECT") != "YES" or not row.get("LANGUAGE")):
            yield f"{_shown(row)}: a description without AUTOSELECT=YES and LANGUAGE"


@rule("APL-4.4")
def declared_captions(film: Film) -> Findings:
    """Captions inside pictures are declared with LANGUAGE and INSTREAM-ID."""
    for row in rows(film, "CLOSED-CAPTIONS"):
        if not row.get("LANGUAGE") or not INSTREAM.fullmatch(row.get("INSTREAM-ID", "")):
            yield f"{_shown(row)}: LANGUAGE {row.get('LANGUAGE')}, INSTREAM-ID {row.get('INSTREAM-ID')}"


@rule("APL-4.5")
def captions_for_the_deaf(film: Film) -> Findings:
    """Captions with speech and sounds say both, and may be chosen automatically (4.6)."""
    for row in rows(film, "SUBTITLES"):
        told = _characteristics(row) & FOR_THE_DEAF
        if told and (told != FOR_THE_DEAF or row.get("AUTOSELECT") != "YES"):
            yield f"{_shown(row)}: CHARACTERISTICS {sorted(told)}, AUTOSELECT {row.get('AUTOSELECT')}"


@rule("APL-4.7")
def declared_subtitles(film: Film) -> Findings:
    """Every text rendition is declared with a language, and every variant offers them."""
    for row in rows(film, "SUBTITLES"):
        name = row.get("URI", "").partition("/")[0]
        if not name.startswith(TEXT) or name not in film.beside.texts:
            yield f"{_shown(row)}: leads to {name[:60]!r}, where no captions are"
        if not row.get("LANGUAGE") or row["LANGUAGE"] != name.removeprefix(TEXT):
            yield f"{_shown(row)}: LANGUAGE {row.get('LANGUAGE')} of {name[:60]}"
    if rows(film, "SUBTITLES"):
        without = [variant.name for variant in variants(film) if "SUBTITLES" not in variant.attributes]
        yield from (f"{name}: a variant without captions" for name in without)


@rule("APL-8.9")
def declared_sound(film: Film) -> Findings:
    """Every audio rendition is one EXT-X-MEDIA with a URI, and there are no others."""
    told = [row.get("URI", "").partition("/")[0] for row in rows(film, "AUDIO")]
    if sorted(told) != sorted(track.name for track in film.sounds):
        yield f"audio entries lead to {told}, tracks are {[track.name for track in film.sounds]}"


@rule("APL-8.10")
def has_language(film: Film) -> Findings:
    """LANGUAGE on every rendition but those of pictures: a tag of RFC 5646, that of the track."""
    known = {track.name: track.language for track in film.plan.tracks}
    for row in rows(film, "AUDIO", "SUBTITLES", "CLOSED-CAPTIONS"):
        told = row.get("LANGUAGE", "")
        if not LANGUAGE.fullmatch(told) or known.get(row.get("URI", "").partition("/")[0], told) != told:
            yield f"{_shown(row)}: LANGUAGE is {told[:40]!r}"


@rule("APL-9.7")
def demuxed(film: Film) -> Findings:
    """Sound lies beside the pictures: variants name an audio group exactly when the film has sound."""
    for variant in variants(film):
        if ("AUDIO" in variant.attributes) != bool(film.sounds):
            yield f"{variant.name}: AUDIO {variant.attributes.get('AUDIO')!r} with {len(film.sounds)} tracks"


@rule("RFC-SESSION")
def proper_session_data(film: Film) -> Findings:
    """Session data: an ID with one of VALUE and URI, once in each language; chapters are a list with start times."""
    told = [tag.attributes for tag in film.master.named("EXT-X-SESSION-DATA")]
    for row in told:
        if not row.get("DATA-ID") or len({"VALUE", "URI"} & set(row)) != 1:
            yield f"session data {row.get('DATA-ID', '')[:60]!r} with {sorted(row)}"
        if row.get("DATA-ID") == CHAPTERS:
            ours = row.get("URI") == playlist.CHAPTERS
            yield from _chapters(film.text(playlist.CHAPTERS) if ours else "")
    times = Counter((row.get("DATA-ID"), row.get("LANGUAGE")) for row in told)
    yield from (f"session data {name} is there {count} times" for name, count in times.items() if count > 1)


def _chapters(text: str) -> Findings:
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        yield f"{playlist.CHAPTERS} is no JSON: {error}"
        return
    if not isinstance(found, list) or not found:
        yield f"{playlist.CHAPTERS} is not a list of chapters"
        return
    for number, chapter in enumerate(found):
        start = chapter.get("start-time") if isinstance(chapter, dict) else None
        if not isinstance(start, int | float) or not 0 <= start < math.inf:
            yield f"chapter {number} starts at {start!r:.40}"


@rule("RFC-STEER")
def proper_steering(film: Film) -> Findings:
    """Content steering says where its server is, and starts on a pathway that variants have."""
    pathways = {variant.attributes.get("PATHWAY-ID", ".") for variant in variants(film)}
    for tag in film.master.named("EXT-X-CONTENT-STEERING"):
        if not tag.attributes.get("SERVER-URI"):
            yield "content steering without SERVER-URI"
        if tag.attributes.get("PATHWAY-ID", ".") not in pathways:
            yield f"content steering starts on {tag.attributes.get('PATHWAY-ID', '.')!r}, not on {sorted(pathways)}"
