"""SQL of the detail that is kept for a while, and of users who are erased."""

from datetime import date

from api.database import Queries


async def make_detail(db: Queries, month: date) -> bool:
    """Make the partitions of a month (its first day); False when there is nothing to do."""
    return await db.value("select make_detail(:month)", month=month)


async def drop_detail(db: Queries, month: date) -> int:
    """Drop the detail from before a month (its first day); the number of partitions."""
    return await db.value("select drop_detail(:month)", month=month)


async def lock_user(db: Queries, user_id: int) -> None:
    """Erase a user once, however often it is asked for at once; held until the transaction ends."""
    await db.value("select pg_advisory_xact_lock(7302, :user_id)", user_id=user_id)


async def is_known(db: Queries, user_id: int) -> bool:
    """Whether a user was seen here."""
    return await db.value(
        """
        select exists (select from session where user_id = :user_id) or exists (
            select from event where user_id = :user_id) or exists (select from playback where user_id = :user_id)
            or exists (select from client where user_id = :user_id)
        """,
        user_id=user_id,
    )


async def next_forgotten(db: Queries) -> int:
    """A number below zero that nobody has."""
    return await db.value("select -nextval('forgotten_user')")


async def rename_user(db: Queries, user_id: int, other_id: int) -> int:
    """Let everything a user did be somebody else's; the number of sessions."""
    return await db.value(
        """
        with a as (update viewing set user_id = :other_id where user_id = :user_id),
            b as (update viewer set user_id = :other_id where user_id = :user_id),
            c as (update event set user_id = :other_id where user_id = :user_id),
            d as (update playback set user_id = :other_id where user_id = :user_id),
            e as (update client set user_id = :other_id where user_id = :user_id),
            f as (update breakdown_viewer set user_id = :other_id where user_id = :user_id),
            g as (update session set user_id = :other_id where user_id = :user_id returning 1)
        select count(*) from g
        """,
        user_id=user_id,
        other_id=other_id,
    )
