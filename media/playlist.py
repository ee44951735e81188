"""Write media and multivariant playlists from facts: planned ones before anything is encoded, measured ones at the end.

We write them ourselves: FFmpeg's lack AVERAGE-BANDWIDTH, FRAME-RATE and more, and cannot be had before the segments.
"""

import math
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from media.copyable import Copy
from media.ffmpeg import INIT
from media.ladder import AUDIO_CODEC, Rung
from media.language import language_name
from media.plan import SOURCE, Plan, Track

MASTER = "master.m3u8"
INDEX = "index.m3u8"
CHAPTERS = "chapters.json"
DESCRIBES_VIDEO = "public.accessibility.describes-video"
TRANSCRIBES = "public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound"
VERSION = 7  # 6 for EXT-X-MAP in a playlist of whole segments; 7 is what fMP4 players have always been given
FIRST_BANDWIDTH = 2_000_000  # the variant a player should start with (Apple 1.32)
# Quotes end a name, control characters a line, and what looks like a variable makes players give up.
UNWELCOME = re.compile(r'(?:[\x00-\x1f\x7f-\x9f"\u2028\u2029]|\{\$)+')


@dataclass(frozen=True)
class Rendition:
    """What a playlist says of one rendition; bit/s, width and height 0 for sound."""

    name: str
    bandwidth: int
    average_bandwidth: int
    codecs: str
    width: int
    height: int


@dataclass(frozen=True)
class Text:
    """A captions rendition, `text-<language>`; `sdh`: for people who do not hear, with sounds described."""

    name: str
    language: str
    label: str
    sdh: bool = False
    bandwidth: int = 0
    average_bandwidth: int = 0


@dataclass(frozen=True)
class Extras:
    """What a finished film has beside pictures and sound; `iframes` are I-frame renditions."""

    texts: Sequence[Text] = ()
    iframes: Sequence[Rendition] = ()
    chapters: bool = False


NONE = Extras()


def planned(rung: Rung) -> Rendition:
    """A rung before it is encoded: its caps."""
    return Rendition(rung.name, rung.bandwidth, rung.maxrate, rung.codecs, rung.width, rung.height)


def planned_copy(copy: Copy) -> Rendition:
    """The source's own pictures, whose packets are known."""
    return Rendition(SOURCE, copy.bandwidth, copy.average_bandwidth, copy.codecs, copy.width, copy.height)


def planned_track(track: Track) -> Rendition:
    """An audio track before it is encoded; an eighth more than its bit rate bounds every segment."""
    return Rendition(track.name, track.bitrate * 9 // 8, track.bitrate, AUDIO_CODEC, 0, 0)


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


def media(plan: Plan, name: str, target: int | None = None) -> str:
    """The media playlist of one rendition; the same before and after encoding, as a VOD playlist never changes."""
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{target or plan.timeline.target_seconds}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        f'#EXT-X-MAP:URI="{INIT}"',
    ]
    for segment, seconds in zip(plan.segments_of(name), plan.durations(name), strict=True):
        lines += [f"#EXTINF:{float(seconds):.6f},", segment.name]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def multivariant(plan: Plan, videos: Sequence[Rendition], sounds: Sequence[Rendition], extras: Extras = NONE) -> str:
    """The multivariant playlist: `videos` as variants, `sounds` in the groups that the plan has them in."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    if extras.chapters:
        lines.append(f'#EXT-X-SESSION-DATA:DATA-ID="com.apple.hls.chapters",URI="{CHAPTERS}"')
    groups = {group: _group(plan, sounds, group) for group in ("audio", "low")}
    lines += [line for group, tracks in groups.items() for line in audio_lines(group, [t for t, _ in tracks])]
    labels = _unique([_welcome(text.label) or text.language for text in extras.texts])
    lines += [_text_line(text, label) for text, label in zip(extras.texts, labels, strict=True)]
    for video in _in_order(videos):
        low = video.name == plan.rungs[0].name and groups["low"]
        lines += _variant(plan, video, "low" if low else "audio", groups["low" if low else "audio"], extras)
    lines += [_iframes_line(iframes) for iframes in extras.iframes]
    return "\n".join([*lines, ""])


def _group(plan: Plan, sounds: Sequence[Rendition], group: str) -> list[tuple[Track, Rendition]]:
    told = {sound.name: sound for sound in sounds}
    return [(track, told[track.name]) for track in plan.tracks_of(group) if track.name in told]


def _variant(
    plan: Plan, video: Rendition, group: str, tracks: Sequence[tuple[Track, Rendition]], extras: Extras
) -> list[str]:
    # Apple 9.13: what a variant needs is its worst combination, the loudest track and the longest captions included.
    peak = max((sound.bandwidth for _, sound in tracks), default=0)
    peak += max((text.bandwidth for text in extras.texts), default=0)
    average = max((sound.average_bandwidth for _, sound in tracks), default=0)
    average += max((text.average_bandwidth for text in extras.texts), default=0)
    attributes = [
        f"BANDWIDTH={video.bandwidth + peak}",
        f"AVERAGE-BANDWIDTH={video.average_bandwidth + average}",
        f'CODECS="{",".join([video.codecs, *([AUDIO_CODEC] if tracks else [])])}"',
        f"RESOLUTION={video.width}x{video.height}",
        f"FRAME-RATE={float(plan.timeline.rate):.3f}",
        *([f'AUDIO="{group}"'] if tracks else []),
        *(['SUBTITLES="text"'] if extras.texts else []),
        "CLOSED-CAPTIONS=NONE",
    ]
    return ["#EXT-X-STREAM-INF:" + ",".join(attributes), f"{video.name}/{INDEX}"]


def publish(path: Path, content: str | bytes) -> None:
    """Write by temp and rename: a reader sees the old file or the new one.

    Any number at once: an attempt that was cancelled may still be at it, and workers in containers share process ids.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def publish_planned(folder: Path, plan: Plan) -> None:
    """Make a generation playable before its first segment exists: the instant rendition and the sound."""
    sounds, target = plan.tracks_of("audio"), plan.timeline.target_seconds
    if plan.copy is not None:
        # Its segments may be longer; sound and pictures have one target duration (Apple 8.2).
        target = max(target, *(math.ceil(seconds) for seconds in plan.durations(SOURCE)))
        first = planned_copy(plan.copy)
    else:
        first = planned(next(rung for rung in plan.rungs if rung.name == plan.instant))
    for name in [plan.instant, *(track.name for track in sounds)]:
        publish(folder / name / INDEX, media(plan, name, target))
    publish(folder / MASTER, multivariant(plan, [first], [planned_track(track) for track in sounds]))


def _in_order(videos: Sequence[Rendition]) -> list[Rendition]:
    """The one nearest 2 Mbit/s first, as players start with the first; then upwards."""
    first = min(videos, key=lambda video: abs(video.average_bandwidth - FIRST_BANDWIDTH))
    return [first, *sorted((v for v in videos if v is not first), key=lambda video: video.bandwidth)]


def audio_lines(group: str, tracks: Sequence[Track]) -> list[str]:
    """One group of EXT-X-MEDIA; groups have the same names in the same order (RFC 8216, 4.3.4.1.1)."""
    first = next((n for n, track in enumerate(tracks) if "default" in track.flags), 0)
    lines = []
    for number, (track, name) in enumerate(zip(tracks, _track_names(tracks), strict=True)):
        attributes = [
            f'TYPE=AUDIO,GROUP-ID="{group}",NAME="{name}",LANGUAGE="{track.language}"',
            f"DEFAULT={'YES' if number == first else 'NO'},AUTOSELECT=YES",
            *([f'CHARACTERISTICS="{DESCRIBES_VIDEO}"'] if "descriptive" in track.flags else []),
            f'CHANNELS="{track.channels}",URI="{track.name}/{INDEX}"',
        ]
        lines.append("#EXT-X-MEDIA:" + ",".join(attributes))
    return lines


def _text_line(text: Text, label: str) -> str:
    attributes = [
        f'TYPE=SUBTITLES,GROUP-ID="text",NAME="{label}",LANGUAGE="{text.language}"',
        "DEFAULT=NO,AUTOSELECT=YES,FORCED=NO",
        *([f'CHARACTERISTICS="{TRANSCRIBES}"'] if text.sdh else []),
        f'URI="{text.name}/{INDEX}"',
    ]
    return "#EXT-X-MEDIA:" + ",".join(attributes)


def _iframes_line(iframes: Rendition) -> str:
    attributes = [
        f"BANDWIDTH={iframes.bandwidth},AVERAGE-BANDWIDTH={iframes.average_bandwidth}",
        f'CODECS="{iframes.codecs}",RESOLUTION={iframes.width}x{iframes.height}',
        f'URI="{iframes.name}/{INDEX}"',
    ]
    return "#EXT-X-I-FRAME-STREAM-INF:" + ",".join(attributes)


def _track_names(tracks: Sequence[Track]) -> list[str]:
    """Names for people, unique within the group; titles are the uploader's words and may hold anything."""
    return _unique(
        [
            _welcome(track.title) or language_name(track.language) or f"Audio {number}"
            for number, track in enumerate(tracks, 1)
        ]
    )


def _unique(wanted: Sequence[str]) -> list[str]:
    names: list[str] = []
    for number, name in enumerate(wanted, 1):
        own = name
        while own in names:
            own = f"{own} ({number})"
        names.append(own)
    return names


def _welcome(words: str) -> str:
    return UNWELCOME.sub(" ", words).strip()[:60]
