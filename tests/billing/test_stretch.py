"""What a stretch of the log says: which line is whose, and where the refused ones are."""

from api.billing.stretch import Stretch, read
from tests.billing.scenes import NOW_MS, VIDEO, VIEWER, fetched


def test_refused_lines_know_where_they_are() -> None:
    good = fetched("s", 0)
    found = read([Stretch("fetches:a", 1, 100, b"ab\n\n" + good + b"\ncd"), Stretch("fetches:b", 7, 0, b"torn")])
    places = [(r["stream"], r["generation"], r["byte_offset"], r["line"], r["lines"]) for r in found.rejected()]
    assert places == [
        ("fetches:a", 1, 100, "ab", 2),
        ("fetches:a", 1, 105 + len(good), "cd", 1),
        ("fetches:b", 7, 0, "torn", 1),
    ]


def test_a_log_of_nothing_but_bad_lines_takes_little_room() -> None:
    found = read([Stretch("fetches:a", 1, 0, b"\n" * 65_536)])
    assert [(r["byte_offset"], r["lines"]) for r in found.rejected()] == [(0, 65_536)]
    good, bad = fetched("s", 0), b"x" * 2000
    many = read([Stretch("fetches:a", 1, 0, b"\n".join([good, bad] * 1500))])
    rejected = list(many.rejected())
    assert (len(rejected), sum(len(str(r["line"])) for r in rejected)) == (1500, 1000 * 2000)


def test_a_line_can_be_refused_later() -> None:
    lines = [fetched("s", 0), fetched("t", 4000)]
    found = read([Stretch("fetches:a", 1, 0, b"\n".join(lines) + b"\n")])
    (fetch,) = found.pictures["t", VIEWER, VIDEO]
    assert fetch[:3] == (NOW_MS + 4000, 4000, 8000)
    found.reject(fetch[3], "late")
    (refused,) = found.rejected()
    assert (refused["byte_offset"], refused["line"]) == (len(lines[0]) + 1, lines[1].decode())


def test_fetches_are_told_apart_by_what_they_delivered() -> None:
    lines = [fetched("s", 0, rendition="audio-0"), fetched("s", 0, bytes=1), fetched("s", 0, rendition="text-en")]
    found = read([Stretch("fetches:a", 1, 0, b"\n".join([*lines, fetched("s", 0)]) + b"\n")])
    assert [len(kind["s", VIEWER, VIDEO]) for kind in (found.pictures, found.sound, found.nothing)] == [1, 1, 2]
    assert found.session_ids == {"s"}
