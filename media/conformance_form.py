"""Rules about the text of playlists of either kind, and about tags that say the same in both."""

import re
from collections.abc import Iterator

from media.film import Film
from media.parsed import Playlist, Tag
from media.rules import Findings, rule
from media.tags import ONCE

MASTER = "master"
NAME = re.compile(r"[A-Za-z0-9_-]+")
# Protocol versions that features need (RFC 8216, 7): by tag, and by tag and attribute.
TAG_VERSIONS = {
    "EXT-X-BYTERANGE": 4, "EXT-X-I-FRAMES-ONLY": 4, "EXT-X-MAP": 5, "EXT-X-DEFINE": 8, "EXT-X-SKIP": 9,
}  # fmt: skip
ATTRIBUTE_VERSIONS = {
    ("EXT-X-KEY", "IV"): 2, ("EXT-X-KEY", "KEYFORMAT"): 5, ("EXT-X-KEY", "KEYFORMATVERSIONS"): 5,
    ("EXT-X-DEFINE", "QUERYPARAM"): 11,
}  # fmt: skip


def everything(film: Film) -> Iterator[tuple[str, Playlist]]:
    """(name, playlist) of all that would be published."""
    yield MASTER, film.master
    yield from film.lists.items()


def _faults(film: Film, number: str) -> Findings:
    for name, text in everything(film):
        yield from (f"{name}: {fault}" for found, fault in text.faults if found == number)


def _tags(film: Film, *names: str) -> Iterator[tuple[str, Tag]]:
    for where, text in everything(film):
        yield from ((where, tag) for tag in text.tags if tag.name in names)


@rule("RFC-M3U")
def proper_form(film: Film) -> Findings:
    """#EXTM3U first, text without a byte order mark or control characters, of one kind of playlist."""
    yield from _faults(film, "RFC-M3U")


@rule("RFC-TAG")
def known_tags(film: Film) -> Findings:
    """Tags are HLS's, each with a value or without as it should be, and every URI has the one tag it needs."""
    yield from _faults(film, "RFC-TAG")


@rule("RFC-ATTR")
def proper_attributes(film: Film) -> Findings:
    """Attribute lists: every name once, each value of its type (RFC 8216, 4.2)."""
    yield from _faults(film, "RFC-ATTR")


@rule("RFC-VER-1")
def one_version(film: Film) -> Findings:
    """One EXT-X-VERSION at most."""
    for name, text in everything(film):
        if len(text.named("EXT-X-VERSION")) > 1:
            yield f"{name}: says its version {len(text.named('EXT-X-VERSION'))} times"


@rule("RFC-VER-2")
def high_enough_version(film: Film) -> Findings:
    """The version that what is in the playlist needs (RFC 8216, 7)."""
    for name, text in everything(film):
        told, need = text.value("EXT-X-VERSION") or "1", needed_version(text)
        if not re.fullmatch(r"[1-9]\d?", told) or int(told) < need:
            yield f"{name}: EXT-X-VERSION is {told[:20]}, and it needs {need}"


def needed_version(text: Playlist) -> int:
    """The protocol version below which a player may refuse a playlist."""
    needs = [1]
    for tag in text.tags:
        needs.append(TAG_VERSIONS.get(tag.name, 1))
        needs += [ATTRIBUTE_VERSIONS.get((tag.name, name), 1) for name in tag.attributes]
        needs += [12 for name in tag.attributes if name.startswith("REQ-")]
        if tag.name == "EXTINF" and "." in tag.value.partition(",")[0]:
            needs.append(3)
        if tag.name == "EXT-X-KEY" and tag.attributes.get("METHOD", "").startswith("SAMPLE-AES"):
            needs.append(5)
        if tag.name == "EXT-X-MEDIA" and "INSTREAM-ID" in tag.attributes:
            captions = tag.attributes.get("TYPE") == "CLOSED-CAPTIONS"
            needs.append((7 if tag.attributes["INSTREAM-ID"].startswith("SERVICE") else 1) if captions else 13)
    if text.named("EXT-X-MAP") and not text.named("EXT-X-I-FRAMES-ONLY"):
        needs.append(6)
    return max(needs)


@rule("RFC-ONCE")
def tags_once(film: Film) -> Findings:
    """Tags that apply to a whole playlist stand there once."""
    for name, text in everything(film):
        for tag in sorted(ONCE - {"EXT-X-VERSION"}):
            if len(text.named(tag)) > 1:
                yield f"{name}: {len(text.named(tag))} times {tag}"


@rule("RFC-KEY")
def proper_keys(film: Film) -> Findings:
    """A key has a method, and a URI exactly when that is not NONE."""
    for name, tag in _tags(film, "EXT-X-KEY", "EXT-X-SESSION-KEY"):
        method, others = tag.attributes.get("METHOD"), set(tag.attributes) - {"METHOD"}
        if method is None or (method == "NONE" and (others or tag.name == "EXT-X-SESSION-KEY")):
            yield f"{name}: line {tag.line}: METHOD is {method} with {sorted(others)}"
        elif method != "NONE" and "URI" not in others:
            yield f"{name}: line {tag.line}: a key without URI"


@rule("RFC-DEFINE")
def proper_variables(film: Film) -> Findings:
    """A variable is one of NAME, IMPORT, QUERYPARAM, with VALUE exactly for NAME; none is used undefined."""
    for where, text in everything(film):
        known: set[str] = set()
        for tag in text.named("EXT-X-DEFINE"):
            kinds = set(tag.attributes) & {"NAME", "IMPORT", "QUERYPARAM"}
            word = tag.attributes.get(min(kinds, default=""), "")
            if len(kinds) != 1 or (kinds == {"NAME"}) != ("VALUE" in tag.attributes):
                yield f"{where}: line {tag.line}: a variable with {sorted(tag.attributes)}"
            if not NAME.fullmatch(word) or word in known:
                yield f"{where}: line {tag.line}: a variable named {word!r}, twice or badly"
            known.add(word)
        words = [*text.uris, *(value for tag in text.tags for value in (tag.attributes.values() or [tag.value]))]
        used = {found for word in words for found in re.findall(r"\{\$([^}]*)\}", word)}
        yield from (f"{where}: variable {word!r} is not defined" for word in sorted(used - known))


@rule("RFC-INTERST")
def proper_interstitials(film: Film) -> Findings:
    """A date range has an ID and START-DATE; an interstitial names exactly one of an asset and a list of them."""
    for name, tag in _tags(film, "EXT-X-DATERANGE"):
        if not {"ID", "START-DATE"} <= set(tag.attributes):
            yield f"{name}: line {tag.line}: a date range without ID or START-DATE"
        if tag.attributes.get("CLASS") == "com.apple.hls.interstitial":
            if len({"X-ASSET-URI", "X-ASSET-LIST"} & set(tag.attributes)) != 1:
                yield f"{name}: line {tag.line}: an interstitial of no asset, or of two kinds"
            if not set(tag.attributes.get("X-RESTRICT", "SKIP").split(",")) <= {"SKIP", "JUMP"}:
                yield f"{name}: line {tag.line}: X-RESTRICT={tag.attributes['X-RESTRICT'][:40]}"
