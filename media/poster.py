"""A poster that somebody chose, as JPEG at most 1280 wide: of a picture they sent, or of the film at a time.

Arguments are pure functions, as in `ffmpeg`; both make `poster.jpg`.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg as builder

from media import ffmpeg
from media.ffmpeg import INIT, Arguments
from media.formats import MAX_PIXELS
from media.plan import Plan
from media.sandbox import GIB, Limits

POSTER = "poster.jpg"
LARGEST = 1280
LIMITS = Limits(wall_s=60, cpu_s=30, memory_bytes=3 * GIB, file_bytes=64 << 20)
STILL = {"frames:v": 1, "q:v": 3, "f": "image2", "update": 1, "map_metadata": -1, "c:v": "mjpeg"}


def of_picture(source: Path, demuxer: str) -> Arguments:
    """From a stranger's picture, upright if it says how; black shines through where it lets."""
    picture = builder.input(
        f"file:{source}",
        f=demuxer,
        format_whitelist=demuxer,
        protocol_whitelist="file",
        codec_whitelist="mjpeg,png,webp,vp8",
        max_pixels=MAX_PIXELS,
        threads=1,
    )["v:0"]
    return _poster(picture)


def of_film(piece: Path, frame: int, rate: Fraction) -> Arguments:
    """Picture number `frame` of a film, from a piece of a rendition in which it lies."""
    picture = builder.input(
        f"file:{piece}", f="mov", format_whitelist="mov", protocol_whitelist="file", threads=1, copyts=None
    )["v:0"]
    # Half a picture early, as times are rounded.
    return _poster(picture.filter("select", f"gte(t,{ffmpeg.decimal((frame - Fraction(1, 2)) / rate)})"))


def frame_at(plan: Plan, at_ms: int) -> int:
    """The picture a film shows at a time; its last one from the end on."""
    return min(int(Fraction(at_ms, 1000) * plan.timeline.rate), plan.timeline.frames - 1)


def pieces(folder: Path, plan: Plan, frame: int, out: Path) -> Iterator[Path]:
    """Files a player could open, in each of which a picture lies: of a generation's best rendition, then others."""
    segment = plan.timeline.segment(frame // plan.timeline.segment_frames)
    for name in reversed(plan.videos):
        parts = [folder / name / file for file in (INIT, segment.name)]
        if all(part.is_file() for part in parts):
            piece = out / f"{name}.mp4"
            piece.write_bytes(b"".join(part.read_bytes() for part in parts))
            yield piece


def _poster(picture: Any) -> Arguments:
    within = {"w": f"min({LARGEST},iw)", "h": f"min({LARGEST},ih)"}
    picture = picture.filter("scale", **within, force_original_aspect_ratio="decrease", force_divisible_by=2)
    picture = picture.filter("format", "gbrap").filter("premultiply", inplace=1)
    # JPEG knows one matrix, BT.601, and one range.
    picture = picture.filter("scale", out_range="pc", out_color_matrix="bt601")
    picture = picture.filter("setsar", 1).filter("format", "yuvj420p")
    return ffmpeg.compiled([builder.output(picture, POSTER, **STILL)], 1)
