"""Two readers of the fetch log, written apart: they must agree on every line, and on every set of intervals."""

from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from api.billing import metering
from media.credit import credited
from media.fetch import Fetch, Refused, parse_line
from tests.billing.scenes import fetched
from workers.reconcile.arithmetic import Spans, creators_micros, price_micros, unplayed_ms
from workers.reconcile.lines import read_line

GOOD = fetched("s", 48_000)
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2**65), st.floats(allow_nan=False), st.text(max_size=300),
    st.lists(st.integers(), max_size=2), st.sampled_from([0, 1, 200, 206, 404, 1000, 2**53 - 1, 2**53, 10**10]),
    st.sampled_from(["GET", "HEAD", "audio-0", "audio-", "text-de", "iframes-0", "720p-av1", "source", "a\0b"]),
)  # fmt: skip
CHANGES = st.dictionaries(st.sampled_from([*Fetch.__struct_fields__, "more"]), VALUES, max_size=3)
DAMAGE = st.tuples(st.integers(0, len(GOOD)), st.integers(0, 4), st.one_of(
    st.binary(max_size=4), st.sampled_from([b"\\ud800", b"\\ud83d\\ude00", b"\\u0000", b"1e2", b".0", b"NaN", b"-0",
        b"\x7f", b"\t", b"\x1f", b" ", b"\xc3\xa4", b"\xef\xbb\xbf", b"//", b"'", b",", b"9" * 400]),
))  # fmt: skip


def by_the_meter(line: bytes) -> object:
    """What the meter makes of a line: who and when, and what counts in films with pictures and without."""
    try:
        fetch = parse_line(line)
    except Refused:
        return None
    if "\0" in fetch.session_id:
        return None
    who = (fetch.session_id, fetch.user_id, fetch.video, fetch.t_ms)
    return who, credited(fetch), credited(fetch, audio_only=True)


def by_us(line: bytes) -> object:
    said = read_line(line)
    if said is None:
        return None
    who = (said.session_id, said.user_id, said.video_id, said.t_ms)
    return who, *(said.part if said.counts(audio_only=sound) else None for sound in (False, True))


@settings(max_examples=1500, deadline=None)
@given(CHANGES)
@example({"bytes": 499})
@example({"bytes": 500, "size": 1001})
@example({"end_ms": 10**10 + 1})
@example({"complete": 1})
def test_both_read_the_same_out_of_every_field(changes: dict[str, Any]) -> None:
    line = msgspec.json.encode(msgspec.json.decode(GOOD) | changes)
    assert by_us(line) == by_the_meter(line)


@settings(max_examples=3000, deadline=None)
@given(DAMAGE)
def test_both_read_the_same_out_of_damaged_lines(damage: tuple[int, int, bytes]) -> None:
    place, gone, put = damage
    line = GOOD[:place] + put + GOOD[place + gone :]
    assert by_us(line) == by_the_meter(line)


@pytest.mark.parametrize("line", [
    b"", b"null", b"{}", b"[" * 2000, b"{" * 2000, b'{"a":' * 300, GOOD + b" " * (2048 - len(GOOD)), GOOD + b" " * 2048,
    GOOD + b"\0", b"\xef\xbb\xbf" + GOOD, GOOD.decode().encode("utf-16"), GOOD.replace(b'"v":1', b'"v":2,"v":1'),
    GOOD.replace(b'"v"', b'"\\u0076"'),
    GOOD.replace(b"360p", "ä".encode() * 255), GOOD.replace(b"360p", "ä".encode() * 256),
])  # fmt: skip
def test_both_read_the_same_out_of_odd_lines(line: bytes) -> None:
    assert by_us(line) == by_the_meter(line)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)), max_size=30))
def test_both_join_intervals_to_the_same_set(pieces: list[tuple[int, int]]) -> None:
    intervals = [(start, start + length) for start, length in pieces]
    spans = Spans()
    for start, end in intervals:
        spans.add(start, end)
    assert spans.pairs() == metering.union(intervals)
    assert spans.ms == metering.length_ms(metering.union(intervals))


@given(*[st.integers(0, 10**11)] * 2, st.integers(0, 10_000), st.one_of(st.none(), st.integers(0, 10**6)))
def test_both_calculate_alike(number: int, other: int, part: int, played_ms: int | None) -> None:
    assert price_micros(number, other) == metering.due_micros(number, other)
    assert creators_micros(number, part) == metering.creator_part_micros(number, part)
    forgiven = 0 if played_ms is None else metering.forgiven_ms(number, played_ms, other)
    assert unplayed_ms(number, played_ms, other) == forgiven
