"""Proofs of sessions: intervals, arithmetic and log positions that anybody can add up; for nobody else's eyes."""

import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.billing import metering, positions, proofs
from tests.billing.scenes import OTHER, VIEWER, Scene, fetched, played
from tests.conftest import PlatformMaker
from workers import archive


async def proof(scene: Scene, session: str, user: int = VIEWER, role: str = "user") -> Any:
    path = f"/api/billing/sessions/{session}/proof"
    return await scene.p.call("GET", "billing", path, token=scene.p.user(user, role))


async def proven(scene: Scene, session: str) -> Any:
    found = await proof(scene, session)
    assert found.status_code == 200, found.text
    return found.json()


async def seen(platform: PlatformMaker) -> Scene:
    """A session with a gap, and a second one over its end."""
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=5000)
    await scene.start("a", price_per_minute=7)
    await scene.log(*played("a", 0, 20_000))
    await scene.log(*played("a", 40_000, 60_000))
    await scene.end("a", wall_ms=30_000)
    await scene.start("b", price_per_minute=7)
    await scene.log(*played("b", 52_000, 80_000))
    return scene


async def test_intervals_are_charged_free_or_forgiven(platform: PlatformMaker) -> None:
    scene = await seen(platform)
    first, second = (await proven(scene, "a"))["intervals"], (await proven(scene, "b"))["intervals"]
    assert first["delivered"] == [[0, 20_000], [40_000, 60_000]]
    assert (first["charged"], first["free"]) == ([[0, 20_000], [40_000, 50_000]], [])
    assert first["forgiven"] == [[50_000, 60_000]]
    assert second["delivered"] == [[52_000, 80_000]]
    assert (second["charged"], second["free"]) == ([[60_000, 80_000]], [[52_000, 60_000]])
    assert first["exact"] and second["exact"]


async def test_the_arithmetic_gives_what_was_charged(platform: PlatformMaker) -> None:
    scene = await seen(platform)
    for session, times in {"a": (40_000, 0, 10_000, 30_000), "b": (28_000, 8_000, 0, 20_000)}.items():
        found = await proven(scene, session)
        sums = found["arithmetic"]
        assert tuple(sums[n] for n in ("delivered_ms", "free_ms", "forgiven_ms", "payable_ms")) == times
        assert sums["due_micros"] == sums["payable_ms"] * 70_000 // 60_000
        assert abs(sums["charged_micros"] - sums["due_micros"]) <= 1
        assert sum(journal["amount_micros"] for journal in found["journals"]) == -sums["charged_micros"]
        [watch] = found["watches"]
        assert watch["balanced"] and watch["charged_micros"] == (60_000 - 10_000) * 70_000 // 60_000
        assert (watch["seen_ms"], watch["forgiven_ms"], watch["uncollected_micros"]) == (60_000, 10_000, 0)


async def test_a_refund_is_part_of_it(platform: PlatformMaker) -> None:
    scene = await seen(platform)
    wish = {"session_id": "a", "reason": "as a courtesy", "amount": 1}
    await scene.money("refunds", wish, user=99, role="operator")
    sums = (await proven(scene, "a"))["arithmetic"]
    assert (sums["charged_micros"], sums["refunded_micros"], sums["paid_micros"]) == (35_000, 10_000, 25_000)


async def test_bookings_name_their_stretch_of_the_log(platform: PlatformMaker) -> None:
    scene = await seen(platform)
    size = len(b"".join(line + b"\n" for line in played("a", 0, 20_000)))
    first, second, third = (await proven(scene, "a"))["journals"]
    assert [j["cause"] for j in (first, second, third)] == ["fetches", "fetches", "end"]
    assert [j["kind"] for j in (first, second, third)] == ["charge", "charge", "forgiven"]
    [stretch] = first["stretches"]
    assert stretch == {"edge": "origin", "from_generation": 1, "from_byte": 0, "to_generation": 1, "to_byte": size}
    assert second["stretches"][0]["from_byte"] == size
    assert third["stretches"] == []


async def test_the_checksum_is_the_archives(platform: PlatformMaker) -> None:
    scene = await seen(platform)
    root: Path = scene.p.settings.path("FETCH_LOG_ROOT")
    unknown = {"edge": "origin", "generation": 1, "sha256": None, "bytes": None, "lines": None}
    assert (await proven(scene, "a"))["log"] == [unknown | {"reason": "not_here"}]
    root.mkdir(parents=True)
    (root / "origin-1.log").write_bytes(b"".join(line + b"\n" for line in played("a", 0, 20_000)))
    assert (await proven(scene, "a"))["log"] == [unknown | {"reason": "not_closed"}]
    note = archive.put_away(root, "origin", 1, threading.Event())
    [file] = (await proven(scene, "a"))["log"]
    assert (file["sha256"], file["bytes"], file["lines"], file["reason"]) == (note.sha256, note.bytes, 5, None)
    (root / "archive/origin-1.json").write_text("{")
    assert (await proven(scene, "a"))["log"] == [unknown | {"reason": "damaged"}]


async def test_free_sessions_cost_nothing_and_say_so(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.start("own", free=True)
    await scene.log(*played("own", 0, 20_000))
    found = await proven(scene, "own")
    assert (found["intervals"]["free"], found["intervals"]["charged"]) == ([[0, 20_000]], [])
    assert (found["arithmetic"]["free_ms"], found["arithmetic"]["due_micros"], found["journals"]) == (20_000, 0, [])


async def test_sessions_side_by_side_are_told_apart_by_the_log_alone(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=5000)
    await scene.start("a")
    await scene.start("b")
    await scene.log(*played("b", 0, 20_000))
    await scene.log(*played("a", 0, 20_000))
    first, second = await proven(scene, "a"), await proven(scene, "b")
    assert (first["arithmetic"]["charged_micros"], second["arithmetic"]["charged_micros"]) == (0, 20_000)
    assert (first["arithmetic"]["free_ms"], second["arithmetic"]["free_ms"]) == (20_000, 0)
    assert not first["intervals"]["exact"] and not second["intervals"]["exact"]


async def test_only_its_viewer_and_operators_see_a_proof(platform: PlatformMaker) -> None:
    scene = await seen(platform)
    assert (await proof(scene, "a", user=99, role="operator")).json() == await proven(scene, "a")
    assert (await proof(scene, "a", user=OTHER)).status_code == 404
    assert (await proof(scene, "unknown")).status_code == 404
    assert (await proof(scene, "a%00b")).status_code == 404
    assert (await scene.p.call("GET", "billing", "/api/billing/sessions/a/proof")).status_code == 401


async def test_a_session_that_went_on_in_a_new_watch_shows_both(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=5000)
    await scene.start("a")
    early = metering.WATCH_MS - 3_600_000
    await scene.db.run(
        "update watch set opened_ms = (extract(epoch from now()) * 1000)::bigint - :early::bigint", early=early
    )
    await scene.log(*played("a", 0, 20_000))
    await scene.log(fetched("a", 20_000, t_ms=played_later(await proven(scene, "a"))))
    found = await proven(scene, "a")
    assert [watch["seen_ms"] for watch in found["watches"]] == [20_000, 4_000]
    assert all(watch["balanced"] for watch in found["watches"])
    assert (found["arithmetic"]["free_ms"], found["arithmetic"]["charged_micros"]) == (0, 24_000)


def played_later(found: Any) -> int:
    """A moment just after the session's watch has closed."""
    closes = datetime.fromisoformat(found["watches"][0]["closes_at"])
    return round(closes.timestamp() * 1000) + 1


def test_a_cause_can_name_many_stretches() -> None:
    cause = "fetches:edge-2 7-0..8-123, fetches:origin 3-20480..3-40960"
    assert positions.named(cause) == [
        positions.Stretch("edge-2", 7, 0, 8, 123),
        positions.Stretch("origin", 3, 20480, 3, 40960),
    ]
    assert positions.named("end abc") == positions.named("claim s 3 4000") == []


Spans = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)).map(lambda p: (p[0], p[0] + p[1])), max_size=6)


@given(Spans, Spans)
def test_what_is_left_and_what_was_taken_away_are_the_whole(mine: list[Any], others: list[Any]) -> None:
    whole = metering.union(mine)
    left = proofs.without(whole, metering.union(others))
    points = {n for start, end in whole for n in range(start, end)}
    taken = {n for start, end in others for n in range(start, end)}
    assert sorted(n for start, end in left for n in range(start, end)) == sorted(points - taken)


@given(Spans, st.integers(0, 70))
def test_the_tail_is_the_end_of_it(mine: list[Any], length: int) -> None:
    whole = metering.union(mine)
    points = [n for start, end in whole for n in range(start, end)]
    kept = [n for start, end in proofs.tail(whole, length) for n in range(start, end)]
    assert kept == (points[-length:] if length else [])


@pytest.mark.parametrize(
    ("delivered", "added", "charged", "price", "free"),
    [
        (60_000, 60_000, 60_000, 60_000, 0),
        (60_000, 40_000, 40_000, 60_000, 20_000),
        (60_000, 20_000, 60_000, 60_000, 0),  # paid in two watches
        (60_000, 60_000, 30_000, 60_000, 0),  # forgiven or not collected
        (60_000, 60_000, 0, 0, 60_000),
        (0, 0, 90_000, 60_000, 0),  # a service's word
    ],
)
def test_free_time_is_what_was_neither_new_nor_paid(
    delivered: int, added: int, charged: int, price: int, free: int
) -> None:
    assert proofs.free_ms(delivered, added, charged, price) == free
