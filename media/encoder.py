"""Run FFmpeg in the sandbox: progress as numbers, a failure as something a person can read."""

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from media.sandbox import GIB, Ended, Limits, Reins, run

DAMAGED = (
    "Invalid data found",
    "moov atom not found",
    "could not find codec parameters",
    "maximum error rate",
    "unknown timestamp",
)
FULL = "The disk of the media store is full."
WRITE_BUFFER = 32 << 10


class Failed(Exception):
    """An encode that came to nothing. `permanent`: the source is to blame, another try would end the same way."""

    def __init__(self, code: str, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.code, self.message, self.permanent = code, message, permanent


async def encode(
    binary: str,
    arguments: Sequence[str],
    source: Path,
    out: Path,
    *,
    limits: Limits,
    on_seconds: Callable[[float], None] | None = None,
    reins: Reins | None = None,
) -> None:
    """Run FFmpeg inside `out`, the only folder it may write to; raises Failed. Cancelling kills it.

    `on_seconds` hears twice a second how many media seconds are made.
    """

    def hear(line: bytes) -> None:
        seconds = seconds_made(line)
        if seconds is not None and on_seconds is not None:
            on_seconds(seconds)

    ended = await run([binary, *arguments], limits, reads=[source], writes=[out], on_line=hear, cwd=out, reins=reins)
    if is_full(out):
        # FFmpeg's HLS muxer does not always notice that its last bytes went nowhere, and ends well.
        raise Failed("storage_full", FULL)
    if not ended.ok:
        raise failure(ended, source)


def is_full(folder: Path) -> bool:
    """True when not even one of FFmpeg's write buffers would fit; file systems without a size are never full."""
    disk = os.statvfs(folder)
    return disk.f_blocks > 0 and disk.f_bavail * disk.f_frsize < WRITE_BUFFER


def limits_for(media_seconds: float, pixels: int, copied_bytes: int = 0) -> Limits:
    """Generous bounds for honest work: 60 s of CPU per media second covers the slowest ladder we know six times.

    A file may take 400 kB per media second, half of what stereo takes without loss, or twice what is copied.
    """
    cpu_s = int(120 + 60 * media_seconds)
    return Limits(
        wall_s=4 * cpu_s,
        cpu_s=cpu_s,
        memory_bytes=3 * GIB + 256 * pixels,
        file_bytes=GIB + 2 * copied_bytes + int(400_000 * media_seconds),
    )


def seconds_made(line: bytes) -> float | None:
    """The time in an `out_time_us=` line of `-progress`, which is N/A at first."""
    key, _, value = line.strip().partition(b"=")
    return int(value) / 1_000_000 if key == b"out_time_us" and value.isdigit() else None


def failure(ended: Ended, source: Path) -> Failed:
    """Why FFmpeg failed, from its status and last words; where our files lie is nobody's business."""
    words = ended.stderr.replace(f"file:{source}", "the film").strip().splitlines()
    last = " / ".join(line.strip() for line in words[-3:])[-400:]
    if "No space left on device" in ended.stderr:
        return Failed("storage_full", FULL)
    if ended.timed_out or ended.status == -signal.SIGXCPU:
        return Failed("too_slow", "Encoding took longer than it may. The machine may be overloaded.")
    if ended.status < 0:
        return Failed("encoder_killed", f"The encoder was ended by signal {-ended.status}. Memory may be short.")
    if any(words in ended.stderr for words in DAMAGED):
        return Failed("damaged", f"The film cannot be decoded: {last}", permanent=True)
    return Failed("encode_failed", f"The encoder failed: {last or 'it did not say why'}")
