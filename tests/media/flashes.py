"""Films that flash and beep at the same moments, to see whether picture and sound are still together afterwards."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import av

from tests import films

RATE = 25
FIRST = 0.48  # a picture begins here: the flash and the beep do not start between two
LONG = 0.12
LOUD, BRIGHT = 0.1, 128


def flashing(out: Path, seconds: float, *options: str, size: str = "160x96") -> Path:
    """Black and silent, but white and loud for three pictures, once a second from 0.48 s on."""
    on = f"lt(mod(T+{1 - FIRST}\\,1)\\,{LONG - 0.001})"
    pictures = f"color=black:s={size}:r={RATE}:d={seconds},format=gray,geq=lum='if({on}\\,235\\,16)',format=yuv420p"
    beeps = f"if(lt(mod(t+{1 - FIRST}\\,1)\\,{LONG})\\,0.8*sin(6283.185*t)\\,0)"
    sound = f"aevalsrc='{beeps}':sample_rate=48000:duration={seconds}"
    chosen = options or ("-c:v", "libx264", "-preset", "veryfast", "-g", "70", "-bf", "3")
    films.ffmpeg("-f", "lavfi", "-i", pictures, "-f", "lavfi", "-i", sound, *chosen, str(out))
    return out


def flash_times(init: Path, segments: Iterable[Path]) -> list[float]:
    """When the picture turns white, in seconds of the film's own clock."""
    return list(_onsets(_brightness(_joined(init, segments)), BRIGHT))


def beep_times(init: Path, segments: Iterable[Path]) -> list[float]:
    """When the sound becomes loud; a swing of the tone is not the end of a beep."""
    return list(_onsets(_amplitudes(_joined(init, segments)), LOUD, hold=LONG / 2))


def apart(flashes: list[float], beeps: list[float]) -> list[float]:
    """Seconds from each flash to its beep; a film that lost one of either fails here."""
    assert len(flashes) == len(beeps), (flashes, beeps)
    return [beep - flash for flash, beep in zip(flashes, beeps, strict=True)]


def _joined(init: Path, segments: Iterable[Path]) -> io.BytesIO:
    return io.BytesIO(b"".join(path.read_bytes() for path in [init, *segments]))


def _brightness(film: io.BytesIO) -> Iterator[tuple[float, float]]:
    with av.open(film, mode="r") as container:
        for frame in container.decode(video=0):
            plane = frame.planes[0]
            yield float(frame.time or 0), bytes(plane)[plane.line_size * (frame.height // 2) + frame.width // 2]


def _amplitudes(film: io.BytesIO) -> Iterator[tuple[float, float]]:
    with av.open(film, mode="r") as container:
        for frame in container.decode(audio=0):
            samples = memoryview(frame.planes[0]).cast("B").cast("f")[: frame.samples]
            for number, sample in enumerate(samples):
                yield float(frame.time or 0) + number / frame.sample_rate, abs(sample)


def _onsets(values: Iterable[tuple[float, float]], level: float, hold: float = 0.0) -> Iterator[float]:
    last = -1.0
    was = False
    for at, value in values:
        over = value > level
        if over and not was and at - last > hold:
            yield at
        if over:
            last = at
        was = over
