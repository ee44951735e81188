"""The gate says what is wrong with any film at all: it never fails itself."""

import random
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from media import conformance
from media.film import Film, read_film
from tests.media.finished import again, moved

LETTERS = ["", "\n", '"', ",", "=", "#", "9" * 30, "\ud800", "\0", "é", "-", "{$a}"]


def test_a_rule_that_stumbles_is_a_finding(film: Film) -> None:
    found = conformance.check(replace(film, videos=[replace(film.videos[0], media=[], sizes=[], slices=[])]))
    assert any("cannot be judged" in finding["finding"] for finding in found)


def test_a_film_of_nothing_is_refused_rule_by_rule(film: Film, tmp_path: Path) -> None:
    found = {finding["rule"] for finding in conformance.check(read_film(tmp_path, film.plan))}
    assert {"PLAN-whole", "APL-9.9", "APL-9.21", "RFC-M3U"} <= found


def judged(film: Film) -> list[str]:
    """The rules that a film breaks, once its report was written as JSON."""
    found = conformance.check(film)
    assert msgspec.json.decode(msgspec.json.encode(conformance.report(film, found)))["findings"] == found
    return [finding["rule"] for finding in found]


@pytest.mark.parametrize("name", ["240p/init.mp4", "240p/1-4000-8000.m4s", "audio-0/init.mp4", "iframes-0/init.mp4"])
def test_damage_of_any_kind_never_stops_the_gate(film: Film, name: str, tmp_path: Path) -> None:
    chance, here = random.Random(name), moved(film, tmp_path / "film")
    path = tmp_path / "film" / name
    whole = path.read_bytes()
    for _ in range(20):
        spoiled = bytearray(whole[: chance.randrange(len(whole))] if chance.random() < 0.3 else whole)
        for _ in range(chance.randrange(1, 8)):
            at = chance.randrange(min(len(spoiled), 700) + 1)
            spoiled[at : at + 4] = chance.randbytes(chance.choice([0, 4, 4, 8]))
        path.write_bytes(spoiled)
        judged(again(here))
    path.write_bytes(whole)
    assert judged(again(here)) == []


@pytest.mark.parametrize("name", ["master", "240p", "text-en", "iframes-1"])
def test_no_playlist_stops_the_gate(film: Film, name: str) -> None:
    chance = random.Random(name)
    whole = ({"master": film.multivariant} | film.beside.playlists | film.playlists)[name]
    for _ in range(20):
        letters = list(whole)
        for _ in range(chance.randrange(1, 20)):
            letters[chance.randrange(len(letters))] = chance.choice(LETTERS)
        spoiled = "".join(letters)
        if name == "master":
            judged(replace(film, multivariant=spoiled))
        else:
            judged(replace(film, playlists=film.playlists | {name: spoiled}))
