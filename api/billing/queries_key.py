"""Keys of money requests, and what was answered to them."""

from dataclasses import dataclass
from typing import Any

from api.database import Queries


@dataclass(frozen=True)
class Kept:
    """`answer` None: that of the payment opened then."""

    action: str
    body_sha256: bytes
    answer: Any


async def lock(db: Queries, user_id: int, key: str) -> None:
    """Requests with one key go one after the other."""
    sql = "select pg_advisory_xact_lock(hashtextextended('streamify.key ' || :user_id::bigint || ' ' || :key::text, 0))"
    await db.run(sql, user_id=user_id, key=key)


async def kept(db: Queries, user_id: int, key: str) -> Kept | None:
    """The request a user made with a key."""
    sql = """
        select action, body_sha256, answer
        from money_request
        where user_id = :user_id and idem_key = :key
    """
    return await db.maybe(Kept, sql, user_id=user_id, key=key)


async def keep(db: Queries, user_id: int, key: str, action: str, *, body_sha256: bytes, answer: Any) -> None:
    """Keep a key for ever; UniqueViolation when it is taken."""
    sql = """
        insert into money_request (user_id, idem_key, action, body_sha256, answer)
        values (:user_id, :key, :action, :body_sha256, :answer)
    """
    await db.run(sql, user_id=user_id, key=key, action=action, body_sha256=body_sha256, answer=answer)
