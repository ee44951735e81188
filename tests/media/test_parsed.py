"""Playlists and captions as a strict player reads them."""

from fractions import Fraction

import pytest

from media.parsed import parse, parse_text

MEDIA = """#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:4
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-MAP:URI="init.mp4"
#EXTINF:4.004000,
0-0-4004.m4s
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="other.mp4"
#EXTINF:0.333667,a title, with a comma
1-4004-4338.m4s
# a comment

#EXT-X-ENDLIST
"""
MASTER = """#EXTM3U
#EXT-X-VERSION:7
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a,b",NAME="x=y",DEFAULT=YES,URI="audio-0/index.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=100,CODECS="avc1.64001e,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=29.970,AUDIO="a,b"
360p/index.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=100,URI="iframes-0/index.m3u8"
"""


def test_a_media_playlist_is_read_with_what_applies_to_each_segment() -> None:
    found = parse(MEDIA)
    assert found.faults == ()
    assert (found.target, found.value("EXT-X-PLAYLIST-TYPE"), len(found.named("EXT-X-ENDLIST"))) == (4, "VOD", 1)
    assert [(entry.uri, entry.map, entry.line) for entry in found.entries] == [
        ("0-0-4004.m4s", "init.mp4", 7),
        ("1-4004-4338.m4s", "other.mp4", 11),
    ]
    assert found.durations == [Fraction("4.004"), Fraction("0.333667")]
    assert [entry.tag("EXT-X-DISCONTINUITY") is not None for entry in found.entries] == [False, True]


def test_a_multivariant_playlist_is_read_with_commas_inside_quotes() -> None:
    found = parse(MASTER)
    assert found.faults == ()
    (media,), (entry,) = found.named("EXT-X-MEDIA"), found.entries
    assert (media.attributes["GROUP-ID"], media.attributes["NAME"]) == ("a,b", "x=y")
    variant = entry.tag("EXT-X-STREAM-INF")
    assert variant is not None
    assert variant.attributes == {
        "BANDWIDTH": "100",
        "CODECS": "avc1.64001e,mp4a.40.2",
        "RESOLUTION": "640x360",
        "FRAME-RATE": "29.970",
        "AUDIO": "a,b",
    }


WRONG = [
    ("RFC-M3U", MEDIA, "#EXTM3U\n", ""),
    ("RFC-M3U", MEDIA, "#EXTM3U\n", "#EXTM3U \n"),
    ("RFC-M3U", MEDIA, "#EXTM3U\n", "\ufeff#EXTM3U\n"),
    ("RFC-M3U", MEDIA, "\n", "\r\n"),
    ("RFC-M3U", MEDIA, "a title", "a\x00title"),
    ("RFC-M3U", MEDIA, "a title", "a\ud800title"),
    ("RFC-M3U", MEDIA, "#EXT-X-ENDLIST\n", MASTER),
    ("RFC-M3U", MEDIA, MEDIA, "#EXTM3U\n"),
    ("RFC-M3U", MEDIA, "0-0-4004", "\t0-0-4004"),
    ("RFC-TAG", MEDIA, "#EXTINF:4.004000,", "#EXTINF:4.004000"),
    ("RFC-TAG", MEDIA, "#EXTINF:4.004000,", "#EXTINF:-4,"),
    ("RFC-TAG", MEDIA, "#EXTINF:4.004000,", "#EXTINF:1e3,"),
    ("RFC-TAG", MEDIA, "#EXTINF:4.004000,", "#EXTINF:,"),
    ("RFC-TAG", MEDIA, "#EXTINF:4.004000,", "#EXTINF:4.004000,\n#EXTINF:4.004000,"),
    ("RFC-TAG", MEDIA, "0-0-4004.m4s\n", "0-0-4004.m4s\n0-0-4004.m4s\n"),
    ("RFC-TAG", MEDIA, "1-4004-4338.m4s\n", ""),
    ("RFC-TAG", MEDIA, "#EXT-X-ENDLIST", "#EXT-X-ENDLIST:"),
    ("RFC-TAG", MEDIA, "#EXT-X-VERSION:7", "#EXT-X-VERSION"),
    ("RFC-TAG", MEDIA, "#EXT-X-ENDLIST", "#EXT-X-ENDLISTS"),
    ("RFC-TAG", MASTER, "360p/index.m3u8\n", ""),
    ("RFC-ATTR", MASTER, 'NAME="x=y"', "NAME=x=y"),
    ("RFC-ATTR", MASTER, 'NAME="x=y"', 'NAME="x'),
    ("RFC-ATTR", MASTER, 'NAME="x=y"', 'name="x=y"'),
    ("RFC-ATTR", MASTER, 'NAME="x=y"', 'NAME = "x=y"'),
    ("RFC-ATTR", MASTER, 'NAME="x=y"', 'NAME="x"y'),
    ("RFC-ATTR", MASTER, 'NAME="x=y"', 'NAME="x",NAME="y"'),
    ("RFC-ATTR", MASTER, ",DEFAULT=YES,", ",,DEFAULT=YES,"),
    ("RFC-ATTR", MASTER, "DEFAULT=YES", "DEFAULT=TRUE"),
    ("RFC-ATTR", MASTER, "BANDWIDTH=100", "BANDWIDTH=-100"),
    ("RFC-ATTR", MASTER, "BANDWIDTH=100", 'BANDWIDTH="100"'),
    ("RFC-ATTR", MASTER, "BANDWIDTH=100", "BANDWIDTH=100.5"),
    ("RFC-ATTR", MASTER, "640x360", "0x360"),
    ("RFC-ATTR", MASTER, "29.970", "29,970"),
    ("RFC-ATTR", MASTER, 'AUDIO="a,b"', "AUDIO=NONE"),
    ("RFC-ATTR", MASTER, 'AUDIO="a,b"', 'AUDIO="a,b",'),
]


@pytest.mark.parametrize(("rule", "playlist", "old", "new"), WRONG, ids=[f"{n}-{w[0]}" for n, w in enumerate(WRONG)])
def test_what_is_wrong_is_said_and_read_past(rule: str, playlist: str, old: str, new: str) -> None:
    assert old in playlist
    found = parse(playlist.replace(old, new))
    assert rule in {number for number, _ in found.faults}
    assert found.target in (0, 4)


def test_captions_are_read_with_their_times() -> None:
    found = parse_text(
        "0-0-9000.vtt",
        "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\nNOTE a note\n\n"
        "1\n00:01.000 --> 00:03.500 line:0\nHello\nyou\n\n\n100:00:08.000 --> 100:00:08.500\nBye\n",
    )
    assert found.header.split("\n")[1] == "X-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000"
    assert found.cues == ((1000, 3500), (360_008_000, 360_008_500))
    assert found.wrong == ()


@pytest.mark.parametrize(
    "block",
    [
        "00:01,000 --> 00:03,500\nHello",
        "00:01.000-->00:03.500\nHello",
        "00:61.000 --> 00:62.500\nHello",
        "1 --> 2\nHello",
        "00:01.000 --> 00:03.500\nHello --> you",
        "1\n2\n00:01.000 --> 00:03.500\nHello",
        "Hello",
        "00:01.000 --> 00:03.500\nHel\0lo",
    ],
)
def test_captions_with_other_times_are_not_believed(block: str) -> None:
    assert parse_text("0-0-9000.vtt", f"WEBVTT\n\n{block}\n").wrong
