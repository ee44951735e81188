"""Playlists as players read them."""

from fractions import Fraction
from pathlib import Path

import pytest

from media import playlist
from media.ladder import ladder
from media.plan import Plan, Track
from media.playlist import Rendition, bit_rates
from media.timeline import Timeline


def plan(frames: int = 250, tracks: tuple[tuple[str, str], ...] = (("en", ""),)) -> Plan:
    timeline = Timeline(Fraction(30000, 1001), frames)
    return Plan(
        duration_ms=timeline.duration_ms,
        segments=timeline.count,
        frame_rate=str(timeline.rate),
        width=1280,
        height=720,
        frames=frames,
        copied=False,
        demuxer="mov",
        stream=0,
        coded=(1280, 720),
        interlaced=False,
        colour="sdr",
        rungs=ladder(1280, 720, timeline.rate),
        tracks=[Track(f"audio-{n}", n + 1, *track) for n, track in enumerate(tracks)],
    )


def test_a_media_playlist_names_every_segment_before_it_exists() -> None:
    assert playlist.media(plan(), "720p") == (
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-MAP:URI="init.mp4"\n'
        "#EXTINF:4.004000,\n0-0-4004.m4s\n#EXTINF:4.004000,\n1-4004-8008.m4s\n#EXTINF:0.333667,\n2-8008-8342.m4s\n"
        "#EXT-X-ENDLIST\n"
    )


def test_sound_has_the_same_names_and_its_own_lengths() -> None:
    text = playlist.media(plan(), "audio-0")
    assert [line for line in text.splitlines() if line.endswith(".m4s")] == [
        "0-0-4004.m4s",
        "1-4004-8008.m4s",
        "2-8008-8342.m4s",
    ]
    assert "#EXTINF:3.989333," in text


def test_the_multivariant_playlist_starts_with_the_middle_and_adds_the_sound() -> None:
    videos = [
        Rendition("360p", 900_000, 600_000, "avc1.64001e", 640, 360),
        Rendition("540p", 2_400_000, 1_900_000, "avc1.64001f", 960, 540),
        Rendition("720p", 4_200_000, 3_000_000, "avc1.64001f", 1280, 720),
    ]
    sounds = [Rendition("audio-0", 140_000, 130_000, "mp4a.40.2", 0, 0)]
    assert playlist.multivariant(plan(), videos, sounds).splitlines() == [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",'
        'URI="audio-0/index.m3u8"',
        '#EXT-X-STREAM-INF:BANDWIDTH=2540000,AVERAGE-BANDWIDTH=2030000,CODECS="avc1.64001f,mp4a.40.2",'
        'RESOLUTION=960x540,FRAME-RATE=29.970,AUDIO="audio",CLOSED-CAPTIONS=NONE',
        "540p/index.m3u8",
        '#EXT-X-STREAM-INF:BANDWIDTH=1040000,AVERAGE-BANDWIDTH=730000,CODECS="avc1.64001e,mp4a.40.2",'
        'RESOLUTION=640x360,FRAME-RATE=29.970,AUDIO="audio",CLOSED-CAPTIONS=NONE',
        "360p/index.m3u8",
        '#EXT-X-STREAM-INF:BANDWIDTH=4340000,AVERAGE-BANDWIDTH=3130000,CODECS="avc1.64001f,mp4a.40.2",'
        'RESOLUTION=1280x720,FRAME-RATE=29.970,AUDIO="audio",CLOSED-CAPTIONS=NONE',
        "720p/index.m3u8",
    ]


def test_a_silent_film_names_no_audio_group() -> None:
    text = playlist.multivariant(plan(tracks=()), [playlist.planned(plan().instant)], [])
    assert "AUDIO" not in text
    assert 'CODECS="avc1.64001e",' in text


def test_titles_are_made_harmless_and_unique() -> None:
    tracks = (("en", 'Director"\n#EXT-X-KEY:METHOD=AES-128'), ("en", ""), ("fr", ""), ("und", ""), ("en", "English"))
    text = playlist.multivariant(plan(tracks=tracks), [playlist.planned(plan().instant)], [])
    lines = [line for line in text.splitlines() if line.startswith("#EXT-X-MEDIA")]
    names = [line.split('NAME="')[1].split('"')[0] for line in lines]
    assert names == ["Director #EXT-X-KEY:METHOD=AES-128", "English", "Français", "Audio 4", "English (5)"]
    assert not any(line.startswith("#EXT-X-KEY") for line in text.splitlines())
    assert [("DEFAULT=YES" in line) for line in lines] == [True, False, False, False, False]


@pytest.mark.parametrize(
    ("kilobytes", "seconds", "peak", "average"),
    [
        ([100, 300, 200], [4, 4, 4], 600_001, 400_001),
        ([100, 300, 200], [4, 4, 1], 800_001, 533_334),  # the last two are one run of five seconds
        ([100], [1], 800_001, 800_001),
        ([400, 1], [4, "0.04"], 800_001, 794_060),
    ],
)
def test_bit_rates_count_runs_of_about_one_target(
    kilobytes: list[int], seconds: list[int | str], peak: int, average: int
) -> None:
    sizes = [kilobyte * 1000 for kilobyte in kilobytes]
    assert bit_rates(sizes, [Fraction(s) for s in seconds], 4) == (peak, average)


def test_planned_playlists_offer_the_instant_rung_and_the_sound(tmp_path: Path) -> None:
    playlist.publish_planned(tmp_path, plan())
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.m3u8")) == [
        "360p/index.m3u8",
        "audio-0/index.m3u8",
        "master.m3u8",
    ]
    assert "BANDWIDTH=1494000,AVERAGE-BANDWIDTH=1028000" in (tmp_path / "master.m3u8").read_text()
    assert not list(tmp_path.rglob(".*"))
