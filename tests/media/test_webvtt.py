"""Strangers' captions: read as they were meant, in any encoding, and nothing but plain text comes out."""

import time
from itertools import pairwise

import pytest

from media.webvtt import MOST_CUES, Cue, Unreadable, document, read, understood

SRT = "1\r\n00:00:01,001 --> 00:00:02,999\r\nHello\r\n\r\n2\r\n01:02:03,004 --> 01:02:05,678\r\nTwo\r\nlines\r\n"
WORDS = {
    "en": "It is a café, “yes”",
    "fr": "Où êtes-vous allé ? Ça va, merci.",
    "cs": "Příliš žluťoučký kůň",
    "ru": "Привет, как дела?",
    "el": "Καλημέρα, τι κάνεις;",
    "ja": "こんにちは、元気ですか？",
    "zh": "你好，我很好，谢谢",
    "ko": "안녕하세요 잘 지내세요",
    "he": "שלום מה שלומך",
    "tr": "Günaydın, nasılsın şimdi",
}


def shown(text: str) -> list[tuple[int, int, str]]:
    return [(cue.start_ms, cue.end_ms, cue.text) for cue in read(text).cues]


def one(text: str) -> str:
    """What becomes of the text of a cue."""
    (cue,) = read(f"WEBVTT\n\n00:01.000 --> 00:02.000\n{text}\n").cues
    return cue.text


def test_srt_is_read_to_the_millisecond() -> None:
    assert shown(SRT) == [(1001, 2999, "Hello"), (3_723_004, 3_725_678, "Two\nlines")]


WEBVTT = """WEBVTT - a film
Kind: captions

REGION
id:fred

STYLE
::cue { background: url(https://elsewhere.example/) }

NOTE a remark
of two lines

intro
00:01.500 --> 00:02.000 region:fred align:start position:10%,line-left
<v Bob>Hello &amp; <i.loud>welcome</i>

1984
01:00:00.000 --> 01:00:01.250
1984
"""


def test_of_webvtt_only_times_and_words_are_taken() -> None:
    assert shown(WEBVTT) == [(1500, 2000, "Hello & welcome"), (3_600_000, 3_601_250, "1984")]


CASES = {
    "a number as text": ("1\n00:00:01,000 --> 00:00:02,000\nOrwell\n\n1984\n\n2\n00:00:03,000 --> 00:00:04,000\nx\n",
                         [(1000, 2000, "Orwell\n1984"), (3000, 4000, "x")]),
    "no numbers": ("00:00:01,000 --> 00:00:02,000\na\n\n00:00:03,000 --> 00:00:04,000\nb",
                   [(1000, 2000, "a"), (3000, 4000, "b")]),
    "no empty line between": ("1\n00:00:01,000 --> 00:00:02,000\na\n2\n00:00:03,000 --> 00:00:04,000\nb",
                              [(1000, 2000, "a"), (3000, 4000, "b")]),
    "doubled carriage returns": ("1\r\r\n00:00:01,000 --> 00:00:02,000\r\r\na\r\r\nb\r\r\n", [(1000, 2000, "a\nb")]),
    "old newlines": ("1\r00:00:01,000 --> 00:00:02,000\ra\r", [(1000, 2000, "a")]),
    "in disorder": ("00:05.000 --> 00:06.000\nb\n\n00:01.000 --> 00:02.000\na", [(1000, 2000, "a"), (5000, 6000, "b")]),
    "overlapping": ("00:01.000 --> 00:05.000\na\n\n00:02.000 --> 00:03.000\nb", [(1000, 5000, "a"), (2000, 3000, "b")]),
    "short fractions": ("0:0:1,5 --> 0:0:2\na", [(1500, 2000, "a")]),
    "long fractions": ("00:00:01.123456 --> 00:00:02.999999\na", [(1123, 2999, "a")]),
    "settings of SubRip": ("00:00:01,000 --> 00:00:02,000  X1:0 X2:9 Y1:0 Y2:9\na", [(1000, 2000, "a")]),
    "begins before the film": ("-00:00:01,000 --> 00:00:02,000\na", [(0, 2000, "a")]),
    "an arrow in the text": ("00:01.000 --> 00:02.000\na --> b\nc", [(1000, 2000, "a --> b\nc")]),
    "hundred hours": ("100:00:00,000 --> 100:00:01,000\na", [(360_000_000, 360_001_000, "a")]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_authors_do_is_understood(case: str) -> None:
    text, expected = CASES[case]
    assert shown(text) == expected


BAD = {
    "ends before it starts": "00:00:05,000 --> 00:00:02,000",
    "takes no time": "00:00:05,000 --> 00:00:05,000",
    "is over before the film": "-00:00:05,000 --> -00:00:02,000",
    "ends negative": "00:00:05,000 --> -00:00:06,000",
    "has 75 minutes": "00:75:05,000 --> 00:76:05,000",
    "has 75 seconds": "00:00:75,000 --> 00:00:80,000",
    "has half a time": "00:00:05,000 --> 00:00",
    "lasts for years": "00:00:05,000 --> 9999:00:00,000",
}


@pytest.mark.parametrize("case", BAD)
def test_a_cue_that_cannot_be_shown_is_dropped_with_its_text_and_counted(case: str) -> None:
    found = read(f"1\n{BAD[case]}\nnever\n\n2\n00:00:08,000 --> 00:00:09,000\nshown\n")
    assert ([cue.text for cue in found.cues], found.dropped) == (["shown"], 1)


TEXTS = {
    "<b>bold</b> and <font color='red'>red</font>": "bold and red",
    "<c.yellow.bg_blue>x</c> <00:00:01.500>y <lang en>z</lang>": "x y z",
    "<script>alert(1)</script>": "alert(1)",
    "<img src=x onerror=alert(1)>seen": "seen",
    "<<b>script>x": "<script>x",
    "I <3 you, 1 < 2 > 0": "I <3 you, 1 < 2 > 0",
    "&lt;i&gt; &amp;amp; &nbsp;x &#65; R&D": "<i> &amp; \xa0x A R&D",
    r"{\an8}top {\i1}x{\i0} {laughs}": "top x {laughs}",
    "nul\x00 bell\x07 esc\x1b[31m del\x7f c1\x9b bom\ufeff": "nul bell esc[31m del c1 bom",
    "&#0;&#x1b;&#x2028;x": "\ufffd\nx",
    "a\u2028b\x0bc\td": "a\nbc\td",
    "עברית\u200f!": "עברית\u200f!",
}


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_plain(text: str) -> None:
    assert one(text) == TEXTS[text]


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_written_is_read_again_and_holds_no_markup(text: str) -> None:
    cues = [Cue(1000, 2001, one(text)), Cue(1500, 3_600_000, one(text))]
    written = document(cues)
    assert read(written).cues == cues
    assert written.count("-->") == 2
    assert "<" not in written


@pytest.mark.parametrize("mark", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_unicode_is_read_with_and_without_a_mark(encoding: str, mark: bool) -> None:
    for language, words in WORDS.items():
        data = (("\ufeff" if mark else "") + f"1\n00:00:01,000 --> 00:00:02,000\n{words}\n").encode(encoding)
        assert [cue.text for cue in understood(data, language).cues] == [words]


LEGACY = {
    "en": ["cp1252"], "fr": ["cp1252", "latin-1"], "cs": ["cp1250"], "ru": ["cp1251", "koi8_r", "cp866"],
    "el": ["cp1253"], "ja": ["shift_jis", "euc_jp"], "zh": ["gb18030"], "ko": ["euc_kr"], "he": ["cp1255"],
    "tr": ["cp1254"],
}  # fmt: skip


@pytest.mark.parametrize(("language", "encoding"), [(tag, name) for tag, names in LEGACY.items() for name in names])
@pytest.mark.parametrize("cues", [1, 200])
def test_old_encodings_are_told_apart(language: str, encoding: str, cues: int) -> None:
    words = WORDS[language]
    data = "".join(f"{n}\n00:{n % 60:02}:01,000 --> 00:{n % 60:02}:02,000\n{words}\n\n" for n in range(cues))
    assert {cue.text for cue in understood(data.encode(encoding), language).cues} == {words}


@pytest.mark.parametrize(("spoken", "encoding"), [("ru", "cp1251"), ("ja", "shift_jis")])
def test_an_old_encoding_is_found_under_the_wrong_language_too(spoken: str, encoding: str) -> None:
    data = f"1\n00:00:01,000 --> 00:00:02,000\n{WORDS[spoken]}\n".encode(encoding)
    assert [cue.text for cue in understood(data, "en").cues] == [WORDS[spoken]]


def test_bytes_that_are_no_text_are_refused() -> None:
    for data in (b"", b"\0" * 1000, b"\xff\xfe", bytes(range(256)) * 50, b"[Script Info]\nTitle: x\n", b"{1}{50}Hello"):
        with pytest.raises(Unreadable, match="SRT or WebVTT"):
            understood(data, "en")


def test_a_half_character_does_not_spoil_the_rest() -> None:
    data = "\ufeff1\n00:00:01,000 --> 00:00:02,000\nHello\n".encode("utf-16-le")
    (cue,) = understood(data[:-2] + b"\x3d\xd8" + data[-2:] + b"\x41", "en").cues
    assert cue.text.startswith("Hello")


BOMBS = {
    "lines": b"\n" * 2_000_000,
    "returns": b"\r" * 2_000_000,
    "cues": b"00:01.000 --> 00:02.000\nx\n\n" * 70_000,
    "bad cues": b"00:02.000 --> 00:01.000\n" * 80_000,
    "one word": b"00:01.000 --> 00:02.000\n" + b"x" * 2_000_000,
    "tags": b"00:01.000 --> 00:02.000\n" + b"<a" * 1_000_000,
    "an endless tag": b"00:01.000 --> 00:02.000\n<a" + b" x" * 1_000_000,
    "commands": b"00:01.000 --> 00:02.000\n" + b"{\\" * 1_000_000,
    "spaces before an arrow": b"00:01.000" + b" " * 2_000_000 + b"--> 00:02.000\n",
    "digits before an arrow": b"1" * 2_000_000 + b"-->",
    "minutes on end": b"00:00:01.000 --> 99:59:59.000\nalways\n\n" * 15_000,
    "short words all day": b"00:00.000 --> 24:00:00.000\nx\n\n" * 200,
    "what grows when it is written": (b"00:00.000 --> 24:00:00.000\n" + b"&" * 1000 + b"\n\n") * 2,
    "more lines when they are written": b"00:01.000 --> 00:02.000\nx\nx\nx\nx\nx\nx\nx\nx\nx\n" * 19_900,
    "commands that show only when it is written": b"00:01.000 --> 00:02.000\n{\x01\\an8}\n",
}


@pytest.mark.parametrize("case", BOMBS)
def test_hostile_files_are_refused_in_bounded_time(case: str) -> None:
    started = time.process_time()
    with pytest.raises(Unreadable, match=r"\.$"):
        understood(b"WEBVTT\n\n" + BOMBS[case], "en")
    assert time.process_time() - started < 4


def test_a_file_of_arrows_is_text_and_no_more() -> None:
    found = read("WEBVTT\n\n00:01.000 --> 00:02.000\n" + "-->\n" * 200)
    assert len(found.cues) == 1


def test_as_many_cues_as_may_be_come_in_order() -> None:
    text = "".join(f"00:00:{n % 60:02}.{n % 1000:03} --> 00:01:00.000\nx\n\n" for n in range(MOST_CUES))
    cues = read(text).cues
    assert len(cues) == MOST_CUES
    assert all(a.start_ms <= b.start_ms for a, b in pairwise(cues))
