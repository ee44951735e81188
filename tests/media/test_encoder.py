"""What an FFmpeg run tells: progress, and why it failed in words for people."""

import pytest

from media.encoder import failure, frames_made, limits_for
from media.sandbox import Ended


@pytest.mark.parametrize(
    ("line", "frames"),
    [(b"frame=120\n", 120), (b"frame=  7\n", 7), (b"fps=3\n", None), (b"frame=N/A\n", None), (b"frame\n", None)],
)
def test_progress_lines_give_frames(line: bytes, frames: int | None) -> None:
    assert frames_made(line) == frames


@pytest.mark.parametrize(
    ("status", "stderr", "timed_out", "code", "permanent"),
    [
        (1, "av_interleaved_write_frame(): No space left on device", False, "storage_full", False),
        (-9, "", True, "too_slow", False),
        (-24, "", False, "too_slow", False),
        (-9, "", False, "encoder_killed", False),
        (1, "[mov] moov atom not found\nInvalid data found when processing input", False, "damaged", True),
        (69, "Decode error rate 1 exceeds maximum error rate 0.666667", False, "damaged", True),
        (1, "Unknown encoder 'libx264'", False, "encode_failed", False),
        (1, "", False, "encode_failed", False),
    ],
)
def test_a_failure_says_whose_fault_it_is(
    status: int, stderr: str, timed_out: bool, code: str, permanent: bool
) -> None:
    failed = failure(Ended(status, stderr, timed_out))
    assert (failed.code, failed.permanent) == (code, permanent)
    assert failed.message.endswith((".", stderr.splitlines()[-1] if stderr else "why"))


def test_limits_grow_with_the_work() -> None:
    short, long = limits_for(4, 640 * 360, 0), limits_for(40, 3840 * 2160, 1 << 30)
    assert short.cpu_s < long.cpu_s < long.wall_s
    assert short.memory_bytes < long.memory_bytes
    assert long.file_bytes > 2 << 30
