"""Operators and users, and the calls of other services."""

from typing import Any

import pytest

from api.clients import Clients, Person
from tests.auth.accounts import code, login, operator, refresh, register
from tests.conftest import Platform, PlatformMaker
from tests.streaming.playback import add_session, column


async def _put(p: Platform, token: str, user_id: int, body: dict[str, Any]) -> Any:
    return await p.call("PUT", "auth", f"/api/auth/users/{user_id}", token=token, json=body)


async def test_an_unknown_address_becomes_an_operator_with_a_random_password(platform: PlatformMaker) -> None:
    p = await platform("auth")
    async with Clients(p.settings, "command") as clients:
        made = await clients.auth_make_operator("Chief@example.org")
        again = await clients.auth_make_operator("chief@example.org")
    assert made.email == "chief@example.org"
    assert made.password
    assert len(made.password) >= 16
    assert (again.id, again.password) == (made.id, None)
    assert (await login(p, "chief@example.org", made.password)).json()["user"]["role"] == "operator"


async def test_a_known_user_is_promoted_and_keeps_the_password(platform: PlatformMaker) -> None:
    p = await platform("auth")
    made = await register(p)
    async with Clients(p.settings, "command") as clients:
        promoted = await clients.auth_make_operator("ann@example.org")
    assert (promoted.id, promoted.password) == (made["user"]["id"], None)
    assert (await login(p)).json()["user"]["role"] == "operator"


async def test_people_are_names_of_those_who_exist(platform: PlatformMaker) -> None:
    p = await platform("auth")
    ann = (await register(p))["user"]["id"]
    bob = (await register(p, email="bob@example.org", first_name="Bob"))["user"]["id"]
    async with Clients(p.settings, "videos") as clients:
        assert await clients.auth_people([bob, 999, ann]) == [Person(ann, "Ann Archer"), Person(bob, "Bob Archer")]
        assert await clients.auth_people([]) == []


@pytest.mark.parametrize(("method", "path"), [("GET", "/internal/users?ids=1"), ("POST", "/internal/operators")])
async def test_internal_calls_are_for_services_only(platform: PlatformMaker, method: str, path: str) -> None:
    p = await platform("auth")
    chief = await operator(p)
    for token in (None, chief["access_token"], p.service_token("billing")):
        assert code(await p.call(method, "auth", path, token=token)) == (403, "forbidden")


async def test_operators_page_through_users_newest_first(platform: PlatformMaker) -> None:
    p = await platform("auth")
    token = (await operator(p))["access_token"]
    for name in ("Ann", "Bob", "Cy"):
        await register(p, email=f"{name}@example.org", first_name=name)
    page = (await p.call("GET", "auth", "/api/auth/users?per_page=2&page=2", token=token)).json()
    assert (page["page"], page["per_page"], page["total"]) == (2, 2, 4)
    assert [user["first_name"] for user in page["items"]] == ["Ann", "Platform"]
    assert page["items"][0]["disabled"] is False
    assert "password" not in page["items"][0]
    found = (await p.call("GET", "auth", "/api/auth/users?query=BOB%20arch", token=token)).json()
    assert (found["total"], found["items"][0]["email"]) == (1, "bob@example.org")


async def test_users_are_no_operators(platform: PlatformMaker) -> None:
    p = await platform("auth")
    made = await register(p)
    token = made["access_token"]
    assert code(await p.call("GET", "auth", "/api/auth/users", token=token)) == (403, "forbidden")
    assert code(await _put(p, token, made["user"]["id"], {"role": "operator"})) == (403, "forbidden")
    assert code(await p.call("GET", "auth", "/api/auth/users")) == (401, "unauthenticated")


async def test_a_demoted_operator_loses_the_users_at_once(platform: PlatformMaker) -> None:
    p = await platform("auth")
    chief, other = await operator(p), await operator(p, "other@example.org")
    demoted = await _put(p, chief["access_token"], other["user"]["id"], {"role": "user"})
    assert (demoted.status_code, demoted.json()["role"]) == (200, "user")
    response = await p.call("GET", "auth", "/api/auth/users", token=other["access_token"])
    assert code(response) == (403, "forbidden")
    assert (await refresh(p, other["refresh_token"])).json()["user"]["role"] == "user"


async def test_an_operator_cannot_disable_or_demote_themselves(platform: PlatformMaker) -> None:
    p = await platform("auth")
    chief = await operator(p)
    for body in ({"disabled": True}, {"role": "user"}):
        assert code(await _put(p, chief["access_token"], chief["user"]["id"], body)) == (409, "own_account")


async def test_an_unknown_user_cannot_be_changed(platform: PlatformMaker) -> None:
    p = await platform("auth")
    token = (await operator(p))["access_token"]
    assert code(await _put(p, token, 999, {"disabled": True})) == (404, "not_found")


async def test_disabling_a_user_ends_their_playback_and_nobody_elses(platform: PlatformMaker) -> None:
    p = await platform("auth", "streaming")
    token, made = (await operator(p))["access_token"], await register(p)
    theirs = await add_session(p, user_id=made["user"]["id"])
    other = await add_session(p, user_id=made["user"]["id"] + 1)
    assert (await _put(p, token, made["user"]["id"], {"disabled": True})).json()["disabled"] is True
    assert (await column(p, theirs, "is_active"), await column(p, other, "is_active")) == (False, True)


async def test_a_user_stays_disabled_while_streaming_is_away(platform: PlatformMaker) -> None:
    p = await platform("auth")
    token, made = (await operator(p))["access_token"], await register(p)
    assert code(await _put(p, token, made["user"]["id"], {"disabled": True})) == (503, "unavailable")
    assert code(await login(p)) == (403, "account_disabled")
    assert code(await refresh(p, made["refresh_token"])) == (401, "invalid_token")


async def test_an_enabled_user_can_sign_in_again_but_old_sign_ins_stay_ended(platform: PlatformMaker) -> None:
    p = await platform("auth")
    token, made = (await operator(p))["access_token"], await register(p)
    await _put(p, token, made["user"]["id"], {"disabled": True})
    enabled = await _put(p, token, made["user"]["id"], {"disabled": False})
    assert (enabled.status_code, enabled.json()["disabled"]) == (200, False)
    assert (await refresh(p, made["refresh_token"])).status_code == 401
    assert (await login(p)).status_code == 200
