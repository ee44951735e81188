"""The own profile."""

from typing import Any

from tests.auth.accounts import PASSWORD, code, fields, login, refresh, register
from tests.conftest import Platform, PlatformMaker

NEW = "seven slow snails"


async def _put(p: Platform, token: str, body: dict[str, Any], **headers: str) -> Any:
    return await p.call("PUT", "auth", "/api/auth/profile", token=token, json=body, headers=headers)


async def test_what_is_given_changes_and_the_rest_stays(platform: PlatformMaker) -> None:
    p = await platform("auth")
    made = await register(p)
    changed = await _put(p, made["access_token"], {"first_name": "Anna", "last_name": None})
    assert changed.status_code == 200
    user = changed.json()
    assert user["updated_at"] > made["user"]["updated_at"]
    assert user == made["user"] | {"first_name": "Anna", "updated_at": user["updated_at"]}
    assert (await p.call("GET", "auth", "/api/auth/profile", token=made["access_token"])).json() == user


async def test_the_address_can_change_to_a_free_one(platform: PlatformMaker) -> None:
    p = await platform("auth")
    made = await register(p)
    await register(p, email="bob@example.org")
    assert code(await _put(p, made["access_token"], {"email": "BOB@example.org"})) == (409, "email_taken")
    assert (await _put(p, made["access_token"], {"email": "Anna@example.org"})).json()["email"] == "anna@example.org"
    assert (await login(p, "anna@example.org")).status_code == 200


async def test_a_new_password_needs_the_current_one(platform: PlatformMaker) -> None:
    p = await platform("auth")
    token = (await register(p))["access_token"]
    assert fields(await _put(p, token, {"password": NEW})) == {"current_password"}
    assert fields(await _put(p, token, {"password": NEW, "current_password": "wrong"})) == {"current_password"}
    assert (await _put(p, token, {"password": NEW, "current_password": PASSWORD})).status_code == 200
    assert (await login(p)).status_code == 401
    assert (await login(p, password=NEW)).status_code == 200


async def test_the_current_password_cannot_be_guessed_without_end(platform: PlatformMaker) -> None:
    p = await platform("auth")
    token = (await register(p))["access_token"]
    for n in range(5):
        assert (await _put(p, token, {"password": NEW, "current_password": f"guess {n}"})).status_code == 422
        assert (await _put(p, token, {"email": f"ann{n}@example.org"})).status_code == 200
    response = await _put(p, token, {"password": NEW, "current_password": PASSWORD})
    assert code(response) == (429, "rate_limited")


async def test_a_new_password_ends_the_other_sign_ins(platform: PlatformMaker) -> None:
    p = await platform("auth")
    made = await register(p)
    other = (await login(p)).json()["refresh_token"]
    body = {"password": NEW, "current_password": PASSWORD}
    cookie = f"streamify_refresh={made['refresh_token']}"
    assert (await _put(p, made["access_token"], body, cookie=cookie)).status_code == 200
    assert (await refresh(p, other)).status_code == 401
    assert (await refresh(p, made["refresh_token"])).status_code == 200


async def test_a_new_password_without_the_cookie_ends_all_sign_ins(platform: PlatformMaker) -> None:
    p = await platform("auth")
    made = await register(p)
    await _put(p, made["access_token"], {"password": NEW, "current_password": PASSWORD})
    assert (await refresh(p, made["refresh_token"])).status_code == 401


async def test_nothing_changes_when_one_part_is_refused(platform: PlatformMaker) -> None:
    p = await platform("auth")
    made = await register(p)
    await register(p, email="bob@example.org")
    body = {"password": NEW, "current_password": PASSWORD, "email": "bob@example.org"}
    assert (await _put(p, made["access_token"], body)).status_code == 409
    weak = {"password": "password123", "current_password": PASSWORD, "first_name": "Anna"}
    assert fields(await _put(p, made["access_token"], weak)) == {"password"}
    assert (await login(p)).json()["user"] == made["user"]
    assert (await refresh(p, made["refresh_token"])).status_code == 200


async def test_role_and_disabled_are_not_the_users_to_change(platform: PlatformMaker) -> None:
    p = await platform("auth")
    token = (await register(p))["access_token"]
    assert fields(await _put(p, token, {"role": "operator", "disabled": False})) == {"role", "disabled"}


async def test_a_disabled_users_token_no_longer_opens_the_profile(platform: PlatformMaker) -> None:
    p = await platform("auth")
    token = (await register(p))["access_token"]
    await p.db("auth").run("update users set disabled = true")
    assert code(await p.call("GET", "auth", "/api/auth/profile", token=token)) == (401, "invalid_token")
    assert code(await _put(p, token, {"first_name": "Anna"})) == (401, "invalid_token")
