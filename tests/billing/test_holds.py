"""What is set aside for a session: from the affordable first minute to the end."""

import asyncio
from typing import Any

import pytest

from api.clients import Clients, Hold, VideoFacts
from api.problems import Problem
from tests.billing.scenes import CREATOR, FILM_MS, OTHER, VIDEO, VIEWER, Scene, check_books, fetched, hold_of, played
from tests.conftest import PlatformMaker

MINUTE = 60_000  # micro-units: six minor units


async def test_a_start_holds_two_minutes(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=100)
    hold = await scene.start("s")
    assert hold == Hold(
        session_id="s", state="open", final=False, balance=100, balance_micros=1_000_000, held_micros=2 * MINUTE,
        charged_micros=0, charged=0, delivered_ms=0, forgiven_ms=0, minutes_left=1_000_000 / MINUTE, low_balance=False,
    )  # fmt: skip
    balance = await scene.p.call("GET", "billing", "/api/billing/balance", token=scene.p.user(VIEWER))
    assert (balance.json()["held"], balance.json()["available"]) == (12, 88)
    assert await scene.start("s") == hold
    await check_books(scene.db)


@pytest.mark.parametrize(("price", "status"), [(100, 201), (101, 402)])
async def test_a_start_needs_one_affordable_minute(platform: PlatformMaker, price: int, status: int) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=100)
    answered = await scene.try_start("s", price_per_minute=price)
    assert answered.status_code == status
    if status == 402:
        problem = answered.json()
        assert (problem["code"], problem["balance"], problem["required"]) == ("insufficient_balance", 100, 101)
        assert (await scene.internal("GET", "/internal/holds/s")).status_code == 404


async def test_less_than_two_minutes_makes_the_session_final(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=100)
    hold = await scene.start("s", price_per_minute=60)
    assert (hold.state, hold.final, hold.held_micros, hold.low_balance) == ("open", True, 1_000_000, True)


async def test_what_is_left_of_the_film_is_enough(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=100)
    hold = await scene.start("s", duration_ms=90_000, price_per_minute=60)
    assert (hold.held_micros, hold.final, hold.low_balance) == (900_000, False, False)
    await scene.log(*played("s", 0, 88_000), fetched("s", 88_000, 90_000))
    hold = await scene.hold("s")
    assert (hold.state, hold.final, hold.held_micros, hold.balance_micros) == ("open", False, 0, 100_000)
    # The film is paid for to its end: for a day it can be watched again, with less than a minute's price left.
    assert (await scene.start("again", duration_ms=90_000, price_per_minute=60)).held_micros == 0


async def test_sessions_of_one_wallet_share_it_without_a_gap(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=100)
    starts = await asyncio.gather(*(scene.try_start(f"s{i}", video_id=i + 1, price_per_minute=10) for i in range(12)))
    # Two minutes each are 20 of 100: five sessions hold them, then there is no minute left.
    assert sorted(s.status_code for s in starts) == [201] * 5 + [402] * 7
    assert sum(hold_of(s).held_micros for s in starts if s.status_code == 201) == 1_000_000
    await check_books(scene.db)


async def test_a_reload_finds_the_money_of_the_session_it_replaces(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=100)
    await scene.start("before", price_per_minute=40)
    after = await scene.start("after", price_per_minute=40)
    assert (after.held_micros, after.final) == (400_000, True)
    assert ((await scene.hold("before")).held_micros, (await scene.hold("before")).final) == (600_000, True)
    elsewhere = await scene.try_start("elsewhere", video_id=VIDEO + 1, price_per_minute=40)
    assert elsewhere.status_code == 402
    third = await scene.start("third", price_per_minute=40)
    assert (third.state, third.held_micros) == ("open", 400_000)
    await check_books(scene.db)


async def test_an_ended_session_lets_the_others_go_on(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=100)
    await scene.start("a", video_id=1, price_per_minute=35)
    assert (await scene.start("b", video_id=2, price_per_minute=30)).final is True
    await scene.end("a", 0)
    hold = await scene.hold("b")
    assert (hold.final, hold.held_micros) == (False, 600_000)
    await check_books(scene.db)


async def test_a_free_session_holds_and_costs_nothing(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    for session, terms in (("own", {"free": True}), ("gift", {"price_per_minute": 0})):
        assert (await scene.start(session, **terms)).minutes_left is None
        await scene.log(*played(session, 0, FILM_MS))
        hold = await scene.end(session, FILM_MS)
        assert (hold.state, hold.delivered_ms, hold.charged_micros) == ("ended", FILM_MS, 0)
    assert await scene.db.value("select count(*) from journal") == 0


async def test_a_session_belongs_to_one_user_and_video(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit()
    await scene.deposit(OTHER)
    await scene.start("s")
    for changed in ({"user_id": OTHER}, {"video_id": VIDEO + 1}):
        taken = await scene.try_start("s", **changed)
        assert (taken.status_code, taken.json()["code"]) == (409, "session_taken")


@pytest.mark.parametrize(
    "changed",
    [
        {"session_id": ""}, {"session_id": "a\0b"}, {"session_id": "a b"}, {"price_per_minute": -1},
        {"user_id": 0}, {"user_id": 2**63}, {"duration_ms": -1}, {"free": "no"}, {"tip": 5},
    ],
)  # fmt: skip
async def test_wrong_terms_are_refused(platform: PlatformMaker, changed: dict[str, Any]) -> None:
    scene = Scene(await platform("billing"))
    refused = await scene.try_start("s", **{k: v for k, v in changed.items() if k != "session_id"} | changed)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


async def test_only_services_ask_about_holds(platform: PlatformMaker) -> None:
    p = await platform("billing")
    calls = [
        ("POST", "/internal/accounts"), ("POST", "/internal/holds"), ("GET", "/internal/holds/s"),
        ("POST", "/internal/holds/s/end"), ("POST", "/internal/sweep"), ("POST", "/api/billing/charge"),
    ]  # fmt: skip
    for method, path in calls:
        for token in (None, p.user(VIEWER), p.user(CREATOR, "operator")):
            assert (await p.call(method, "billing", path, json={}, token=token)).status_code == 403, path


async def test_unknown_sessions_are_not_found(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    ending = {"wall_ms": 0, "rate": 1.0}
    for method, path, body in (("GET", "/internal/holds/x", None), ("POST", "/internal/holds/x/end", ending)):
        assert (await scene.internal(method, path, body)).status_code == 404
    assert (await scene.internal("POST", "/api/billing/charge", {"session_id": "x", "seen_ms": 1})).status_code == 404


async def test_money_of_a_session_nobody_ended_comes_back(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=100)
    await scene.start("lost", video_id=1)
    await scene.start("alive", video_id=2)
    await scene.db.run("update hold set expires_at = now() - interval '1 second' where session_id = 'lost'")
    assert (await scene.sweep())["released"] == 1
    held = "select held_micros from hold where session_id = :session"
    assert [await scene.db.value(held, session=s) for s in ("lost", "alive")] == [0, 2 * MINUTE]
    assert (await scene.sweep())["released"] == 0
    # A heartbeat says that the viewer is there after all, and so does a fetch.
    assert (await scene.hold("lost")).held_micros == 2 * MINUTE
    await check_books(scene.db)


async def test_the_other_services_speak_to_it_through_their_clients(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit()
    video = VideoFacts(VIDEO, "Film", CREATOR, 6, FILM_MS, "ready", "public", 1, audio_only=True)
    async with Clients(scene.p.settings, caller="streaming") as clients:
        await clients.billing_open_account(OTHER)
        opened = await clients.billing_open_hold("s", VIEWER, video, free=False)
        assert opened == await clients.billing_hold("s")
        await scene.log(*played("s", 0, 8_000, rendition="audio-0"))
        assert (await clients.billing_end_hold("s", 60_000, 1.5)).charged_micros == 8_000
        with pytest.raises(Problem, match="does not cover") as refused:
            await clients.billing_open_hold("t", OTHER, video, free=False)
        assert (refused.value.status, refused.value.code, refused.value.fields["required"]) == (
            402, "insufficient_balance", 6,
        )  # fmt: skip
        assert set((await clients.billing_sweep()).values()) == {0}


async def test_a_heartbeat_keeps_a_hold(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing"))
    await scene.deposit()
    await scene.start("s")
    await scene.db.run("update hold set expires_at = now() + interval '1 second'")
    await scene.hold("s")
    assert await scene.db.value("select expires_at > now() + interval '4 minutes' from hold") is True
