"""What nobody honest sends: every answer is a typed refusal, never a 500."""

import subprocess
import sys
from collections.abc import AsyncIterator

from tests.auth.accounts import ANN, code, fields, operator
from tests.conftest import PlatformMaker

NO_OBJECTS = [
    b"{",
    b"\xff\xfe",
    b"null",
    b"[]",
    b'"text"',
    b"[" * 50_000,
    b'{"email":' * 5000,
    b'{"email": "\\ud800@example.org", "password": "\\ud800", "refresh_token": "\\ud800", "token": "\\udfff"}',
    b'{"email": NaN, "password": 1e999, "refresh_token": -0, "token": Infinity}',
]
POSTS = ["register", "login", "refresh", "logout", "verify"]


async def test_a_huge_body_is_refused(platform: PlatformMaker) -> None:
    p = await platform("auth")
    for call in POSTS:
        response = await p.call("POST", "auth", f"/api/auth/{call}", content=b"[" * (1 << 20))
        assert code(response) == (413, "too_large"), call


async def test_a_huge_chunked_body_is_refused(platform: PlatformMaker) -> None:
    p = await platform("auth")

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(32):
            yield b"[" * 4096

    response = await p.call("POST", "auth", "/api/auth/login", content=chunks())
    assert code(response) == (413, "too_large")
    assert response.headers["x-request-id"] == response.json()["request_id"]


def test_an_error_in_the_log_does_not_tell_what_was_typed() -> None:
    script = """if True:
        import structlog
        from api import logs
        def sign_in(password):
            raise RuntimeError("the database is away")
        logs.configure()
        try:
            sign_in("".join(["quiet", "-", "harbour"]))
        except RuntimeError:
            structlog.get_logger().exception("request.failed")
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "the database is away" in done.stderr
    assert "quiet-harbour" not in done.stderr


async def test_a_body_that_is_no_json_object_is_invalid(platform: PlatformMaker) -> None:
    p = await platform("auth")
    for call in POSTS:
        for body in NO_OBJECTS:
            response = await p.call("POST", "auth", f"/api/auth/{call}", content=body)
            assert code(response) == (422, "invalid_request"), (call, body[:20])


async def test_a_wrong_value_is_refused_beside_its_field(platform: PlatformMaker) -> None:
    p = await platform("auth")
    login = {"email": ANN["email"], "password": ANN["password"]}
    for value in [None, 7, 1.5, True, [], ["x"], {}, {"$ne": ""}, "a\u0000b", "x" * 5000]:
        for field in ANN:
            response = await p.call("POST", "auth", "/api/auth/register", json=ANN | {field: value})
            assert fields(response) == {field}, value
        for field in login:
            assert fields(await p.call("POST", "auth", "/api/auth/login", json=login | {field: value})) == {field}, (
                value
            )


async def test_unknown_and_missing_fields_are_named(platform: PlatformMaker) -> None:
    p = await platform("auth")
    response = await p.call("POST", "auth", "/api/auth/register", json={"email": ANN["email"], "admin": True})
    assert fields(response) == {"password", "first_name", "last_name", "admin"}
    assert fields(await p.call("POST", "auth", "/api/auth/verify", content=b"")) == {"token"}


async def test_sql_in_a_field_is_only_text(platform: PlatformMaker) -> None:
    p = await platform("auth")
    name = "Robert'); drop table users; --"
    response = await p.call("POST", "auth", "/api/auth/register", json=ANN | {"first_name": name})
    assert response.json()["user"]["first_name"] == name


async def test_odd_ids_and_pages_are_refused(platform: PlatformMaker) -> None:
    p = await platform("auth")
    token = (await operator(p))["access_token"]
    for user_id in ["0", "-1", "x", "1.5", "2147483648", "9" * 5000, "%00"]:
        response = await p.call("PUT", "auth", f"/api/auth/users/{user_id}", token=token, json={"disabled": True})
        assert code(response) == (404, "not_found"), user_id[:20]
    for query in ["page=0", "page=9999999999", "per_page=101", "page=x", "query=%00", "sort=x", "query=" + "x" * 255]:
        response = await p.call("GET", "auth", f"/api/auth/users?{query}", token=token)
        assert code(response) == (422, "invalid_request"), query


async def test_odd_ids_from_a_service_are_refused(platform: PlatformMaker) -> None:
    p = await platform("auth")
    for query in ["", "ids=x", "ids=1,,2", "ids=0", "ids=2147483648", "ids=1&more=2"]:
        response = await p.call("GET", "auth", f"/internal/users?{query}", token=p.service_token("auth"))
        assert code(response) == (422, "invalid_request"), query


async def test_the_wrong_method_is_refused(platform: PlatformMaker) -> None:
    p = await platform("auth")
    for call in POSTS:
        assert code(await p.call("GET", "auth", f"/api/auth/{call}")) == (405, "method_not_allowed")
