"""Grants: the access token and refresh token that a sign-in hands out, and the rotation of the second.

A refresh token is 256 random bits of which only the SHA-256 is stored. It works once and gives its successor in the
same family; a spent one shown again means that somebody copied it, and ends the whole family. For ten seconds it still
works, because two tabs that wake together show the same cookie.
"""

import hashlib
import secrets
import uuid
from dataclasses import dataclass

import structlog

from api.auth import queries
from api.auth.keys import SigningKey
from api.auth.queries import User
from api.database import Database, Queries
from api.identity import InvalidToken

REFRESH_S = 30 * 24 * 3600
GRACE_S = 10

log = structlog.get_logger()


class InvalidRefreshToken(InvalidToken):
    detail = "This sign-in has ended or was used elsewhere. Sign in again."


@dataclass(frozen=True)
class Grant:
    user: User
    access_token: str
    refresh_token: str


async def open_grant(db: Database, key: SigningKey, user: User) -> Grant:
    """The first grant of a sign-in."""
    async with db.transaction() as tx:
        await queries.delete_expired_families(tx, user.id)
        family_id = uuid.uuid4()
        await queries.add_family(tx, family_id, user.id)
        return await _issue(tx, key, user, family_id)


async def renew(db: Database, key: SigningKey, refresh_token: str) -> Grant:
    """The next grant of a sign-in; raises InvalidRefreshToken."""
    async with db.transaction() as tx:
        grant = await _rotate(tx, key, _digest(refresh_token))
    if grant is None:  # raised out here, so that the end of a family is committed
        raise InvalidRefreshToken
    return grant


async def close(db: Queries, refresh_token: str) -> None:
    """End the sign-in a token belongs to, if any."""
    await queries.delete_family(db, _digest(refresh_token))


async def close_all(db: Queries, user_id: int, but: str | None = None) -> None:
    """End all sign-ins of a user, but for the one that the refresh token `but` belongs to."""
    await queries.delete_families(db, user_id, _digest(but) if but else None)


async def _rotate(tx: Queries, key: SigningKey, token_hash: bytes) -> Grant | None:
    family = await queries.lock_family(tx, token_hash)
    token = await queries.token(tx, token_hash)
    if family is None or token is None or token.expired:
        return None
    user = await queries.user(tx, family.user_id)
    if user is None or user.disabled:
        return None
    if token.spent_s is not None and token.spent_s > GRACE_S:
        log.warning("refresh_token.reused", user_id=user.id)
        await queries.delete_family(tx, token_hash)
        return None
    await queries.spend_token(tx, token_hash)
    await queries.delete_expired_tokens(tx, family.id)
    return await _issue(tx, key, user, family.id)


async def _issue(tx: Queries, key: SigningKey, user: User, family_id: uuid.UUID) -> Grant:
    refresh_token = secrets.token_urlsafe(32)
    await queries.add_token(tx, _digest(refresh_token), family_id, REFRESH_S)
    return Grant(user, key.access_token(user.id, user.role, user.name), refresh_token)


def _digest(refresh_token: str) -> bytes:
    return hashlib.sha256(refresh_token.encode()).digest()
