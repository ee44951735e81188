"""Every request that moves money: a key is required, bound to its user and body, and answered the same for ever."""

import asyncio
from typing import Any

import pytest

from tests.billing.scenes import OTHER, VIEWER, Scene, check_books
from tests.conftest import PlatformMaker

OPERATOR = 1
REQUESTS: dict[str, tuple[object, object]] = {
    "deposit": ({"amount": 500}, {"amount": 501}),
    "refunds": ({"session_id": "s", "reason": "sorry"}, {"session_id": "s", "reason": "sorry", "amount": 1}),
    "adjustments": (
        {"user_id": VIEWER, "amount": 500, "reason": "gift"},
        {"user_id": OTHER, "amount": 500, "reason": "gift"},
    ),
    "payouts": ({"amount": 100}, {}),
}


async def scene(platform: PlatformMaker) -> Scene:
    """Everything that each kind of request needs: a finished session, and matured earnings of the operator's."""
    s = Scene(await platform("billing", PAYOUT_HOLD_DAYS="0", PAYOUT_MINIMUM="100"))
    await s.deposit()
    await s.db.run("alter table journal alter column created_at set default now() - interval '2 days'")
    await s.finished("film", 600_000, price_per_minute=60, creator_id=OPERATOR)
    await s.db.run("alter table journal alter column created_at set default now()")
    await s.finished("s", video_id=6)
    for _ in range(3):
        await s.sweep()
    return s


async def send(s: Scene, path: str, body: object, key: str, user: int = OPERATOR) -> Any:
    return await s.money(path, body, key, user=user, role="operator")


async def journals(s: Scene) -> int:
    return int(await s.db.value("select count(*) from journal"))


@pytest.mark.parametrize("path", REQUESTS)
async def test_concurrent_repeats_have_one_effect_and_one_answer(platform: PlatformMaker, path: str) -> None:
    s = await scene(platform)
    before, body = await journals(s), REQUESTS[path][0]
    answers = await asyncio.gather(*(send(s, path, body, "key") for _ in range(16)))
    assert {a.status_code for a in answers} == {201}, answers[0].text
    assert len({a.text for a in answers}) == 1
    assert await journals(s) == before + 1
    assert (await send(s, path, body, "key")).text == answers[0].text
    await check_books(s.db)


@pytest.mark.parametrize("path", REQUESTS)
async def test_a_key_is_bound_to_body_and_action(platform: PlatformMaker, path: str) -> None:
    s = await scene(platform)
    assert (await send(s, path, REQUESTS[path][0], "key")).status_code == 201
    before = await journals(s)
    others = [(path, REQUESTS[path][1])] + [(other, REQUESTS[other][0]) for other in REQUESTS if other != path]
    for other, body in others:
        refused = await send(s, other, body, "key")
        assert (refused.status_code, refused.json()["code"]) == (409, "key_reused"), other
    assert await journals(s) == before


@pytest.mark.parametrize("path", REQUESTS)
@pytest.mark.parametrize("key", ["", "k" * 201])
async def test_a_key_is_required(platform: PlatformMaker, path: str, key: str) -> None:
    s = await scene(platform)
    before = await journals(s)
    refused = await send(s, path, REQUESTS[path][0], key)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_required")
    assert await journals(s) == before


async def test_a_payout_is_concluded_once_under_a_key(platform: PlatformMaker) -> None:
    s = await scene(platform)
    payout = (await send(s, "payouts", {}, "ask")).json()["id"]
    path, body = f"payouts/{payout}", {"state": "returned", "reference": "wrong account"}
    assert (await send(s, path, body, "")).json()["code"] == "idempotency_key_required"
    before = await journals(s)
    answers = await asyncio.gather(*(send(s, path, body, "key") for _ in range(8)))
    assert {a.text for a in answers} == {answers[0].text}
    assert (await send(s, path, body, "another")).json()["state"] == "returned"
    assert await journals(s) == before + 1
    for other in ({"state": "paid"}, body | {"reference": "else"}):
        assert (await send(s, path, other, "key")).json()["code"] == "key_reused"
    assert (await send(s, path, {"state": "paid"}, "later")).json()["code"] == "payout_closed"
    await check_books(s.db)


async def test_two_users_may_use_one_key(platform: PlatformMaker) -> None:
    s = await scene(platform)
    for user in (OPERATOR, OTHER):
        assert (await send(s, "deposit", {"amount": 500}, "key", user)).json()["balance"] == 500


async def test_a_refused_request_keeps_no_key(platform: PlatformMaker) -> None:
    s = await scene(platform)
    body = {"user_id": OTHER, "amount": -100, "reason": "mistake"}
    refused = await send(s, "adjustments", body, "key")
    assert (refused.status_code, refused.json()["code"]) == (409, "more_than_there_is")
    await s.deposit(OTHER)
    assert (await send(s, "adjustments", body, "key")).json()["balance"] == 900


async def test_an_operator_adjusts_and_the_user_reads_why(platform: PlatformMaker) -> None:
    s = await scene(platform)
    held = (await s.start("t", video_id=9)).held_micros
    balance = await s.balance_micros()
    too_much = {"user_id": VIEWER, "amount": -(balance - held) // 10_000 - 1, "reason": "mistake"}
    assert (await send(s, "adjustments", too_much, "a")).json()["code"] == "more_than_there_is"
    assert (await send(s, "adjustments", too_much | {"amount": -100}, "b")).status_code == 201
    assert await s.balance_micros() == balance - 1_000_000
    item = (await s.told("transactions?type=adjustment"))["items"][0]
    assert (item["amount"], item["description"]) == (-100, "mistake")
    refused = await s.money("adjustments", too_much | {"amount": 1})
    assert refused.status_code == 403
    for wrong in (0, 10**13, 1.5, None):
        refused = await send(s, "adjustments", too_much | {"amount": wrong}, "c")
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    await check_books(s.db)


async def test_a_charge_needs_no_key_because_it_is_cumulative(platform: PlatformMaker) -> None:
    s = await scene(platform)
    await s.start("c", video_id=9)
    token, body = s.p.service_token("billing"), {"session_id": "c", "seen_ms": 30_000}
    answers = await asyncio.gather(
        *(s.p.call("POST", "billing", "/api/billing/charge", json=body, token=token) for _ in range(8))
    )
    assert {a.json()["charged_micros"] for a in answers} == {30_000}
    await check_books(s.db)
