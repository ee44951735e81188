"""Small clips whose pictures carry their own number, and what is needed to encode and read them back."""

import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import av

from api import binaries
from media import ffmpeg
from media.boxes import Media, read_media
from media.encoder import encode, limits_for
from media.plan import Plan, Track, make_plan
from media.probe import SourceInfo, probe
from media.sound import encode_sound
from media.timeline import AAC_FRAME, AAC_RATE
from tests import films

WIDTH, HEIGHT, BITS = 160, 96, 16
# Ten pixels a bit, brightest for 1: survives any encoder.
PICTURE = f"if(bitand(N\\,pow(2\\,floor(X/{WIDTH // BITS})))\\,235\\,16)"


def numbered(out: Path, seconds: float, *options: str, rate: str = "25", sound: bool = True) -> Path:
    """A clip of pictures that say their number, with a tone; `options` choose codecs and container."""
    pictures = f"color=black:s={WIDTH}x{HEIGHT}:r={rate}:d={seconds},format=gray,geq=lum='{PICTURE}',format=yuv420p"
    tone = ("-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={seconds}") if sound else ()
    chosen = options or ("-c:v", "libx264", "-preset", "veryfast", "-g", "70", "-bf", "3")
    films.ffmpeg("-f", "lavfi", "-i", pictures, *tone, *chosen, str(out))
    return out


def numbers(frames: Iterable[av.VideoFrame]) -> list[int]:
    """What the pictures say."""
    return [_number(frame) for frame in frames]


def _number(frame: av.VideoFrame) -> int:
    plane = frame.planes[0]
    step = frame.width / BITS
    start = plane.line_size * (frame.height // 2)
    row = bytes(plane)[start : start + frame.width]
    return sum(1 << bit for bit in range(BITS) if row[int((bit + 0.5) * step)] > 128)


async def planned(source: Path, folder: Path) -> tuple[Plan, Path]:
    """The plan of a source and the file to encode from, copied into `folder` where the container wants it."""
    info = await probe(source)
    if info.indexed:
        return make_plan(info, copied=False), source
    copied = await copy(info, source, folder)
    return make_plan(await probe(copied), copied=True), copied


async def copy(info: SourceInfo, source: Path, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    await _encode(ffmpeg.copy(info, source), source, folder)
    return folder / ffmpeg.COPY


async def encoded(
    plan: Plan, source: Path, folder: Path, spans: Sequence[tuple[int, int]], threads: int = 1
) -> list[Path]:
    """Each span by an FFmpeg of its own, in this order; gives the folder of each."""
    made = []
    for number, (first, end) in enumerate(spans):
        out = folder / f"span-{number}"
        for rung in plan.rungs:
            (out / rung.name).mkdir(parents=True)
        await _encode(ffmpeg.video(plan, plan.rungs, source, range(first, end), threads), source, out)
        made.append(out)
    return made


async def sounded(plan: Plan, source: Path, folder: Path, *spans: tuple[int, int], track: Track | None = None) -> Path:
    """An audio track, the first if not told, encoded span by span or in one pass; gives its folder."""
    track = track or encoded_track(plan)
    for first, end in spans or [(0, plan.segments)]:
        span = range(first, end)
        await encode_sound(plan, track, source, span, folder, binary=binaries.ffmpeg(), limits=limits_for(60, 1 << 20))
    return folder / track.name


def encoded_track(plan: Plan, number: int = 0) -> Track:
    """A track as we encode it, even if it could be copied."""
    track = plan.tracks[number]
    frames = plan.timeline.audio_frames(AAC_RATE, AAC_FRAME)
    return Track(track.name, track.stream, track.language, track.title, frames, beat=track.beat)


async def _encode(arguments: list[str], source: Path, out: Path) -> None:
    await encode(binaries.ffmpeg(), arguments, source, out, limits=limits_for(60, 1 << 20, source.stat().st_size))


def parts(folders: Iterable[Path], rung: str) -> list[Path]:
    """The segments of a rendition from all spans, in the film's order."""
    found = itertools.chain.from_iterable((folder / rung).glob("*.m4s") for folder in folders)
    return sorted(found, key=lambda path: int(path.stem))


def boxes_of(paths: Iterable[Path]) -> list[Media]:
    return [read_media(path) for path in paths]


def pictures(init: Path, segments: Iterable[Path]) -> Iterator[av.VideoFrame]:
    """Decode a rendition as a player would: its init segment, then its segments."""
    joined = io.BytesIO(b"".join(path.read_bytes() for path in [init, *segments]))
    with av.open(joined, mode="r") as film:
        yield from film.decode(video=0)


def heard(folder: Path) -> list[float]:
    """The left channel of a rendition with sound, from the film's start on."""
    joined = io.BytesIO(
        b"".join(path.read_bytes() for path in [folder / "init.mp4", *parts([folder.parent], folder.name)])
    )
    samples: list[float] = []
    with av.open(joined, mode="r") as film:
        for frame in film.decode(audio=0):
            samples.extend(memoryview(frame.planes[0]).cast("B").cast("f")[: frame.samples])
            if len(samples) == frame.samples:
                begin = -int((frame.pts or 0) * (frame.time_base or 0) * frame.sample_rate)
    return samples[begin:]


def loudness(init: Path, segments: Iterable[Path]) -> list[float]:
    """Peak amplitude of each tenth of a second."""
    joined = io.BytesIO(b"".join(path.read_bytes() for path in [init, *segments]))
    samples: list[float] = []
    with av.open(joined, mode="r") as film:
        for frame in film.decode(audio=0):
            samples.extend(memoryview(frame.planes[0]).cast("B").cast("f")[: frame.samples])
    return [max(map(abs, samples[at : at + 4800])) for at in range(0, len(samples), 4800)]
