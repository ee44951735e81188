"""A finished generation as it lies on disk: read for measuring and for the conformance gate.

Nothing here believes a file: what cannot be read becomes a sentence in `damage`, and its rendition is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path

from media import h264, parsed, playlist
from media.boxes import BadBox, Init, Media, media_of, read_head, read_init
from media.ffmpeg import INIT
from media.plan import Plan

IFRAMES, TEXT = "iframes-", "text-"
MOST_TEXT = 32 << 20  # bytes of one file of captions, playlist or chapters


@dataclass(frozen=True)
class Track:
    """One rendition as found: its init segment, facts and sizes of its segments in order.

    `slices` are the types of the slices that segments of pictures begin with, `parameters` their sequence parameters.
    """

    name: str
    init: Init
    media: list[Media]
    sizes: list[int]
    slices: list[int] = field(default_factory=list)
    parameters: list[h264.Parameters] = field(default_factory=list)

    @cached_property
    def edges(self) -> list[int]:
        """Ticks of presentation at which each segment begins, and the last one's end; the first edit is 0."""
        zero = self.init.edits[0][1] if self.init.edits else 0
        starts = [media.decode_time + media.first_offset - zero for media in self.media]
        return [*starts, starts[-1] + self.media[-1].duration]

    @cached_property
    def times(self) -> list[Fraction]:
        """`edges` in seconds; priming before 0 is not heard."""
        return [max(Fraction(0), Fraction(edge, self.init.timescale)) for edge in self.edges]


@dataclass(frozen=True)
class Beside:
    """What the multivariant playlist names besides pictures and sound: I-frames, and captions by rendition."""

    iframes: list[Track] = field(default_factory=list)
    texts: dict[str, list[parsed.TimedText]] = field(default_factory=dict)
    sizes: dict[str, list[int]] = field(default_factory=dict)
    playlists: dict[str, str] = field(default_factory=dict)
    damage: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Film:
    """A generation: the plan, what is on disk, and the playlists that would be published."""

    plan: Plan
    videos: list[Track]
    sounds: list[Track]
    multivariant: str = ""
    playlists: dict[str, str] = field(default_factory=dict)
    folder: Path | None = None
    damage: list[str] = field(default_factory=list)

    @property
    def tracks(self) -> list[Track]:
        return [*self.videos, *self.sounds]

    def seconds(self, track: Track) -> list[Fraction]:
        return self.plan.durations(track.name)

    @cached_property
    def master(self) -> parsed.Playlist:
        return parsed.parse(self.multivariant)

    @cached_property
    def lists(self) -> dict[str, parsed.Playlist]:
        """Media playlists by rendition, as a player reads them."""
        return {name: parsed.parse(text) for name, text in (self.beside.playlists | self.playlists).items()}

    def list_of(self, name: str) -> parsed.Playlist:
        """The media playlist of a rendition; an empty one where there is none."""
        return self.lists.get(name) or parsed.Playlist((), (), ())

    @cached_property
    def beside(self) -> Beside:
        """I-frames and captions by the playlists on disk, as a player finds them."""
        beside = Beside()
        if self.folder is None:
            return beside
        uris = [tag.attributes.get("URI", "") for tag in self.master.tags]
        names = [uri.partition("/")[0] for uri in uris if uri.startswith((IFRAMES, TEXT))]
        for name in dict.fromkeys(names):
            try:
                _read_beside(self.folder / name, beside)
            except (BadBox, OSError) as error:
                beside.damage.append(_sentence(name, error))
        return beside

    def text(self, name: str) -> str:
        """A small file of the generation; empty where there is none."""
        try:
            return _read_text(self.folder / name) if self.folder else ""
        except (BadBox, OSError):
            return ""


def read_film(folder: Path, plan: Plan, names: Sequence[str] | None = None) -> Film:
    """Read the renditions of a finished film, or those of `names`, from its generation's folder."""
    damage: list[str] = []
    read: list[Track] = []
    for name in plan.final if names is None else names:
        files = [segment.name for segment in plan.segments_of(name)]
        try:
            read.append(_read_track(folder / name, files, damage))
        except (BadBox, OSError, ValueError) as error:
            damage.append(_sentence(name, error))
    sounds = [track for track in read if plan.is_audio(track.name)]
    return Film(plan, [track for track in read if track not in sounds], sounds, folder=folder, damage=damage)


def measure(film: Film, track: Track) -> playlist.Rendition:
    """What the final playlists say of a rendition."""
    peak, average = playlist.bit_rates(track.sizes, film.seconds(track), film.plan.timeline.target_seconds)
    return playlist.Rendition(track.name, peak, average, track.init.codec, track.init.width, track.init.height)


def _read_track(folder: Path, files: Sequence[str], damage: list[str]) -> Track:
    """One rendition; every damaged segment is named, and then BadBox raised."""
    init = read_init((folder / INIT).read_bytes())
    track = Track(folder.name, init, [], [])
    length_size = 0
    if init.entry.kind.startswith("avc"):
        record = h264.read_record(init.entry.config)
        length_size = record.length_size
        track.parameters.extend(h264.read_parameters(sps) for sps in record.sequences)
    for name in files:
        try:
            _read_segment(folder / name, track, length_size)
        except (BadBox, OSError) as error:
            damage.append(_sentence(f"{folder.name}/{name}", error))
    if len(track.media) != len(files) or not files:
        raise BadBox(f"{len(files) - len(track.media)} of {len(files)} segments cannot be read")
    return track


def _read_segment(path: Path, track: Track, length_size: int) -> None:
    with path.open("rb") as file:
        head, size = read_head(file)
        media = media_of(head, size, path.name)
        if length_size:
            kind = h264.first_slice(head[media.data_at : media.data_at + media.data_bytes], length_size)
            if not kind:  # a long head, or much before the first slice
                file.seek(media.data_at)
                kind = h264.first_slice(file.read(media.data_bytes), length_size)
            track.slices.append(kind)
    track.media.append(media)
    track.sizes.append(size)


def _read_beside(folder: Path, beside: Beside) -> None:
    text = _read_text(folder / playlist.INDEX)
    beside.playlists[folder.name] = text
    files = parsed.parse(text).uris
    strange = [uri for uri in files if "/" in uri or uri.startswith(".") or ":" in uri]
    if strange or not files:
        raise BadBox(f"its playlist names {strange[:1] or 'nothing'}")
    if folder.name.startswith(IFRAMES):
        beside.iframes.append(_read_track(folder, files, beside.damage))
        beside.sizes[folder.name] = beside.iframes[-1].sizes
        return
    beside.texts[folder.name] = [parsed.parse_text(uri, _read_text(folder / uri)) for uri in files]
    beside.sizes[folder.name] = [(folder / uri).stat().st_size for uri in files]


def _read_text(path: Path) -> str:
    """A text of the film; BadBox for one that is too large or not UTF-8."""
    if path.stat().st_size > MOST_TEXT:
        raise BadBox(f"{path.name} is too large")
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise BadBox(f"{path.name} is not UTF-8") from error


def _sentence(what: str, error: Exception) -> str:
    reason = "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read: {error}"
    return f"{what} {reason}"
