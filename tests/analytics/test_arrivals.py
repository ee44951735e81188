"""Lines that must not reach the database are refused with a reason."""

import pytest

from api.analytics.arrivals import Arrivals
from tests.analytics.feed import fetch, lines, watch

AT_MS = 1_774_824_300_000


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"not json", "not_json"),
        (b'{"v":1,"edge":"\xff"}', "not_json"),
        (b'{"v":1}', "bad_field"),
        (b"x" * 3000, "too_long"),
        (lines([fetch("", 7, 1, AT_MS, 0)]), "no_session"),
        (lines([fetch("a\0b", 7, 1, AT_MS, 0)]), "no_session"),
        (lines([fetch("a", 0, 1, AT_MS, 0)]), "no_session"),
        (lines([fetch("a", 8, 1, AT_MS, 0)]), "no_session"),
        (lines([fetch("a", 1 << 70, 1, AT_MS, 0)]), "bad_field"),
        (lines([fetch("a", 7, 1 << 40, AT_MS, 0)]), "no_session"),
        (lines([fetch("a", 7, 1, AT_MS, 0, end_ms=1 << 60)]), "bad_field"),
    ],
)
def test_a_line_is_refused_for_its_reason_and_the_rest_is_read(line: bytes, reason: str) -> None:
    arrivals, good = Arrivals(), lines(watch("a", 7, 1, AT_MS, range(3)))
    newest_ms = arrivals.read(good + line.strip() + b"\n" + good)
    assert arrivals.rejected == {reason: 1}
    assert (newest_ms, list(arrivals.sessions)) == (AT_MS + 8000, [("a", 1)])
    (arrived,) = arrivals.sessions.values()
    assert [len(spans) for spans in arrived.slots.values()] == [6]
