"""Access tokens: what is in them, who verifies them, and which forgeries are refused."""

import base64
import hashlib
import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.auth.keys import SigningKey
from api.clients import Clients
from api.identity import Identity, KeyRing
from tests.auth.accounts import code, register
from tests.conftest import Platform, PlatformMaker

KEY = SigningKey("j" * 40)  # the platform fixture's JWT_SECRET
PUBLIC = KEY.jwks()["keys"][0]


def _claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    return {"iss": "streamify", "aud": "streamify", "sub": "1", "role": "user", "iat": now, "exp": now + 60} | changed


def _signed(claims: dict[str, Any], kid: str = KEY.kid) -> str:
    return jwt.encode(claims, KEY._private, "EdDSA", headers={"kid": kid})


def _unsigned(header: dict[str, Any], signature: str = "") -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, _claims())]
    return ".".join([*parts, signature])


def _hs256_with_the_public_key() -> str:
    # pyjwt refuses to encode this; a forger's own code does not.
    signed = _unsigned({"alg": "HS256", "kid": KEY.kid, "typ": "JWT"})[:-1]
    secret = base64.urlsafe_b64decode(PUBLIC["x"] + "=")
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(signed.encode(), secret)
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


FORGED = {
    "empty": "",
    "text": "not a token",
    "control characters": "a\u0000.b.c",
    "alg none": _unsigned({"alg": "none", "kid": KEY.kid}),
    "alg NONE, no kid": _unsigned({"alg": "NONE"}),
    "EdDSA without a signature": _unsigned({"alg": "EdDSA", "kid": KEY.kid}),
    "HS256 with the public key": _hs256_with_the_public_key(),
    "a key of their own": jwt.encode(_claims(), Ed25519PrivateKey.generate(), "EdDSA", headers={"kid": KEY.kid}),
    "unknown kid": _signed(_claims(), kid="other"),
    "expired": _signed(_claims(exp=int(time.time()) - 1)),
    "not yet issued": _signed(_claims(iat=int(time.time()) + 3600)),
    "another audience": _signed(_claims(aud="elsewhere")),
    "another issuer": _signed(_claims(iss="elsewhere")),
    "no expiry": _signed({k: v for k, v in _claims().items() if k != "exp"}),
    "a subject that is no id": _signed(_claims(sub="ann")),
    "nested header": base64.urlsafe_b64encode(b"[" * 3000).decode() + ".e30.",
}


async def _verify(p: Platform, token: str) -> Any:
    return await p.call("POST", "auth", "/api/auth/verify", json={"token": token})


async def test_an_access_token_says_who_until_when(platform: PlatformMaker) -> None:
    p = await platform("auth")
    made = await register(p)
    header = jwt.get_unverified_header(made["access_token"])
    claims = jwt.decode(made["access_token"], options={"verify_signature": False})
    assert header == {"alg": "EdDSA", "typ": "JWT", "kid": KEY.kid}
    assert set(claims) == {"iss", "aud", "sub", "role", "name", "iat", "exp", "jti"}
    assert (claims["iss"], claims["aud"], claims["sub"]) == ("streamify", "streamify", str(made["user"]["id"]))
    assert (claims["role"], claims["name"]) == ("user", "Ann Archer")
    assert claims["exp"] - claims["iat"] == 900


async def test_other_services_verify_it_by_the_published_key(platform: PlatformMaker) -> None:
    p = await platform("auth")
    made = await register(p)
    async with Clients(p.settings, "billing") as clients:
        user = await Identity("billing", "s" * 40, KeyRing(clients.auth_jwks)).user(made["access_token"])
    assert (user.id, user.role, user.name) == (made["user"]["id"], "user", "Ann Archer")


async def test_the_key_set_holds_the_public_half_only(platform: PlatformMaker) -> None:
    p = await platform("auth")
    response = await p.call("GET", "auth", "/.well-known/jwks.json")
    (key,) = response.json()["keys"]
    assert set(key) == {"kty", "crv", "x", "kid", "alg", "use"}
    assert (key["kty"], key["crv"], key["alg"]) == ("OKP", "Ed25519", "EdDSA")
    assert response.headers["cache-control"] == "public, max-age=300"


def test_one_secret_gives_one_key_and_another_secret_another() -> None:
    assert SigningKey("j" * 40).jwks() == KEY.jwks()
    assert SigningKey("k" * 40).kid != KEY.kid


def test_the_key_id_is_the_thumbprint_of_rfc_7638() -> None:
    members = f'{{"crv":"Ed25519","kty":"OKP","x":"{PUBLIC["x"]}"}}'
    assert base64.urlsafe_b64decode(KEY.kid + "=") == hashlib.sha256(members.encode()).digest()


async def test_verify_answers_with_the_user_as_of_now(platform: PlatformMaker) -> None:
    p = await platform("auth")
    made = await register(p)
    response = await _verify(p, made["access_token"])
    assert response.status_code == 200
    assert response.json() == {"valid": True, "user": made["user"]}
    await p.db("auth").run("update users set disabled = true")
    assert code(await _verify(p, made["access_token"])) == (401, "invalid_token")


async def test_the_token_of_a_deleted_user_is_not_valid(platform: PlatformMaker) -> None:
    p = await platform("auth")
    assert code(await _verify(p, _signed(_claims(sub="77")))) == (401, "invalid_token")


async def test_a_forged_token_is_refused_everywhere(platform: PlatformMaker) -> None:
    p = await platform("auth")
    await register(p)
    for kind, token in FORGED.items():
        assert code(await _verify(p, token)) == (401, "invalid_token"), kind
        if kind not in ("empty", "control characters"):  # neither can be in a header
            shown = await p.call("GET", "auth", "/api/auth/profile", token=token)
            assert code(shown) == (401, "invalid_token"), kind


async def test_a_call_without_a_token_asks_for_one(platform: PlatformMaker) -> None:
    p = await platform("auth")
    response = await p.call("GET", "auth", "/api/auth/profile")
    assert code(response) == (401, "unauthenticated")
    assert response.headers["www-authenticate"] == "Bearer"
