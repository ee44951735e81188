"""Signing up."""

import asyncio

import pytest

from tests.auth.accounts import ANN, code, fields, login, register
from tests.conftest import PlatformMaker


async def test_a_new_user_gets_an_account_and_is_signed_in(platform: PlatformMaker) -> None:
    p = await platform("auth")
    response = await p.call("POST", "auth", "/api/auth/register", json=ANN)
    body = response.json()
    assert response.status_code == 201
    assert set(body) == {"user", "access_token", "token_type", "expires_in", "refresh_token"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 900)
    assert set(body["user"]) == {"id", "email", "first_name", "last_name", "role", "created_at", "updated_at"}
    assert (body["user"]["email"], body["user"]["role"]) == ("ann@example.org", "user")
    assert body["user"]["created_at"].endswith("Z")
    assert response.headers["cache-control"] == "no-store"


async def test_the_password_is_stored_as_argon2id_only(platform: PlatformMaker) -> None:
    p = await platform("auth")
    await register(p)
    row = await p.db("auth").value("select row(u.*)::text from users u")
    assert "$argon2id$v=19$m=65536,t=3,p=4$" in row
    assert ANN["password"] not in row


async def test_one_address_in_any_spelling_has_one_account(platform: PlatformMaker) -> None:
    p = await platform("auth")
    made = await register(p, email="  Ann@Example.ORG ")
    again = await p.call("POST", "auth", "/api/auth/register", json=ANN)
    assert made["user"]["email"] == "ann@example.org"
    assert code(again) == (409, "email_taken")
    assert (await login(p, "ANN@example.org")).status_code == 200


async def test_of_two_simultaneous_sign_ups_one_wins(platform: PlatformMaker) -> None:
    p = await platform("auth")
    calls = [p.call("POST", "auth", "/api/auth/register", json=ANN) for _ in range(4)]
    statuses = sorted(response.status_code for response in await asyncio.gather(*calls))
    assert statuses == [201, 409, 409, 409]
    assert await p.db("auth").value("select count(*) from users") == 1


@pytest.mark.parametrize("password", ["short", "password123", "aaaaaaaaaaaa", "ann@example.org"])
async def test_a_weak_password_is_refused_beside_its_field(platform: PlatformMaker, password: str) -> None:
    p = await platform("auth")
    response = await p.call("POST", "auth", "/api/auth/register", json=ANN | {"password": password})
    assert fields(response) == {"password"}
    assert response.json()["detail"] == response.json()["errors"][0]["message"]
    assert await p.db("auth").value("select count(*) from users") == 0


async def test_wrong_addresses_are_refused(platform: PlatformMaker) -> None:
    p = await platform("auth")
    wrong = [
        "",
        "ann",
        "ann@",
        "@example.org",
        "ann@example",
        "ann@@example.org",
        "a b@example.org",
        "ann@example..org",
    ]
    wrong += ["ann@" + "x" * 260 + ".org", "ann\u0000@example.org", "ann@exam\nple.org", "a" * 65 + "@example.org"]
    for email in wrong:
        response = await p.call("POST", "auth", "/api/auth/register", json=ANN | {"email": email})
        assert fields(response) == {"email"}, email


async def test_names_are_trimmed_and_must_not_be_empty_or_long(platform: PlatformMaker) -> None:
    p = await platform("auth")
    made = await register(p, first_name="  Zoë ", last_name="Nuñez 李")
    assert (made["user"]["first_name"], made["user"]["last_name"]) == ("Zoë", "Nuñez 李")
    for name in ["", "   ", "x" * 101, "A\u0000nn"]:
        response = await p.call("POST", "auth", "/api/auth/register", json=ANN | {"first_name": name})
        assert fields(response) == {"first_name"}, name
