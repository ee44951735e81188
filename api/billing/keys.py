"""Idempotency: every money request carries a key of its user's, is done once and answered the same for ever.

The key's lock, the effect and the kept answer share a transaction, so concurrent repeats wait for the first; a request
that was refused had no effect and keeps no key.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from api.billing import queries_key
from api.database import Connection, Queries
from api.problems import Problem


class KeyRequired(Problem):
    code, status = "idempotency_key_required", 422
    detail = "Send an Idempotency-Key header of 1 to 200 characters, new for each request and the same for its retries."


class KeyReused(Problem):
    code, status = "key_reused", 409
    detail = "This Idempotency-Key was used for another request. Use a new key."


@dataclass(frozen=True)
class Asked:
    """Who asks for what under which key."""

    user_id: int
    key: str
    action: str
    sha256: bytes


def asked(user_id: int, key: str, action: str, body: object) -> Asked:
    """A money request, bound to its user and body. Raises KeyRequired."""
    if not (1 <= len(key) <= 200 and key.isprintable()):
        raise KeyRequired
    return Asked(user_id, key, action, hashlib.sha256(msgspec.json.encode([action, body], order="sorted")).digest())


async def known(db: Queries, request: Asked) -> queries_key.Kept | None:
    """What became of an earlier request with this key; raises KeyReused when it asked for something else."""
    kept = await queries_key.kept(db, request.user_id, request.key)
    if kept is not None and (kept.action, kept.body_sha256) != (request.action, request.sha256):
        raise KeyReused
    return kept


async def claim(tx: Connection, request: Asked) -> queries_key.Kept | None:
    """Wait for others with this key, until the transaction ends; then as `known`."""
    await queries_key.lock(tx, request.user_id, request.key)
    return await known(tx, request)


async def keep(tx: Connection, request: Asked, answer: Any = None) -> None:
    """Keep the key, with what is answered to it from now on."""
    await queries_key.keep(tx, request.user_id, request.key, request.action, body_sha256=request.sha256, answer=answer)


async def once(tx: Connection, request: Asked, effect: Callable[[], Awaitable[object]]) -> Any:
    """Do it, or answer what was answered before."""
    kept = await claim(tx, request)
    if kept is not None:
        return kept.answer
    answer = msgspec.to_builtins(await effect())
    await keep(tx, request, answer)
    return answer
