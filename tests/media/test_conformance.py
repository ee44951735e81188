"""The gate: a good film passes every rule, and each rule catches what it is there for."""

import re
from dataclasses import replace

import msgspec
import pytest

from media import conformance, rules
from media.film import Film
from tests.media.spoiling import (
    Spoil,
    added,
    both,
    disk,
    entry,
    init,
    larger,
    later,
    lines,
    master,
    parameters,
    rewritten,
    segment,
    sound,
    text,
    texts,
    video,
)  # fmt: skip

ISTREAM, MEDIA, STREAM = "#EXT-X-I-FRAME-STREAM-INF:", "#EXT-X-MEDIA:", "#EXT-X-STREAM-INF:"
MAP = '#EXT-X-MAP:URI="init.mp4"\n'
SURROUND = b"\x11\xb0"  # an AudioSpecificConfig of six channels at 48 kHz
SLOW = b"\x14\x10"  # of 16 kHz
DESCRIBES = 'CHARACTERISTICS="public.accessibility.describes-video"'
CUE = "00:00:01.000 --> 00:00:03.500"


BROKEN: list[tuple[str, Spoil]] = [
    ("PLAN-whole", disk(lambda folder: (folder / "240p/1-4000-8000.m4s").unlink())),
    ("PLAN-whole", disk(lambda folder: (folder / "240p/1-4000-8000.m4s").write_bytes(b"\0\0\0\4moof"))),
    ("PLAN-whole", disk(lambda folder: (folder / "audio-0/init.mp4").write_bytes(b""))),
    ("PLAN-whole", disk(lambda folder: (folder / "audio-0/init.mp4").unlink())),
    ("PLAN-whole", disk(lambda folder: (folder / "iframes-0/1-2000-4000.m4s").unlink())),
    ("PLAN-whole", disk(lambda folder: (folder / "text-en/index.m3u8").write_bytes(b"\xff\xfe"))),
    ("PLAN-whole", rewritten("text-en/index.m3u8", "0-0-9000.vtt", "../240p/init.mp4")),
    ("PLAN-samples", video(segment(1, samples=99))),
    ("PLAN-samples", sound(segment(1, samples=1))),
    ("PLAN-sound", sound(entry(config=SLOW))),
    ("PLAN-sound", sound(entry(codec="mp4a.40.5"))),
    ("PLAN-sound", sound(segment(1, duration=1))),
    ("PLAN-sound", sound(entry(config=b"\xff\xff"))),
    ("APL-1.1", video(entry(kind="mp4v"))),
    ("APL-1.2", video(init(fragmented=False))),
    ("APL-1.2", video(segment(1, tracks=(1, 1)))),
    ("APL-1.3b", video(parameters(level=62))),
    ("APL-1.3b", video(parameters(level=10))),
    ("APL-1.3b", video(parameters(bits=10))),
    ("APL-1.3b", video(parameters(profile=110))),
    ("APL-1.3b", video(entry(config=b"\1\x64\0\x1e\xff\xe0"))),
    ("APL-1.14", video(parameters(progressive=False))),
    ("APL-1.19", video(init(timescale=75_000))),
    ("APL-2.11", sound(entry(config=SURROUND))),
    ("APL-2.11", text("#EXTINF:1", '#EXT-X-MAP:URI="other.mp4"\n#EXTINF:1', "audio-1")),
    ("APL-2.15", sound(segment(-1, duration=1024))),
    ("APL-2.17", video(init(tracks=(1, 2)))),
    ("APL-2.17", sound(segment(1, tracks=(2,)))),
    ("APL-7.3", video(segment(1, decode_time=1))),
    ("APL-7.4", video(segment(1, starts_with_sync=False))),
    ("APL-7.4", video(lambda track: replace(track, slices=[5, 1, 5]))),
    ("APL-7.7", video(later(1, 25_000))),
    ("RFC-PT-VOD", video(init(edits=((83, -1), (0, 2000))))),
    ("RFC-PT-VOD", sound(init(edits=()))),
    ("RFC-PT-VOD", sound(init(edits=((0, 2048),)))),
    ("RFC-SYNC", video(later(1, 1000))),
    ("RFC-SYNC", sound(later(1, 1024))),
    ("RFC-SYNC", sound(later(1, -1024))),
    ("RFC-M3U", text("#EXTM3U\n", "\n#EXTM3U\n")),
    ("RFC-M3U", master("#EXTM3U\n", "\ufeff#EXTM3U\n")),
    ("RFC-M3U", master("English", "Eng\x07lish")),
    ("RFC-M3U", added("#EXT-X-ENDLIST")),
    ("RFC-M3U", text("0-0-4000.m4s", " 0-0-4000.m4s")),
    ("RFC-TAG", text("#EXTINF:4.000000,\n", "")),
    ("RFC-TAG", text("#EXTINF:4.000000,", "#EXTINF:four,")),
    ("RFC-TAG", text("#EXTINF:4.000000,", "#EXTINF:4.000000")),
    ("RFC-TAG", text("#EXT-X-ENDLIST", "#EXT-X-END-LIST")),
    ("RFC-TAG", text("#EXT-X-ENDLIST", "#EXT-X-ENDLIST:1")),
    ("RFC-TAG", added("#EXT-X-STREAM-INF:BANDWIDTH=1")),
    ("RFC-ATTR", master("BANDWIDTH=", "BANDWIDTH=x")),
    ("RFC-ATTR", master('NAME="English"', "NAME=English")),
    ("RFC-ATTR", master('NAME="English"', 'NAME="English",NAME="English"')),
    ("RFC-ATTR", master("DEFAULT=YES", "DEFAULT=yes")),
    ("RFC-ATTR", master("CLOSED-CAPTIONS=NONE", "CLOSED-CAPTIONS=NONE,")),
    ("RFC-ATTR", master("RESOLUTION=640x360", "RESOLUTION=640X360")),
    ("RFC-VER-1", text("#EXT-X-VERSION:7\n", "#EXT-X-VERSION:7\n#EXT-X-VERSION:7\n")),
    ("RFC-VER-2", text("#EXT-X-VERSION:7\n", "#EXT-X-VERSION:5\n")),
    ("RFC-VER-2", text("#EXT-X-VERSION:7\n", "")),
    ("RFC-VER-2", text(MAP, MAP + '#EXT-X-DEFINE:NAME="a",VALUE="b"\n')),
    ("RFC-VER-2", lines(MEDIA, lambda line: line + ',INSTREAM-ID="CC1"')),
    ("RFC-VER-2", lines(STREAM, lambda line: line + ',REQ-VIDEO-LAYOUT="CH-STEREO"')),
    ("RFC-ONCE", text("#EXT-X-MEDIA-SEQUENCE:0\n", "#EXT-X-MEDIA-SEQUENCE:0\n" * 2)),
    ("RFC-ONCE", master("#EXT-X-INDEPENDENT-SEGMENTS\n", "#EXT-X-INDEPENDENT-SEGMENTS\n" * 2)),
    ("RFC-KEY", text(MAP, MAP + "#EXT-X-KEY:METHOD=AES-128\n")),
    ("RFC-KEY", text(MAP, MAP + '#EXT-X-KEY:METHOD=NONE,URI="key"\n')),
    ("RFC-KEY", added("#EXT-X-SESSION-KEY:METHOD=NONE")),
    ("RFC-KEY", added('#EXT-X-SESSION-KEY:URI="key"')),
    ("RFC-DEFINE", added('#EXT-X-DEFINE:NAME="a"')),
    ("RFC-DEFINE", added('#EXT-X-DEFINE:NAME="a",VALUE="1",QUERYPARAM="b"')),
    ("RFC-DEFINE", added('#EXT-X-DEFINE:NAME="a b",VALUE="1"')),
    ("RFC-DEFINE", both(*[added('#EXT-X-DEFINE:NAME="a",VALUE="1"')] * 2)),
    ("RFC-DEFINE", text("0-0-4000.m4s", "{$token}/0-0-4000.m4s")),
    ("RFC-INTERST", text(MAP, MAP + '#EXT-X-DATERANGE:ID="a"\n')),
    ("RFC-INTERST", text(MAP, MAP + '#EXT-X-DATERANGE:ID="a",START-DATE="b",CLASS="com.apple.hls.interstitial"\n')),
    ("RFC-TD", texts("TARGETDURATION:4", "TARGETDURATION:3")),
    ("RFC-TD", texts("#EXT-X-TARGETDURATION:4\n", "")),
    ("RFC-TD", text("#EXTINF:4.000000", "#EXTINF:4.600000")),
    ("PLAN-names", text("1-4000-8000", "1-4000-8001")),
    ("PLAN-names", text("0-0-4000.m4s", "https://elsewhere.example/0-0-4000.m4s")),
    ("PLAN-names", text("init.mp4", "../init.mp4")),
    ("PLAN-names", master("360p/index.m3u8", "https://elsewhere.example/360p/index.m3u8")),
    ("PLAN-promise", disk(lambda folder: (folder / "240p/index.m3u8").write_text("#EXTM3U\n"))),
    ("APL-8.1", text("#EXTINF:4.000000", "#EXTINF:4.041000")),
    ("APL-8.1", text("0-0-4000.m4s\n", "")),
    ("APL-8.2", text("TARGETDURATION:4", "TARGETDURATION:5", "audio-1")),
    ("APL-8.3", text("#EXTINF:1.000000", "#EXTINF:0.900000")),
    ("APL-8.6", text("#EXT-X-ENDLIST", "")),
    ("APL-8.6", text("TYPE:VOD", "TYPE:EVENT", "audio-0")),
    ("APL-8.7", text("2-8000-9000", "2-8000-8999")),
    ("APL-8.7", text("1-4000-8000", "1-4001-8000")),
    ("APL-8.7", text("1-4000-8000.m4s", "other.m4s")),
    ("APL-8.13", text("#EXTINF:1", '#EXT-X-MAP:URI="other.mp4"\n#EXTINF:1')),
    ("APL-8.14", text("#EXTINF:1", "#EXT-X-DISCONTINUITY\n#EXTINF:1")),
    ("APL-8.20", text(MAP, "")),
    ("APL-8.22", text("#EXTINF:4.000000,\n1-", "#EXTINF:3.900000,\n1-")),
    ("APL-8.22", text("#EXTINF:1.000000,\n2-8000-9000.m4s\n", "")),
    ("APL-9.12", both(master("#EXT-X-INDEPENDENT-SEGMENTS\n", ""), text("#EXT-X-INDEPENDENT-SEGMENTS\n", ""))),
    ("APL-1.24", master("CLOSED-CAPTIONS=NONE", "CLOSED-CAPTIONS=NONE,VIDEO-RANGE=PQ")),
    ("APL-1.26", lines(STREAM, lambda line: line.replace("AVERAGE-BANDWIDTH=", "AVERAGE-BANDWIDTH=9"))),
    ("APL-1.26", lines(ISTREAM, lambda line: line.replace("AVERAGE-BANDWIDTH=", "AVERAGE="))),
    ("APL-1.26", sound(larger(20))),
    ("APL-1.27", sound(larger(20))),
    ("APL-1.27", lines(STREAM, lambda line: line.replace(":BANDWIDTH=", ":BANDWIDTH=9"))),
    ("APL-1.27", rewritten("text-en/0-*.vtt", "Hello", "Hello" * 9999)),
    ("APL-9.13", video(larger(2))),
    ("APL-9.14", lines(ISTREAM, lambda line: line.replace("AVERAGE-BANDWIDTH=", "AVERAGE="))),
    ("APL-9.14", lines(STREAM, lambda line: line.replace("AVERAGE-BANDWIDTH=", "AVERAGE-BANDWIDTH=99"))),
    ("APL-9.1", master("mp4a.40.2", "mp4a.40.5")),
    ("APL-9.1", video(entry(codec="avc1.42c01e"))),
    ("APL-9.1", lines(STREAM, lambda line: line.replace("CODECS=", "FORMATS="))),
    ("APL-9.2", lines(STREAM, lambda line: line.replace("RESOLUTION=", "SIZE="))),
    ("APL-9.2", video(parameters(width=400))),
    ("APL-9.2", video(parameters(aspect=(4, 3)))),
    ("APL-9.2", lambda film: replace(film, multivariant="#EXTM3U\n")),
    ("APL-9.3", lines(ISTREAM, lambda line: line.replace('CODECS="', 'CODECS="mp4a.40.2,'))),
    ("APL-9.4", lines(ISTREAM, lambda line: line.replace("RESOLUTION=", "SIZE="))),
    ("APL-9.9", lines("", lambda line: re.sub("^(240p|source)/", "360p/", line))),
    ("APL-9.15", master("FRAME-RATE=25.000", "FRAME-RATE=30.000")),
    ("APL-9.16", video(parameters(transfer=16))),
    ("APL-9.19", master("RESOLUTION=426x240,FRAME", "RESOLUTION=426x240,SCORE=1.0,FRAME")),
    ("APL-9.20", lines("240p/", lambda line: line.replace("240p", "audio-0"))),
    ("APL-9.21", lines(STREAM, lambda line: line.replace(":BANDWIDTH=", ":BANDWIDTH=9"))),
    ("RFC-CC", master(",CLOSED-CAPTIONS=NONE", "")),
    ("RFC-MEDIA", lines(MEDIA, lambda line: line.replace("NAME=", "TITLE="))),
    ("RFC-MEDIA", master('NAME="Français"', 'NAME="English"')),
    ("RFC-MEDIA", master("DEFAULT=NO", "DEFAULT=YES")),
    ("RFC-MEDIA", master("DEFAULT=YES,AUTOSELECT=YES", "DEFAULT=YES,AUTOSELECT=NO")),
    ("RFC-MEDIA", master("TYPE=AUDIO", "TYPE=AUDIO,FORCED=NO")),
    ("RFC-MEDIA", master('URI="text-en', 'ADDRESS="text-en')),
    ("RFC-MEDIA", master("TYPE=SUBTITLES", "TYPE=SUBTITLE")),
    ("RFC-GROUPS", master('AUDIO="low"', 'AUDIO="high"')),
    ("RFC-GROUPS", master('GROUP-ID="low",NAME="English"', 'GROUP-ID="low",NAME="Anglais"')),
    ("RFC-CHANNELS", master('CHANNELS="2"', 'CHANNELS="6"')),
    ("APL-2.3", lambda film: replace(film, sounds=[entry(config=SURROUND)(track) for track in film.sounds])),
    ("APL-2.12", lines(MEDIA, lambda line: line.replace("describes-video", "easy-to-read"))),
    ("APL-2.12", master(f"AUTOSELECT=YES,{DESCRIBES}", DESCRIBES)),
    ("APL-4.4", added('#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",NAME="cc",INSTREAM-ID="CC9",LANGUAGE="en"')),
    ("APL-4.5", master("public.accessibility.transcribes-spoken-dialog,", "")),
    ("APL-4.7", lines("#EXT-X-MEDIA:TYPE=SUBTITLES", lambda line: line.replace('LANGUAGE="en"', 'LANGUAGE="de"'))),
    ("APL-4.7", lines("#EXT-X-MEDIA:TYPE=SUBTITLES", lambda line: line.replace("text-en", "text-de"))),
    ("APL-4.7", master('AUDIO="low",SUBTITLES="text"', 'AUDIO="low"')),
    ("APL-8.9", lines('#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="low"', lambda line: line.replace("audio-3", "audio-2"))),
    ("APL-8.10", master(',LANGUAGE="fr"', "")),
    ("APL-8.10", master('LANGUAGE="fr"', 'LANGUAGE="français"')),
    ("APL-9.7", master(',AUDIO="low"', "")),
    ("RFC-SESSION", master("DATA-ID=", 'VALUE="x",DATA-ID=')),
    ("RFC-SESSION", master("DATA-ID=", "ID=")),
    ("RFC-SESSION", added('#EXT-X-SESSION-DATA:DATA-ID="com.apple.hls.chapters",URI="chapters.json"')),
    ("RFC-SESSION", disk(lambda folder: (folder / "chapters.json").unlink())),
    ("RFC-SESSION", disk(lambda folder: (folder / "chapters.json").write_text("{}"))),
    ("RFC-SESSION", disk(lambda folder: (folder / "chapters.json").write_text("[" * 100_000))),
    ("RFC-SESSION", rewritten("chapters.json", "start-time", "start")),
    ("RFC-STEER", added('#EXT-X-CONTENT-STEERING:PATHWAY-ID="east"')),
    ("APL-5.2", rewritten("text-en/0-*.vtt", "WEBVTT", "WEBTTV")),
    ("APL-5.2", rewritten("text-en/0-*.vtt", CUE, CUE.replace(".", ","))),
    ("APL-5.2", rewritten("text-en/0-*.vtt", CUE, "00:00:03.500 --> 00:00:01.000")),
    ("APL-5.2", rewritten("text-en/0-*.vtt", CUE, "00:01:01.000 --> 00:01:03.500")),
    ("APL-5.2", rewritten("text-en/0-*.vtt", "Hello", "Hello\n\nwhat is this")),
    ("APL-5.3", rewritten("text-en/0-*.vtt", "MPEGTS:0", "MPEGTS:900000")),
    ("APL-5.5", rewritten("text-en/index.m3u8", "#EXTINF:9.0", "#EXTINF:8.0")),
    ("PLAN-captions", rewritten("text-en/index.m3u8", "#EXTINF:9.0", MAP + "#EXTINF:9.0")),
    ("APL-6.1", lines(ISTREAM, lambda line: "")),
    ("APL-6.1", master("iframes-1", "iframes-9")),
    ("APL-6.8", rewritten("iframes-0/index.m3u8", "#EXT-X-I-FRAMES-ONLY\n", "")),
    ("APL-6.8", text(MAP, MAP + "#EXT-X-I-FRAMES-ONLY\n")),
    ("APL-6.10", disk(lambda f: (f / "iframes-0/0-0-2000.m4s").write_bytes((f / "240p/0-0-4000.m4s").read_bytes()))),
    ("APL-6.10", rewritten("iframes-0/index.m3u8", "#EXTINF:1.0", "#EXT-X-BYTERANGE:9@0\n#EXTINF:1.0")),
    ("RFC-IFRAME", rewritten("iframes-0/index.m3u8", "#EXTINF:2.0", "#EXTINF:1.9")),
]  # fmt: skip


def broken(film: Film, spoil: Spoil) -> set[str]:
    return {finding["rule"] for finding in conformance.check(spoil(film))}


def test_a_good_film_has_no_findings(film: Film) -> None:
    assert conformance.check(film) == []
    report = conformance.report(film, [])
    assert report["rules"] == sorted(conformance.RULES)
    names = ["240p", "360p", "source", "audio-0", "audio-1", "audio-2", "audio-3", "iframes-0", "iframes-1"]
    assert [rendition["name"] for rendition in report["renditions"]] == names


@pytest.mark.parametrize(("rule", "spoil"), BROKEN, ids=[f"{n}-{rule}" for n, (rule, _) in enumerate(BROKEN)])
def test_each_rule_catches_what_it_is_there_for(film: Film, rule: str, spoil: Spoil) -> None:
    assert rule in broken(film, spoil)


def test_every_rule_is_tried() -> None:
    assert {rule for rule, _ in BROKEN} == set(conformance.RULES)


@pytest.mark.parametrize("register", [conformance.RULES, conformance.NOTES], ids=["rules", "notes"])
def test_every_rule_says_what_it_wants(register: dict[str, conformance.Rule]) -> None:
    assert [number for number, rule in register.items() if not rule.__doc__] == []


def test_findings_are_bounded_in_number_and_length(film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(conformance.RULES, "PLAN-much", lambda _: (c * 1000 for c in "ab" * 100))
    found = [finding["finding"] for finding in conformance.check(film)]
    assert (len(found), {len(sentence) for sentence in found}) == (rules.MOST_FINDINGS, {rules.MOST_CHARACTERS})


@pytest.mark.parametrize(("frames", "broken"), [(49, False), (50, True)])
def test_only_films_that_a_peak_can_be_measured_of_must_suit_telephones(film: Film, frames: int, broken: bool) -> None:
    dear = lines(STREAM, lambda line: line.replace(":BANDWIDTH=", ":BANDWIDTH=9"))(film)
    short = replace(dear, plan=msgspec.structs.replace(film.plan, frames=frames))
    assert ("APL-9.21" in {finding["rule"] for finding in conformance.check(short)}) == broken
