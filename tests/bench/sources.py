"""The benches' films: a few seconds encoded once, repeated by stream copy until they are long enough."""

from dataclasses import dataclass
from pathlib import Path

from tests import films

BASE_S = 8  # a whole number of pictures at 25/s and of AAC frames at 48 kHz
FRAMES = BASE_S * 25
RATE = ("-b:v", "2M", "-maxrate", "4M", "-bufsize", "4M")
H264 = ("-c:v", "libx264", "-preset", "veryfast", *RATE)
OPEN_GOP = (*H264, "-x264-params", "open-gop=1:keyint=50:scenecut=0:bframes=3")
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-row-mt", "1", "-b:v", "2M", "-g", "100")
MPEG2 = ("-c:v", "mpeg2video", "-b:v", "6M", "-maxrate", "9M", "-bufsize", "1835k", "-g", "15", "-bf", "2")


@dataclass(frozen=True)
class Kind:
    """How a film is made: its picture codec, the container of its base, its own, and what that wants of the muxer.

    `view` is a filter over the pictures once they have their size.
    """

    name: str
    picture: tuple[str, ...]
    base: str
    suffix: str
    sound: tuple[str, ...]
    mux: tuple[str, ...] = ()
    view: str = "null"


MP4 = Kind("mp4", H264, "mp4", "mp4", ("-c:a", "aac", "-b:a", "128k", "-f", "adts"), ("-movflags", "+faststart"))
# As cameras and FFmpeg itself leave it, the index at the end: nobody moves 2 GB for fun.
MP4_LONG = Kind("mp4", H264, "mp4", "mp4", MP4.sound)
# As a telephone films: noise of a sensor, a keyframe a second, no B-frames; 15 Mbit/s at 1920x1080, the least of them.
FILMED = (*H264[:4], "-crf", "20", "-bf", "0", "-g", "25")
CAMERA = Kind("camera", FILMED, "mp4", "mp4", MP4.sound, MP4.mux, "noise=alls=5:allf=t")
MP4_OPEN_GOP = Kind("open-gop", OPEN_GOP, "mp4", "mp4", MP4.sound, MP4.mux)
MKV = Kind("mkv", VP9, "mkv", "mkv", ("-c:a", "libopus", "-b:a", "128k", "-f", "ogg"))
TS = Kind("ts", MPEG2, "mkv", "ts", ("-c:a", "mp2", "-b:a", "192k", "-f", "mp2"))


class Workshop:
    """Makes films of one size in one folder; what a film is looped from is encoded once."""

    def __init__(self, folder: Path, size: str) -> None:
        self._folder, self._size = folder, size

    def film(self, kind: Kind, seconds: int) -> Path:
        """A film of that kind and length; the caller deletes it."""
        picture, sound = self._picture(kind), self._sound(kind, seconds)
        out = self._folder / f"{kind.name}-{seconds}.{kind.suffix}"
        films.ffmpeg(
            *("-stream_loop", str(seconds // BASE_S), "-i", str(picture), "-i", str(sound)),
            *("-map", "0:v", "-map", "1:a", "-c", "copy", "-t", str(seconds), *kind.mux, str(out)),
        )
        return out

    def _picture(self, kind: Kind) -> Path:
        """The bunny, in that codec, without sound."""
        out = self._folder / f"picture-{kind.name}.{kind.base}"
        if not out.exists():
            films.ffmpeg(
                *("-stream_loop", "1", "-i", str(films.bunny()), "-an", "-frames:v", str(FRAMES)),
                *("-vf", f"scale={self._size},{kind.view},setsar=1", "-pix_fmt", "yuv420p", *kind.picture, str(out)),
            )
        return out

    def _sound(self, kind: Kind, seconds: int) -> Path:
        """A tone at least that long. FFmpeg's AAC is slow, but its frames can be repeated as they are."""
        repeated = "adts" in kind.sound
        length = BASE_S if repeated else seconds
        out = self._folder / f"sound-{seconds}.{kind.sound[-1]}"
        if not out.exists():
            tone = f"sine=frequency=440:sample_rate=48000:duration={length},aformat=channel_layouts=stereo"
            films.ffmpeg("-f", "lavfi", "-i", tone, *kind.sound, str(out))
            if repeated:
                out.write_bytes(out.read_bytes() * (seconds // BASE_S + 1))
        return out
