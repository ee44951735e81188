"""Refresh tokens: rotation, reuse, the grace for races, the cookie, signing out."""

import asyncio
import hashlib
import uuid
from typing import Any

from api.auth import queries
from tests.auth.accounts import code, login, refresh, register
from tests.conftest import Platform, PlatformMaker

COOKIE = "streamify_refresh"


async def _age(p: Platform, seconds: int) -> None:
    """Let time pass for the stored tokens."""
    await p.db("auth").run(
        """
        update refresh_tokens set spent_at = spent_at - make_interval(secs => :seconds),
            expires_at = expires_at - make_interval(secs => :seconds)
        """,
        seconds=seconds,
    )


async def _post(p: Platform, call: str, token: str, **headers: str) -> Any:
    headers["cookie"] = f"{COOKIE}={token}"
    response = await p.call("POST", "auth", f"/api/auth/{call}", headers=headers)
    p.http.cookies.clear()
    return response


async def test_a_refresh_token_gives_a_new_pair(platform: PlatformMaker) -> None:
    p = await platform("auth")
    made = await register(p)
    response = await refresh(p, made["refresh_token"])
    body = response.json()
    assert response.status_code == 200
    assert body["user"] == made["user"]
    assert body["refresh_token"] != made["refresh_token"]
    assert body["access_token"] != made["access_token"]
    assert (await refresh(p, body["refresh_token"])).status_code == 200


async def test_only_hashes_of_refresh_tokens_are_stored(platform: PlatformMaker) -> None:
    p = await platform("auth")
    token = (await register(p))["refresh_token"]
    assert len(token) == 43
    assert await p.db("auth").value(
        "select token_hash = sha256(:token::bytea) from refresh_tokens", token=token.encode()
    )


async def test_a_spent_token_shown_again_ends_the_whole_family(platform: PlatformMaker) -> None:
    p = await platform("auth")
    first = (await register(p))["refresh_token"]
    second = (await refresh(p, first)).json()["refresh_token"]
    await _age(p, 11)
    assert code(await refresh(p, first)) == (401, "invalid_token")
    assert code(await refresh(p, second)) == (401, "invalid_token")
    assert (await login(p)).status_code == 200


async def test_reuse_in_one_family_leaves_other_sign_ins_alone(platform: PlatformMaker) -> None:
    p = await platform("auth")
    first = (await register(p))["refresh_token"]
    other = (await login(p)).json()["refresh_token"]
    await refresh(p, first)
    await _age(p, 11)
    assert (await refresh(p, first)).status_code == 401
    assert (await refresh(p, other)).status_code == 200


async def test_tabs_that_refresh_together_all_stay_signed_in(platform: PlatformMaker) -> None:
    p = await platform("auth")
    token = (await register(p))["refresh_token"]
    racers = await asyncio.gather(*(refresh(p, token) for _ in range(6)))
    assert [racer.status_code for racer in racers] == [200] * 6
    tokens = {racer.json()["refresh_token"] for racer in racers}
    assert len(tokens) == 6
    await _age(p, 11)
    assert {(await refresh(p, each)).status_code for each in tokens} == {200}


async def test_reuses_and_rotations_at_once_leave_no_token_alive(platform: PlatformMaker) -> None:
    p = await platform("auth")
    user_id = (await register(p))["user"]["id"]
    async with p.db("auth").transaction() as tx:
        await queries.delete_families(tx, user_id)
        for n in range(40):
            family_id = uuid.uuid4()
            await queries.add_family(tx, family_id, user_id)
            for token in (f"spent {n}", f"fresh {n}"):
                await queries.add_token(tx, hashlib.sha256(token.encode()).digest(), family_id, 3600)
            await queries.spend_token(tx, hashlib.sha256(f"spent {n}".encode()).digest())
    await _age(p, 11)
    racers = [refresh(p, f"{kind} {n}") for n in range(40) for kind in ("fresh", "spent")]
    statuses = [response.status_code for response in await asyncio.gather(*racers)]
    assert set(statuses[1::2]) == {401}
    assert set(statuses[0::2]) <= {200, 401}
    assert await p.db("auth").value("select count(*) from refresh_tokens") == 0


async def test_an_expired_token_is_refused_and_later_forgotten(platform: PlatformMaker) -> None:
    p = await platform("auth")
    token = (await register(p))["refresh_token"]
    await _age(p, 30 * 24 * 3600)
    assert code(await refresh(p, token)) == (401, "invalid_token")
    await login(p)
    assert await p.db("auth").value("select count(*) from refresh_families") == 1


async def test_rotation_forgets_expired_tokens_of_its_family(platform: PlatformMaker) -> None:
    p = await platform("auth")
    token = (await register(p))["refresh_token"]
    second = (await refresh(p, token)).json()["refresh_token"]
    await p.db("auth").run("update refresh_tokens set expires_at = now() where spent_at is not null")
    assert (await refresh(p, second)).status_code == 200
    assert await p.db("auth").value("select count(*) from refresh_tokens") == 2


async def test_an_unknown_token_is_refused(platform: PlatformMaker) -> None:
    p = await platform("auth")
    for token in ["", "x", "é" * 20, "a\u0000b", "a" * 256]:
        assert code(await refresh(p, token)) == (401, "invalid_token"), token


async def test_a_disabled_user_cannot_refresh(platform: PlatformMaker) -> None:
    p = await platform("auth")
    token = (await register(p))["refresh_token"]
    await p.db("auth").run("update users set disabled = true")
    assert code(await refresh(p, token)) == (401, "invalid_token")


async def test_pages_refresh_by_an_http_only_cookie(platform: PlatformMaker) -> None:
    p = await platform("auth")
    await register(p)
    cookie = (await login(p)).headers["set-cookie"]
    assert {"HttpOnly", "Path=/api/auth", "SameSite=lax", "Max-Age=2592000"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    token = cookie.split(";")[0].partition("=")[2]
    response = await _post(p, "refresh", token)
    assert response.status_code == 200
    assert f"{COOKIE}={response.json()['refresh_token']};" in response.headers["set-cookie"]


async def test_the_cookie_is_secure_under_https(platform: PlatformMaker) -> None:
    p = await platform("auth", PUBLIC_URL="https://films.example.org")
    await register(p)
    assert "Secure" in (await login(p)).headers["set-cookie"].split("; ")


async def test_a_foreign_page_can_use_neither_cookie_nor_sign_in(platform: PlatformMaker) -> None:
    p = await platform("auth")
    token = (await register(p))["refresh_token"]
    for origin in ["https://evil.example", "null", "http://[", ""]:
        assert code(await _post(p, "refresh", token, origin=origin)) == (403, "cross_origin")
        assert code(await _post(p, "logout", token, origin=origin)) == (403, "cross_origin")
        assert code(await login(p, headers={"origin": origin})) == (403, "cross_origin")
    assert (await refresh(p, token)).status_code == 200


async def test_own_pages_and_configured_origins_may_use_the_cookie(platform: PlatformMaker) -> None:
    p = await platform(
        "auth", PUBLIC_URL="https://films.example.org/", CORS_ORIGINS="https://a.example, https://b.example"
    )
    token = (await register(p))["refresh_token"]
    own_port = p.settings.service_url("auth")
    for origin in ["https://films.example.org", "https://a.example", "https://b.example", own_port]:
        response = await _post(p, "refresh", token, origin=origin)
        assert response.status_code == 200, origin
        token = response.json()["refresh_token"]


async def test_signing_out_ends_the_sign_in_and_drops_the_cookie(platform: PlatformMaker) -> None:
    p = await platform("auth")
    token = (await register(p))["refresh_token"]
    response = await _post(p, "logout", token)
    assert response.status_code == 204
    assert response.content == b""
    assert "Max-Age=0" in response.headers["set-cookie"]
    assert (await refresh(p, token)).status_code == 401


async def test_signing_out_by_body_or_without_a_sign_in_is_fine(platform: PlatformMaker) -> None:
    p = await platform("auth")
    token = (await register(p))["refresh_token"]
    for body in [{"refresh_token": token}, {"refresh_token": token}, {}]:
        assert (await p.call("POST", "auth", "/api/auth/logout", json=body)).status_code == 204
    assert (await refresh(p, token)).status_code == 401
