"""Money in: once per key, whoever repeats it, in bounds, and nobody else's."""

import asyncio
from typing import Any

import pytest

from tests.billing.scenes import OTHER, VIEWER, Scene, check_books, ledger
from tests.conftest import Platform, PlatformMaker


async def deposit(p: Platform, body: object, key: str | None = "key-1", user: int = VIEWER) -> Any:
    headers = {} if key is None else {"idempotency-key": key}
    return await p.call("POST", "billing", "/api/billing/deposit", json=body, headers=headers, token=p.user(user))


async def test_a_deposit_is_in_the_wallet_at_once(platform: PlatformMaker) -> None:
    p = await platform("billing")
    made = await deposit(p, {"amount": 500})
    assert made.status_code == 201
    assert made.json()["balance"] == 500
    shown = made.json()["transaction"]
    assert (shown["amount"], shown["amount_micros"], shown["transaction_type"]) == (500, 5_000_000, "deposit")
    balance = (await p.call("GET", "billing", "/api/billing/balance", token=p.user(VIEWER))).json()
    assert balance == {
        "user_id": VIEWER, "balance": 500, "balance_micros": 5_000_000, "held": 0, "available": 500, "currency": "USD",
    }  # fmt: skip
    assert await ledger(p.db("billing")) == [("clearing_test", 0, -5_000_000), ("wallet", VIEWER, 5_000_000)]


async def test_a_repeated_deposit_has_one_effect_and_one_answer(platform: PlatformMaker) -> None:
    p = await platform("billing")
    answers = await asyncio.gather(*(deposit(p, {"amount": 500}) for _ in range(20)))
    assert {a.status_code for a in answers} == {201}
    assert len({a.text for a in answers}) == 1
    await deposit(p, {"amount": 300}, "key-2")
    assert (await deposit(p, {"amount": 500})).text == answers[0].text
    assert await Scene(p).balance_micros() == 8_000_000
    await check_books(p.db("billing"))


async def test_a_key_belongs_to_one_body_and_one_user(platform: PlatformMaker) -> None:
    p = await platform("billing")
    await deposit(p, {"amount": 500})
    reused = await deposit(p, {"amount": 501})
    assert (reused.status_code, reused.json()["code"]) == (409, "key_reused")
    assert (await deposit(p, {"amount": 501}, user=OTHER)).json()["balance"] == 501
    assert await Scene(p).balance_micros() == 5_000_000


@pytest.mark.parametrize(
    ("body", "key", "code"),
    [
        ({"amount": 500}, None, "idempotency_key_required"),
        ({"amount": 500}, "", "idempotency_key_required"),
        ({"amount": 500}, "k" * 201, "idempotency_key_required"),
        ({"amount": 99}, "k", "amount_out_of_bounds"),
        ({"amount": 100_001}, "k", "amount_out_of_bounds"),
        ({"amount": -500}, "k", "amount_out_of_bounds"),
        ({"amount": 10**30}, "k", "invalid_request"),
        ({"amount": "500"}, "k", "invalid_request"),
        ({"amount": 500.5}, "k", "invalid_request"),
        ({"amount": True}, "k", "invalid_request"),
        ({"amount": 500, "user_id": OTHER}, "k", "invalid_request"),
        ({}, "k", "invalid_request"),
        ([], "k", "invalid_request"),
    ],
)
async def test_a_wrong_deposit_is_refused(platform: PlatformMaker, body: object, key: str | None, code: str) -> None:
    p = await platform("billing")
    refused = await deposit(p, body, key)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert await Scene(p).balance_micros() == 0


async def test_the_bounds_themselves_are_allowed(platform: PlatformMaker) -> None:
    p = await platform("billing")
    assert (await deposit(p, {"amount": 100}, "a")).status_code == 201
    assert (await deposit(p, {"amount": 100_000}, "b")).json()["balance"] == 100_100


async def test_without_a_provider_deposits_are_closed(platform: PlatformMaker) -> None:
    p = await platform("billing", PAYMENT_PROVIDER="none")
    refused = await deposit(p, {"amount": 500})
    assert (refused.status_code, refused.json()["code"]) == (403, "deposits_closed")


async def test_a_deposit_needs_a_user(platform: PlatformMaker) -> None:
    p = await platform("billing")
    for token in (None, p.service_token("billing")):
        headers = {"idempotency-key": "k"}
        body = {"amount": 500}
        refused = await p.call("POST", "billing", "/api/billing/deposit", json=body, headers=headers, token=token)
        assert refused.status_code == 401


async def test_an_account_is_opened_once(platform: PlatformMaker) -> None:
    p = await platform("billing")

    async def create() -> Any:
        return await p.call("POST", "billing", "/api/billing/account/create", token=p.user(VIEWER))

    answers = await asyncio.gather(*(create() for _ in range(5)))
    assert sorted(a.status_code for a in answers) == [200, 200, 200, 200, 201]
    assert len({a.text for a in answers}) == 1
    assert answers[0].json() | {"created_at": ""} == {
        "user_id": VIEWER, "balance": 0, "currency": "USD", "created_at": "",
    }  # fmt: skip
    token = p.service_token("billing")
    for _ in range(2):
        opened = await p.call("POST", "billing", "/internal/accounts", json={"user_id": OTHER}, token=token)
        assert opened.status_code == 204
    assert await p.db("billing").value("select count(*) from billing_accounts") == 2


async def test_minor_units_follow_the_currency(platform: PlatformMaker) -> None:
    p = await platform("billing", CURRENCY="JPY")
    assert (await deposit(p, {"amount": 500})).json()["balance"] == 500
    assert await Scene(p).balance_micros() == 500_000_000
