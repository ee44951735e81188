"""What an FFmpeg run tells: progress, and why it failed in words for people."""

from pathlib import Path

import pytest

from media.encoder import failure, limits_for, seconds_made
from media.sandbox import Ended


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        (b"out_time_us=4004000\n", 4.004),
        (b"out_time_us=N/A\n", None),
        (b"out_time_us=-21333\n", None),
        (b"frame=3\n", None),
        (b"out_time_us\n", None),
    ],
)
def test_progress_lines_give_seconds(line: bytes, seconds: float | None) -> None:
    assert seconds_made(line) == seconds


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
    failed = failure(Ended(status, stderr, timed_out), Path("/sources/film"))
    assert (failed.code, failed.permanent) == (code, permanent)
    assert failed.message.endswith((".", stderr.splitlines()[-1] if stderr else "why"))


def test_a_failure_does_not_tell_where_files_lie() -> None:
    failed = failure(Ended(1, "file:/sources/film: Invalid data found", timed_out=False), Path("/sources/film"))
    assert failed.message == "The film cannot be decoded: the film: Invalid data found"


def test_limits_grow_with_the_work() -> None:
    short, long = limits_for(4, 640 * 360, 0), limits_for(40, 3840 * 2160, 1 << 30)
    assert short.cpu_s < long.cpu_s < long.wall_s
    assert short.memory_bytes < long.memory_bytes
    assert long.file_bytes > 2 << 30
