"""Lines nobody of ours wrote: each is refused with its reason, and the money of the lines around it is right."""

from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.analytics import feed
from tests.analytics.feed import Stream
from tests.billing.scenes import Scene, check_books, fetched
from tests.conftest import PlatformMaker

BAD = st.one_of(
    st.binary(max_size=80),
    st.binary(min_size=1, max_size=1).map(lambda byte: byte * 8192),
    st.text(st.characters(codec="utf-8"), max_size=40).map(lambda t: fetched("s", 0).replace(b"360p", t.encode())),
    st.sampled_from([
        b"\0" * 300, b"\xff\xfe", b'{"v":1', b"[" * 2000, fetched("a\0b", 0), fetched("s", 0, user_id=-7),
        fetched("s", 0, video=2**62), fetched("s", 0, end_ms=10**12), fetched("s" * 255, 0), fetched("", 0),
        fetched("s", 0)[:-1] + b"\x80}", fetched("s", 0, t_ms=1),
    ]),
).map(lambda line: line.replace(b"\n", b""))  # fmt: skip
BATCHES = st.lists(st.lists(BAD, max_size=20), min_size=8, max_size=12)
FUZZ = settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))


def surely_bad(line: bytes) -> bool:
    """What no parser may take for a fetch."""
    return not line.startswith(b'{"v":1,') or len(line) > 2048


@dataclass(frozen=True)
class Kept:
    byte_offset: int
    reason: str
    lines: int


@FUZZ
@given(BATCHES)
async def test_no_line_stops_the_meter(platform: PlatformMaker, batches: list[list[bytes]]) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit()
    await scene.start("s")
    for number, lines in enumerate(batches):
        start = scene.chunk([]).start
        await scene.log(*lines, fetched("s", number * 4000))
        assert (await scene.hold("s")).charged_micros == (number + 1) * 4000
        sql = "select byte_offset, reason, lines from rejected_line where byte_offset >= :start"
        kept = {k.byte_offset: k for k in await scene.db.all(Kept, sql, start=start)}
        run = Kept(0, "", 0)
        for line in lines:
            run = kept.get(start, Kept(0, run.reason, run.lines - 1))
            assert not surely_bad(line) or (run.lines > 0 and run.reason in ("not_json", "too_long", "bad_field"))
            start += len(line) + 1
    await check_books(scene.db)


@dataclass(frozen=True)
class Row:
    reason: str
    lines: int


@FUZZ
@given(BATCHES)
async def test_no_line_stops_the_audience(platform: PlatformMaker, batches: list[list[bytes]]) -> None:
    p = await platform("analytics")
    reader, stream = feed.audience(p), Stream()
    for lines in batches:
        await reader.apply([stream.chunk(b"".join(line + b"\n" for line in [*lines, fetched("t", 0)]))])
        assert (await reader.positions())["fetches:origin"] == stream.end
    counted = {row.reason: row.lines for row in await p.db("analytics").all(Row, "select reason, lines from rejected")}
    assert counted.keys() <= {"not_json", "too_long", "bad_field", "no_session"}
    assert sum(counted.values()) >= sum(bool(line) and surely_bad(line) for lines in batches for line in lines)
