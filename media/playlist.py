"""Write media and multivariant playlists from facts: planned ones before anything is encoded, measured ones at the end.

We write them ourselves: FFmpeg's lack AVERAGE-BANDWIDTH, FRAME-RATE and more, and cannot be had before the segments.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from media.ffmpeg import INIT
from media.ladder import AUDIO_BITRATE, AUDIO_CODEC, Rung
from media.language import language_name
from media.plan import Plan, Track

MASTER = "master.m3u8"
INDEX = "index.m3u8"
VERSION = 7  # 6 for EXT-X-MAP in a playlist of whole segments; 7 is what fMP4 players have always been given
FIRST_BANDWIDTH = 2_000_000  # the variant a player should start with (Apple 1.32)
UNWELCOME = re.compile(r'[\x00-\x1f\x7f-\x9f"\u2028\u2029]+')


@dataclass(frozen=True)
class Rendition:
    """What a playlist says of one rendition; bit/s, width and height 0 for sound."""

    name: str
    bandwidth: int
    average_bandwidth: int
    codecs: str
    width: int
    height: int


def planned(rung: Rung) -> Rendition:
    """A rung before it is encoded: its caps."""
    return Rendition(rung.name, rung.bandwidth, rung.maxrate, rung.codecs, rung.width, rung.height)


def planned_track(track: Track) -> Rendition:
    """An audio track before it is encoded; an eighth more than its bit rate bounds every segment."""
    return Rendition(track.name, AUDIO_BITRATE * 9 // 8, AUDIO_BITRATE, AUDIO_CODEC, 0, 0)


def bit_rates(sizes: Sequence[int], durations: Sequence[Fraction], target: int) -> tuple[int, int]:
    """(peak, average) in bit/s as RFC 8216 counts: the peak over any run of segments lasting 0.5 to 1.5 targets."""
    average = 8 * sum(sizes) / sum(durations)
    peak = Fraction(0)
    for first in range(len(sizes)):
        size, length = 0, Fraction(0)
        for number in range(first, len(sizes)):
            size, length = size + sizes[number], length + durations[number]
            if length > target * Fraction(3, 2):
                break
            if length >= target * Fraction(1, 2):
                peak = max(peak, 8 * size / length)
    return int(max(peak, average)) + 1, int(average) + 1


def media(plan: Plan, name: str) -> str:
    """The media playlist of one rendition; the same before and after encoding, as a VOD playlist never changes."""
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{plan.timeline.target_seconds}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        f'#EXT-X-MAP:URI="{INIT}"',
    ]
    for segment, seconds in zip(plan.timeline.segments(), plan.durations(name), strict=True):
        lines += [f"#EXTINF:{float(seconds):.6f},", segment.name]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def multivariant(plan: Plan, videos: Sequence[Rendition], sounds: Sequence[Rendition]) -> str:
    """The multivariant playlist: `videos` as variants, all tracks as one audio group."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    names = _track_names(plan.tracks)
    lines += [
        _audio_line(track, name, number == 0)
        for number, (track, name) in enumerate(zip(plan.tracks, names, strict=True))
    ]
    # Apple 9.13: what a variant needs is its worst combination, the loudest track included.
    peak = max((sound.bandwidth for sound in sounds), default=0)
    average = max((sound.average_bandwidth for sound in sounds), default=0)
    for video in _in_order(videos):
        attributes = [
            f"BANDWIDTH={video.bandwidth + peak}",
            f"AVERAGE-BANDWIDTH={video.average_bandwidth + average}",
            f'CODECS="{",".join([video.codecs, *([AUDIO_CODEC] if sounds else [])])}"',
            f"RESOLUTION={video.width}x{video.height}",
            f"FRAME-RATE={float(plan.timeline.rate):.3f}",
            *(['AUDIO="audio"'] if sounds else []),
            "CLOSED-CAPTIONS=NONE",
        ]
        lines += ["#EXT-X-STREAM-INF:" + ",".join(attributes), f"{video.name}/{INDEX}"]
    return "\n".join([*lines, ""])


def publish(path: Path, content: str | bytes) -> None:
    """Write by temp and rename: a reader sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    temporary.replace(path)


def publish_planned(folder: Path, plan: Plan) -> None:
    """Make a generation playable before its first segment exists: the instant rung and the sound."""
    for name in [plan.instant.name, *(track.name for track in plan.tracks)]:
        publish(folder / name / INDEX, media(plan, name))
    sounds = [planned_track(track) for track in plan.tracks]
    publish(folder / MASTER, multivariant(plan, [planned(plan.instant)], sounds))


def _in_order(videos: Sequence[Rendition]) -> list[Rendition]:
    """The one nearest 2 Mbit/s first, as players start with the first; then upwards."""
    first = min(videos, key=lambda video: abs(video.average_bandwidth - FIRST_BANDWIDTH))
    return [first, *sorted((v for v in videos if v is not first), key=lambda video: video.bandwidth)]


def _audio_line(track: Track, name: str, default: bool) -> str:
    return (
        f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="{name}",LANGUAGE="{track.language}",'
        f'DEFAULT={"YES" if default else "NO"},AUTOSELECT=YES,CHANNELS="2",URI="{track.name}/{INDEX}"'
    )


def _track_names(tracks: Sequence[Track]) -> list[str]:
    """Names for people, unique within the group; titles are the uploader's words and may hold anything."""
    names: list[str] = []
    for number, track in enumerate(tracks, 1):
        wanted = UNWELCOME.sub(" ", track.title).strip()[:60]
        wanted = wanted or language_name(track.language) or f"Audio {number}"
        names.append(wanted if wanted not in names else f"{wanted} ({number})")
    return names
