"""Signing in, and being stopped from guessing."""

import asyncio
import time

from argon2 import PasswordHasher

from api.auth.users import AccountDisabled
from tests.auth.accounts import PASSWORD, code, login, register
from tests.conftest import Platform, PlatformMaker


async def _disable(p: Platform) -> None:
    await p.db("auth").run("update users set disabled = true")


async def test_the_right_password_signs_in(platform: PlatformMaker) -> None:
    p = await platform("auth")
    made = await register(p)
    response = await login(p)
    assert response.status_code == 200
    assert response.json()["user"] == made["user"]
    profile = await p.call("GET", "auth", "/api/auth/profile", token=response.json()["access_token"])
    assert profile.json() == made["user"]


async def test_wrong_password_and_unknown_address_get_the_same_words(platform: PlatformMaker) -> None:
    p = await platform("auth")
    await register(p)
    wrong, unknown = await login(p, password="not the harbour"), await login(p, "bob@example.org")
    assert code(wrong) == code(unknown) == (401, "invalid_credentials")
    assert wrong.json()["detail"] == unknown.json()["detail"]


async def test_an_unknown_address_takes_as_long_as_a_wrong_password(platform: PlatformMaker) -> None:
    p = await platform("auth")
    await register(p)
    seconds: dict[str, list[float]] = {"ann@example.org": [], "bob@example.org": []}
    for _ in range(4):
        for email, taken in seconds.items():
            started = time.perf_counter()
            assert (await login(p, email, "not the harbour")).status_code == 401
            taken.append(time.perf_counter() - started)
    known, unknown = (min(taken) for taken in seconds.values())
    assert 0.5 < unknown / known < 2


async def test_the_sixth_attempt_after_five_failures_must_wait(platform: PlatformMaker) -> None:
    p = await platform("auth")
    await register(p)
    for _ in range(5):
        assert (await login(p, password="not the harbour")).status_code == 401
    response = await login(p)
    assert code(response) == (429, "rate_limited")
    assert 0 < int(response.headers["retry-after"]) <= 900
    assert response.json()["retry_after"] == int(response.headers["retry-after"])
    assert (await login(p, headers={"x-real-ip": "192.0.2.7"})).status_code == 200


async def test_a_burst_of_guesses_gets_no_more_than_five(platform: PlatformMaker) -> None:
    p = await platform("auth")
    await register(p)
    guesses = await asyncio.gather(*(login(p, password=f"guess number {n}") for n in range(12)))
    assert sorted(guess.status_code for guess in guesses) == [401] * 5 + [429] * 7


async def test_a_success_forgets_the_failures_before_it(platform: PlatformMaker) -> None:
    p = await platform("auth")
    await register(p)
    for _ in range(2):
        for _ in range(4):
            assert (await login(p, password="not the harbour")).status_code == 401
        assert (await login(p)).status_code == 200


async def test_sign_in_works_while_redis_is_away(platform: PlatformMaker) -> None:
    p = await platform("auth", REDIS_URL="redis://127.0.0.1:1/0")
    await register(p)
    assert (await login(p)).status_code == 200
    assert (await login(p, password="not the harbour")).status_code == 401


async def test_a_disabled_user_learns_so_only_with_the_right_password(platform: PlatformMaker) -> None:
    p = await platform("auth")
    await register(p)
    await _disable(p)
    assert code(await login(p)) == (403, AccountDisabled.code)
    assert code(await login(p, password="not the harbour")) == (401, "invalid_credentials")


async def test_a_hash_of_older_parameters_is_renewed_at_sign_in(platform: PlatformMaker) -> None:
    p = await platform("auth")
    await register(p)
    old = PasswordHasher(time_cost=1, memory_cost=8192).hash(PASSWORD)
    await p.db("auth").run("update users set password = :old", old=old)
    assert (await login(p)).status_code == 200
    assert "m=65536,t=3,p=4" in await p.db("auth").value("select password from users")
    assert (await login(p)).status_code == 200


async def test_the_addresses_of_one_ipv6_customer_count_as_one(platform: PlatformMaker) -> None:
    p = await platform("auth")
    await register(p)
    for n in range(5):
        headers = {"x-real-ip": f"2001:db8:0:7::{n}"}
        assert (await login(p, password="not the harbour", headers=headers)).status_code == 401
    assert (await login(p, headers={"x-real-ip": "2001:db8:0:7:ffff::1"})).status_code == 429
    assert (await login(p, headers={"x-real-ip": "2001:db8:0:8::1"})).status_code == 200
