"""What every service does alike: health, metrics, request ids, problems, limits, identities."""

import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.settings import SERVICES
from tests.conftest import PlatformMaker

PROTECTED = "/api/billing/balance"


@pytest.mark.parametrize("name", SERVICES)
async def test_health_names_its_checks(platform: PlatformMaker, name: str) -> None:
    p = await platform(name)
    body = (await p.call("GET", name, "/health")).json()
    assert (body["status"], body["service"]) == ("ok", name)
    assert {"database": "ok", "redis": "ok"}.items() <= body["checks"].items()
    assert (await p.call("GET", name, "/health/live")).json() == {"status": "ok"}


async def test_health_is_503_without_redis(platform: PlatformMaker) -> None:
    p = await platform("billing", REDIS_URL="redis://127.0.0.1:1/0")
    answer = await p.call("GET", "billing", "/health")
    assert (answer.status_code, answer.json()["checks"]["database"]) == (503, "ok")
    assert "ConnectionError" in answer.json()["checks"]["redis"]


async def test_metrics_count_requests(platform: PlatformMaker) -> None:
    p = await platform("billing")
    await p.call("GET", "billing", "/nowhere")
    text = (await p.call("GET", "billing", "/metrics")).text
    assert 'http_requests_total{endpoint="none",method="GET",service="billing",status="404"}' in text


async def test_errors_are_problems_with_the_id_of_the_request(platform: PlatformMaker) -> None:
    p = await platform("billing")
    answer = await p.call("GET", "billing", "/nowhere", headers={"x-request-id": "abcdef0123456789"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "abcdef0123456789"
    assert (answer.json()["status"], answer.json()["code"]) == (404, "not_found")


async def test_a_request_id_with_other_characters_is_replaced(platform: PlatformMaker) -> None:
    p = await platform("billing")
    answer = await p.call("GET", "billing", "/nowhere", headers={"x-request-id": 'x" injected'})
    assert len(answer.headers["x-request-id"]) == 32


async def test_the_limit_is_told_and_kept(platform: PlatformMaker) -> None:
    p = await platform("billing", RATE_LIMIT_MAX_REQUESTS="3")
    answers = [await p.call("GET", "billing", PROTECTED) for _ in range(4)]
    assert [a.status_code for a in answers] == [401, 401, 401, 429]
    assert [a.headers["ratelimit-remaining"] for a in answers] == ["2", "1", "0", "0"]
    assert answers[3].json()["code"] == "rate_limited"
    assert int(answers[3].headers["retry-after"]) > 0


async def test_a_signed_in_user_has_a_limit_of_their_own(platform: PlatformMaker) -> None:
    p = await platform("billing", RATE_LIMIT_MAX_REQUESTS="1", RATE_LIMIT_USER_MAX_REQUESTS="2")
    answers = [await p.call("GET", "billing", PROTECTED, token=p.user(7)) for _ in range(3)]
    assert answers[2].status_code == 429
    assert (await p.call("GET", "billing", PROTECTED, token=p.user(8))).status_code != 429


async def test_without_redis_requests_pass(platform: PlatformMaker) -> None:
    p = await platform("billing", REDIS_URL="redis://127.0.0.1:1/0", RATE_LIMIT_MAX_REQUESTS="1")
    assert [(await p.call("GET", "billing", PROTECTED)).status_code for _ in range(2)] == [401, 401]


def token(key: Any, algorithm: str, **changed: Any) -> str:
    now = int(time.time())
    claims = {"iss": "streamify", "aud": "streamify", "sub": "7", "iat": now, "exp": now + 60} | changed
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, key, algorithm, headers={"kid": "test"})


async def test_tokens_that_auth_did_not_sign_are_refused(platform: PlatformMaker) -> None:
    p = await platform("billing")
    stranger = Ed25519PrivateKey.generate()
    wrong = [
        token(stranger, "EdDSA"),
        token("s" * 40, "HS256"),
        token(None, "none"),
        p.user(7)[:-4] + "AAAA",
        p.service_token("billing"),
        "not a token",
    ]
    answers = [await p.call("GET", "billing", PROTECTED, token=t) for t in wrong]
    assert [(a.status_code, a.json()["code"]) for a in answers] == [(401, "invalid_token")] * len(wrong)


async def test_internal_calls_need_a_token_for_this_very_service(platform: PlatformMaker) -> None:
    p = await platform("billing")
    for shown in (None, p.user(7, "operator"), p.service_token("videos")):
        answer = await p.call("POST", "billing", "/internal/sweep", token=shown)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert (await p.call("POST", "billing", "/internal/sweep", token=p.service_token("billing"))).status_code == 200
