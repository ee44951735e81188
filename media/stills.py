"""Stills of a film: pictures for its poster, and the storyboard that a player shows while somebody seeks.

Arguments are pure functions, as in `ffmpeg`. The storyboard is made of the key pictures of a finished rendition: they
are upright, in square pixels and standard range, two seconds apart whatever the source was, and cheap to decode.
"""

import asyncio
import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import ffmpeg as builder

from media import ffmpeg
from media.encoder import encode
from media.ffmpeg import INIT, Arguments
from media.plan import Plan
from media.sandbox import Limits
from media.segment import NAME, parse_name, to_ms

STORYBOARD = "storyboard.vtt"
MOST_TILES = 400
COLUMNS = ROWS = 10
TILE_WIDTH, TILE_HEIGHT = 160, 288  # as wide, and no higher than that of an upright film
TIMES, KEYS = "times.txt", "keys.mp4"
PTS_TIME = re.compile(r"pts_time:([0-9]+(?:\.[0-9]+)?)")

POSTER_PLACES = (Fraction(1, 10), Fraction(3, 10), Fraction(1, 2))
POSTER_WIDTH = 1280
POSTER_FRAMES = 48  # `thumbnail` picks the most typical of so many


def poster(plan: Plan, source: Path, threads: int) -> Arguments:
    """The most typical picture of three places: `poster-0.jpg` to `poster-2.jpg`, at most 1280 wide."""
    outputs = []
    for number, place in enumerate(POSTER_PLACES):
        picture = ffmpeg.pictures(plan, source, place * plan.timeline.seconds, threads)
        picture = picture.filter("thumbnail", POSTER_FRAMES)
        outputs.append(_poster(picture, plan, f"poster-{number}.jpg"))
    return ffmpeg.compiled(outputs, threads)


def _poster(picture: Any, plan: Plan, name: str) -> Any:
    width = min(plan.width, POSTER_WIDTH) // 2 * 2
    height = max(2, plan.height * width // plan.width // 2 * 2)
    if plan.colour != "rgb":
        picture = ffmpeg.bt709(picture, plan, width, height)
    picture = _jpeg(picture, width, height)
    still = {"frames:v": 1, "q:v": 3, "f": "image2", "update": 1, "map_metadata": -1, "c:v": "mjpeg"}
    return builder.output(picture, name, **still)


def _jpeg(picture: Any, width: int, height: int) -> Any:
    """JPEG knows one matrix, BT.601, and one range; film in HD has others."""
    # By way of RGB: between two kinds of YUV FFmpeg 7 changes the range and forgets the matrix.
    picture = picture.filter("scale", width, height).filter("format", "gbrp")
    picture = picture.filter("scale", out_range="pc", out_color_matrix="bt601")
    return picture.filter("setsar", 1).filter("format", "yuvj420p")


def tile_size(width: int, height: int) -> tuple[int, int]:
    """Of one picture of the storyboard, in the film's shape and never larger than the film."""
    scale = min(Fraction(TILE_WIDTH, width), Fraction(TILE_HEIGHT, height), Fraction(1))
    return max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2)


def grid(tiles: int) -> tuple[int, int]:
    """Columns and rows of a sheet; a short film has one small sheet."""
    return min(tiles, COLUMNS), min(-(-tiles // COLUMNS), ROWS)


def storyboard(keys: Path, size: tuple[int, int], tiles: int, threads: int) -> Arguments:
    """Sheets `storyboard-<n>.jpg` of the pictures in `keys`, and in `times.txt` when each of them is shown."""
    picture = builder.input(
        f"file:{keys}", f="mov", format_whitelist="mov", protocol_whitelist="file", threads=threads, copyts=None
    )["v:0"]
    # `print` says nothing of a picture without metadata.
    picture = picture.filter("metadata", mode="add", key="tile", value="1")
    picture = picture.filter("metadata", mode="print", file=TIMES)
    picture = _jpeg(picture, *size).filter("tile", "x".join(map(str, grid(tiles))))
    sheets = {"f": "image2", "start_number": 0, "q:v": 5, "c:v": "mjpeg", "fps_mode": "passthrough", "map_metadata": -1}
    return ffmpeg.compiled([builder.output(picture, "storyboard-%d.jpg", **sheets)], threads)


def parse_times(text: str) -> list[int]:
    """Milliseconds of each picture, in the order of the tiles."""
    return [to_ms(Fraction(seconds)) for seconds in PTS_TIME.findall(text)]


def webvtt(times_ms: Sequence[int], end_ms: int, size: tuple[int, int], columns_rows: tuple[int, int]) -> str:
    """The storyboard's index: a cue for each tile, until the next, leading to its place on its sheet."""
    (width, height), (columns, rows) = size, columns_rows
    cues = ["WEBVTT"]
    for number, (start, end) in enumerate(pairwise([*times_ms, end_ms])):
        sheet, tile = divmod(number, columns * rows)
        place = f"{tile % columns * width},{tile // columns * height},{width},{height}"
        cues.append(f"{_clock(start)} --> {_clock(end)}\nstoryboard-{sheet}.jpg#xywh={place}")
    return "\n\n".join(cues) + "\n"


async def make_storyboard(binary: str, plan: Plan, iframes: Path, out: Path, *, threads: int, limits: Limits) -> bool:
    """`storyboard.vtt` and its sheets in `out`, from an I-frame rendition's folder. False when that has no picture.

    Raises Failed, as `encode` does.
    """
    size, keys = tile_size(plan.width, plan.height), out / KEYS
    tiles = await asyncio.to_thread(_join, iframes, keys)
    if tiles == 0:
        return False
    await encode(binary, storyboard(keys, size, tiles, threads), keys, out, limits=limits)
    return await asyncio.to_thread(_index, out, plan, size, tiles)


def _join(iframes: Path, keys: Path) -> int:
    """As many pictures of an I-frame rendition as tiles are wanted, evenly, as one film; gives their number."""
    names = (path.name for path in iframes.iterdir())
    found = sorted((parse_name(name) for name in names if NAME.fullmatch(name)), key=lambda segment: segment.index)
    if not found:
        return 0
    chosen = found[:: -(-len(found) // MOST_TILES)]
    with keys.open("wb") as film:
        for name in [INIT, *(segment.name for segment in chosen)]:
            film.write((iframes / name).read_bytes())
    return len(chosen)


def _index(out: Path, plan: Plan, size: tuple[int, int], tiles: int) -> bool:
    """Write the index from what was really shown, and leave nothing else but the sheets."""
    times = parse_times((out / TIMES).read_text())
    (out / KEYS).unlink()
    (out / TIMES).unlink()
    if times:
        (out / STORYBOARD).write_text(webvtt(times, plan.duration_ms, size, grid(tiles)))
    return bool(times)


def _clock(ms: int) -> str:
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"
