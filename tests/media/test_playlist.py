"""Playlists as players read them."""

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest

from media import playlist
from media.copyable import Copy
from media.ladder import ladder
from media.plan import Plan, Track, levelled
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
        tracks=[
            Track(f"audio-{n}", n + 1, *track, timeline.audio_frames(48000, 1024)) for n, track in enumerate(tracks)
        ],
    )


def first() -> Rendition:
    """The rung that plays first, as planned."""
    return playlist.planned(plan().rungs_named([plan().instant])[0])


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
    assert [line for line in text.splitlines() if line.startswith("#EXTINF")] == [
        "#EXTINF:3.989333,",
        "#EXTINF:4.010667,",
        "#EXTINF:0.362667,",
    ]


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
    text = playlist.multivariant(plan(tracks=()), [first()], [])
    assert "AUDIO" not in text
    assert 'CODECS="avc1.64001e",' in text


def test_titles_are_made_harmless_and_unique() -> None:
    tracks = (("en", 'Director"\n#EXT-X-KEY:METHOD=AES-128'), ("en", ""), ("fr", ""), ("und", ""), ("en", "English"))
    film = plan(tracks=tracks)
    text = playlist.multivariant(film, [first()], [playlist.planned_track(track) for track in film.tracks])
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


def copied(cuts: list[int], *, aligned: bool) -> Plan:
    """A film of 250 pictures whose own can be served, at 30000 ticks a second."""
    told = Copy(0, 1280, 720, "avc1.64001f", "0164001f", 30_000, 2002, cuts, aligned, 5_000_000, 3_000_000)
    return msgspec.structs.replace(plan(), copy=told)


def test_the_sources_own_pictures_are_offered_alone_with_their_own_segments(tmp_path: Path) -> None:
    film = copied([0, 60_060, 240_240, 250_250], aligned=False)
    playlist.publish_planned(tmp_path, film)
    text = (tmp_path / "source/index.m3u8").read_text()
    assert [line for line in text.splitlines() if not line.startswith("#EXT-X")][1:] == [
        *("#EXTINF:2.002000,", "0-0-2002.m4s"),
        *("#EXTINF:6.006000,", "1-2002-8008.m4s"),
        *("#EXTINF:0.333667,", "2-8008-8342.m4s"),
    ]
    assert "#EXT-X-TARGETDURATION:7" in text
    assert "#EXT-X-TARGETDURATION:7" in (tmp_path / "audio-0/index.m3u8").read_text()
    master = (tmp_path / "master.m3u8").read_text()
    assert [line for line in master.splitlines() if not line.startswith("#")] == ["source/index.m3u8"]
    assert "BANDWIDTH=5144000,AVERAGE-BANDWIDTH=3128000" in master


def test_a_source_on_the_grid_is_named_like_every_other_rendition() -> None:
    film = copied([0, 120_120, 240_240, 250_250], aligned=True)
    assert film.segments_of("source") == film.segments_of("360p")
    assert film.durations("source") == film.durations("720p")


def test_a_finished_film_names_everything_it_has() -> None:
    film = plan(tracks=(("en", ""), ("fr", "")))
    film = msgspec.structs.replace(film, tracks=levelled(film, [None, -3.5]))
    sounds = [Rendition(f"audio-{n}", 140_000 if n < 3 else 50_000, 130_000, "mp4a.40.2", 0, 0) for n in (0, 2, 3, 4)]
    videos = [playlist.planned(rung) for rung in film.rungs]
    trick = Rendition("iframes-0", 30_000, 20_000, "avc1.64000d", 426, 240)
    extras = playlist.Extras([playlist.Text("text-de", "de", "Deutsch", sdh=True)], [trick], chapters=True)
    lines = playlist.multivariant(film, videos, sounds, extras).splitlines()
    media = [line for line in lines if line.startswith("#EXT-X-MEDIA")]
    assert [line.split('URI="')[1] for line in media] == [
        *('audio-0/index.m3u8"', 'audio-2/index.m3u8"', 'audio-3/index.m3u8"', 'audio-4/index.m3u8"'),
        'text-de/index.m3u8"',
    ]
    assert [line.split('GROUP-ID="')[1].split('"')[0] for line in media] == ["audio", "audio", "low", "low", "text"]
    assert [line.split('NAME="')[1].split('"')[0] for line in media] == ["English", "Français"] * 2 + ["Deutsch"]
    assert '#EXT-X-SESSION-DATA:DATA-ID="com.apple.hls.chapters",URI="chapters.json"' in lines
    smallest = next(line for n, line in enumerate(lines[:-1]) if lines[n + 1] == "240p/index.m3u8")
    assert 'AUDIO="low",SUBTITLES="text"' in smallest
    assert "BANDWIDTH=181250," in smallest
    assert lines[-1].startswith("#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=30000,")


def test_levelled_tracks_take_the_place_of_the_others() -> None:
    film = plan(tracks=(("en", ""), ("fr", "Commentary")))
    tracks = levelled(film, [4.0, None])
    assert [(t.name, t.stream, t.group, t.gain_db, t.bitrate) for t in tracks] == [
        ("audio-0", 1, "instant", 0.0, 128_000),
        ("audio-1", 2, "audio", 0.0, 128_000),
        ("audio-2", 1, "audio", 4.0, 128_000),
        ("audio-3", 1, "low", 4.0, 48_000),
        ("audio-4", 2, "low", 0.0, 48_000),
    ]


def test_two_attempts_publish_the_same_file_at_once(tmp_path: Path) -> None:
    versions = ["a" * 200_000, "b" * 200_000]

    def publish_often(version: str) -> None:
        for _ in range(200):
            playlist.publish(tmp_path / "film/index.m3u8", version)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(publish_often, versions))
    (only,) = (tmp_path / "film").iterdir()
    assert only.read_text() in versions


def test_what_cannot_be_published_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "index.m3u8").mkdir()
    with pytest.raises(IsADirectoryError):
        playlist.publish(tmp_path / "index.m3u8", "#EXTM3U")
    assert [path.name for path in tmp_path.iterdir()] == ["index.m3u8"]
