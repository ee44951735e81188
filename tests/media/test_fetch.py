"""The line of the fetch log: everything nginx writes is understood, anything else is refused with a stable word."""

from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from media.fetch import MAX_LINE, Fetch, Refused, parse_line, parse_lines
from tests.billing.scenes import fetched

GOOD = fetched("0" * 32, 48_000)
REASONS = {reason: reason for reason in ("too_long", "not_json", "bad_field")}


def outcome(line: bytes) -> str:
    """What becomes of a line: `fetch`, or why not. Whatever else the parser raises fails the test."""
    try:
        found = parse_line(line)
    except Refused as refused:
        return REASONS[refused.reason]
    assert msgspec.json.decode(line) == msgspec.to_builtins(found)  # nothing was guessed or left out
    return "fetch"


def test_the_fields_are_those_of_the_contract() -> None:
    assert " ".join(Fetch.__struct_fields__) == (
        "v edge t_ms request_id session_id user_id video generation rendition index start_ms end_ms method status "
        "bytes size complete request_time_ms verdict_cache cache"
    )
    assert outcome(GOOD) == "fetch"


@pytest.mark.parametrize("field", Fetch.__struct_fields__)
def test_every_field_is_wanted_and_has_its_kind(field: str) -> None:
    whole: dict[str, Any] = msgspec.json.decode(GOOD)
    wrong: list[Any] = [None, [], {}, 1.5, -1, 2**53, 10**30, "x" * 256]
    wrong.append("1" if isinstance(whole[field], int) else 1)
    for value in wrong:
        assert outcome(msgspec.json.encode(whole | {field: value})) in ("bad_field", "not_json"), value
    assert outcome(msgspec.json.encode({k: v for k, v in whole.items() if k != field})) == "bad_field"
    assert outcome(msgspec.json.encode(whole | {"another": 1})) == "bad_field"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"v": 2}, "bad_field"),
        ({"start_ms": 4000, "end_ms": 4000}, "bad_field"),
        ({"t_ms": 0}, "bad_field"),
        ({"t_ms": 4_102_444_800_000}, "bad_field"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(changes: dict[str, int], reason: str) -> None:
    whole: dict[str, Any] = msgspec.json.decode(GOOD)
    assert outcome(msgspec.json.encode(whole | changes)) == reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "not_json"),
        (b"\0", "not_json"),
        (b"null", "bad_field"),
        (b"[]", "bad_field"),
        (GOOD[:-1], "not_json"),
        (GOOD + GOOD, "not_json"),
        (GOOD + b"\0", "not_json"),
        (b"\xef\xbb\xbf" + GOOD, "not_json"),
        (GOOD.replace(b"360p", b"\xff\xfe"), "not_json"),
        (GOOD.replace(b"360p", b"\\ud800"), "not_json"),
        (GOOD.replace(b"360p", b"x" * 8192), "too_long"),
        (GOOD + b" " * MAX_LINE, "too_long"),
        (b"[" * MAX_LINE, "bad_field"),
        (b'{"v":' * 300, "bad_field"),
        (GOOD.replace(b'"v":1', b'"v":01'), "not_json"),
        (GOOD.replace(b'"v":1', b'"v":NaN'), "not_json"),
        (GOOD.replace(b'"video":5', b'"video":5.0'), "bad_field"),
    ],
)
def test_a_line_that_is_none_is_refused_with_its_reason(line: bytes, reason: str) -> None:
    assert outcome(line) == reason


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=3000))
@example(GOOD)
def test_any_bytes_are_a_fetch_or_refused(line: bytes) -> None:
    outcome(line)


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_a_spoilt_line_is_a_fetch_or_refused(data: st.DataObject) -> None:
    line = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(line)))
        what = data.draw(
            st.one_of(st.binary(min_size=1, max_size=6), st.binary(min_size=1, max_size=1).map(lambda b: b * 8192))
        )
        until = at + data.draw(st.integers(0, 8))
        line[at:until] = what
    outcome(bytes(line))


ODD = [
    b"", GOOD + GOOD, GOOD[:-1], GOOD[1:], GOOD.replace(b",", b",\n", 1), GOOD + b" " + GOOD,
    GOOD.replace(b"{", b"{\n"), GOOD.replace(b"360p", b"}{"), GOOD + b" ", b" " + GOOD, GOOD + b" " * MAX_LINE,
    GOOD.replace(b'"v":1', b'"v":2'), fetched("s", 4000, 4000), b"{}", b"\xff",
]  # fmt: skip


@settings(derandomize=True, database=None, deadline=None)
@given(st.lists(st.sampled_from([GOOD, GOOD, GOOD, *ODD]), min_size=1, max_size=6), st.booleans())
@example([GOOD + b" " + GOOD, b""], True)
@example([GOOD.replace(b",", b",\n", 1), GOOD + GOOD], True)
def test_many_lines_are_what_each_of_them_is(lines: list[bytes], ended: bool) -> None:
    payload = b"\n".join(lines) + b"\n" * ended
    found = parse_lines(payload)
    if found is not None:
        assert found == [parse_line(line) for line in payload.removesuffix(b"\n").split(b"\n")]
    assert found is not None or not ended or set(lines) != {GOOD}
