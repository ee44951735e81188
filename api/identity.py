"""Who is calling: users by the Ed25519 access token of auth, services by a 60-second token. Both verified locally.

Routes call `require_user`, `require_operator`, `optional_user` or `require_service`; nothing else reads credentials.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Literal

import jwt
from starlette.requests import Request

from api.problems import Forbidden, Unauthenticated, Unavailable

ISSUER = "streamify"
SERVICE_TOKEN_S = 60
KEYS_FRESH_S = 300
KEYS_RETRY_S = 5

Role = Literal["user", "operator"]


@dataclass(frozen=True)
class User:
    id: int
    role: Role
    name: str

    @property
    def is_operator(self) -> bool:
        return self.role == "operator"


class InvalidToken(Unauthenticated):
    code = "invalid_token"
    detail = "The access token is not valid or has expired. Refresh it or sign in again."


class KeyRing:
    """Auth's public keys, fetched from its JWKS and kept; an unknown key id asks again, at most every 5 s."""

    def __init__(self, fetch: Any) -> None:
        self._fetch = fetch
        self._keys: dict[str, Any] = {}
        self._fetched_at = 0.0
        self._tried_at = -1e9
        self._lock = asyncio.Lock()

    async def key(self, kid: str) -> Any:
        """The public key named `kid`; raises InvalidToken when auth knows none, Unavailable when auth is away."""
        if kid not in self._keys or time.monotonic() - self._fetched_at > KEYS_FRESH_S:
            await self._refresh(kid)
        if kid not in self._keys:
            raise InvalidToken
        return self._keys[kid]

    async def _refresh(self, kid: str) -> None:
        async with self._lock:
            if time.monotonic() - self._tried_at < KEYS_RETRY_S:
                return
            self._tried_at = time.monotonic()
            try:
                found: dict[str, Any] = await self._fetch()
            except Exception as error:
                if kid in self._keys:
                    return
                self._tried_at = -1e9
                raise Unavailable("The sign-in service does not answer. Try again in a moment.") from error
            self._keys = {k["kid"]: jwt.PyJWK(k, algorithm="EdDSA").key for k in found["keys"]}
            self._fetched_at = time.monotonic()


class Identity:
    """Verifies what a request shows. One per process, in `request.state.identity`."""

    def __init__(self, service: str, service_secret: str, ring: KeyRing) -> None:
        self._service, self._secret, self._ring = service, service_secret, ring

    async def user(self, token: str) -> User:
        """The user an access token speaks for (RFC 7519; EdDSA only); raises InvalidToken."""
        try:
            kid = jwt.get_unverified_header(token).get("kid", "")
            key = await self._ring.key(str(kid))
            claims = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                audience=ISSUER,
                issuer=ISSUER,
                options={"require": ["exp", "iat", "sub", "aud", "iss"]},
            )
            role: Role = "operator" if claims.get("role") == "operator" else "user"
            return User(int(claims["sub"]), role, str(claims.get("name", "")))
        except (jwt.PyJWTError, ValueError) as error:
            raise InvalidToken from error

    def caller(self, token: str) -> str:
        """The name of the service a service token speaks for; raises InvalidToken."""
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=["HS256"],
                audience=self._service,
                options={"require": ["exp", "iat", "iss", "aud"]},
            )
        except jwt.PyJWTError as error:
            raise InvalidToken from error
        return str(claims["iss"])


def service_token(secret: str, caller: str, callee: str) -> str:
    """A 60-second token with which `caller` calls `callee`."""
    now = int(time.time())
    return jwt.encode({"iss": caller, "aud": callee, "iat": now, "exp": now + SERVICE_TOKEN_S}, secret, "HS256")


def bearer(request: Request) -> str | None:
    """The bearer token of the Authorization header (RFC 6750), or None."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


async def optional_user(request: Request) -> User | None:
    """The caller if a token is shown; a wrong token is an error, not an anonymous caller."""
    token = bearer(request)
    if token is None:
        return None
    identity: Identity = request.state.identity
    return await identity.user(token)


async def require_user(request: Request) -> User:
    user = await optional_user(request)
    if user is None:
        raise Unauthenticated
    return user


async def require_operator(request: Request) -> User:
    user = await require_user(request)
    if not user.is_operator:
        raise Forbidden("Only operators may do this.")
    return user


def require_service(request: Request) -> str:
    """The calling service's name. Anything else is 403, on public prefixes too."""
    token = bearer(request)
    if token is None:
        raise Forbidden("This call is for the platform's own services.")
    identity: Identity = request.state.identity
    try:
        return identity.caller(token)
    except InvalidToken as error:
        raise Forbidden("This call is for the platform's own services.") from error
