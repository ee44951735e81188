"""Ways to spoil a finished film: what was read from it, the playlists that would be published, files on its disk."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from media.film import Film, Track
from tests.media.finished import again, moved

Spoil = Callable[[Film], Film]
TrackChange = Callable[[Track], Track]


def video(change: TrackChange) -> Spoil:
    """Changes the smallest rung."""
    return lambda film: replace(film, videos=[change(film.videos[0]), *film.videos[1:]])


def sound(change: TrackChange) -> Spoil:
    """Changes the first track."""
    return lambda film: replace(film, sounds=[change(film.sounds[0]), *film.sounds[1:]])


def segment(number: int, **change: Any) -> TrackChange:
    """Another fact of a media segment."""

    def changed(track: Track) -> Track:
        media = list(track.media)
        media[number] = replace(media[number], **change)
        return replace(track, media=media)

    return changed


def later(number: int, ticks: int) -> TrackChange:
    """A media segment that begins at another time."""
    return lambda track: segment(number, decode_time=track.media[number].decode_time + ticks)(track)


def init(**change: Any) -> TrackChange:
    return lambda track: replace(track, init=replace(track.init, **change))


def entry(**change: Any) -> TrackChange:
    return lambda track: init(entry=replace(track.init.entry, **change))(track)


def parameters(**change: Any) -> TrackChange:
    return lambda track: replace(track, parameters=[replace(found, **change) for found in track.parameters])


def larger(times: int) -> TrackChange:
    return lambda track: replace(track, sizes=[size * times for size in track.sizes])


def swapped(text: str, old: str, new: str) -> str:
    assert old in text, old
    return text.replace(old, new)


def text(old: str, new: str, name: str = "240p") -> Spoil:
    """Another media playlist."""
    return lambda film: replace(film, playlists=film.playlists | {name: swapped(film.playlists[name], old, new)})


def texts(old: str, new: str) -> Spoil:
    """Other media playlists, all of them."""
    return lambda film: replace(film, playlists={n: swapped(t, old, new) for n, t in film.playlists.items()})


def master(old: str, new: str) -> Spoil:
    """Another multivariant playlist."""
    return lambda film: replace(film, multivariant=swapped(film.multivariant, old, new))


def lines(start: str, change: Callable[[str], str]) -> Spoil:
    """Other lines of the multivariant playlist: those that start so."""

    def changed(film: Film) -> Film:
        found = [line for line in film.multivariant.split("\n") if line.startswith(start)]
        assert found, start
        told = [change(line) if line in found else line for line in film.multivariant.split("\n")]
        return replace(film, multivariant="\n".join(told))

    return changed


def added(line: str) -> Spoil:
    """One line more in the multivariant playlist."""
    return lambda film: replace(film, multivariant=film.multivariant + line + "\n")


def both(*spoils: Spoil) -> Spoil:
    def changed(film: Film) -> Film:
        for spoil in spoils:
            film = spoil(film)
        return film

    return changed


def disk(change: Callable[[Path], object]) -> Spoil:
    """Other files, on a disk of its own."""

    def changed(film: Film) -> Film:
        assert film.folder is not None
        here = moved(film, Path(tempfile.mkdtemp(dir=film.folder.parent)) / "film")
        assert here.folder is not None
        change(here.folder)
        return again(here)

    return changed


def rewritten(name: str, old: str, new: str) -> Spoil:
    """A text file with something else in it; `name` may be a pattern of one file."""

    def change(folder: Path) -> None:
        (path,) = folder.glob(name)
        path.write_text(swapped(path.read_text(), old, new))

    return disk(change)
