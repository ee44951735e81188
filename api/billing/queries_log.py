"""The fetch log as billing knows it: how far it was read, what was refused, and what others have not yet been told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from api.database import Queries

Rows = Sequence[dict[str, object]]


@dataclass(frozen=True)
class Reached:
    """Everything before this byte of this generation has taken effect."""

    stream: str
    generation: int
    byte_offset: int


async def lock_log(db: Queries) -> None:
    """One meter at a time: wait for the others' batches until the end of the transaction."""
    await db.run("select pg_advisory_xact_lock(hashtext('streamify.meter'))")


async def reached(db: Queries) -> list[Reached]:
    """How far each stream has taken effect."""
    return await db.all(Reached, "select stream, generation, byte_offset from log_position")


async def move(db: Queries, steps: Rows) -> int:
    """Move positions on, each from where it is known to be; the number of those that were there."""
    sql = """
        insert into log_position as p (stream, generation, byte_offset)
        select stream, generation, byte_offset
        from json_to_recordset(:steps) as s (stream text, generation bigint, byte_offset bigint)
        on conflict (stream) do update
        set generation = excluded.generation, byte_offset = excluded.byte_offset
        where (p.stream, p.generation, p.byte_offset) in (
            select stream, from_generation, from_offset
            from json_to_recordset(:steps) as s (stream text, from_generation bigint, from_offset bigint)
        )
    """
    return await db.run(sql, steps=steps)


async def reject(db: Queries, lines: Rows) -> None:
    """Keep lines that were not billed, with the reason; several of a kind, one behind the other, in one row."""
    sql = """
        insert into rejected_line (stream, generation, byte_offset, reason, line, lines)
        select stream, generation, byte_offset, reason, line, lines
        from json_to_recordset(:lines)
            as l (stream text, generation bigint, byte_offset bigint, reason text, line text, lines bigint)
        on conflict do nothing
    """
    await db.run(sql, lines=lines)


async def lock_telling(db: Queries, session_id: str) -> None:
    """One teller per session at a time, so that the last word told is the last word stored."""
    await db.run("select pg_advisory_xact_lock(hashtextextended('streamify.spent ' || :id::text, 0))", id=session_id)


async def untold(db: Queries, user_id: int | None, limit: int) -> list[str]:
    """Live sessions of which streaming does not know how their money stands, spent ones first; of a user, or of all."""
    sql = """
        select array(
            select session_id
            from hold
            where state <> 'ended'
                and ((state = 'spent') <> spent_told or final <> final_told or limited <> limited_told)
                and expires_at is not null and (:user_id::bigint is null or user_id = :user_id)
            order by state = 'spent' desc limit :limit
        )
    """
    found: list[str] = await db.value(sql, user_id=user_id, limit=limit)
    return found


@dataclass(frozen=True)
class Word:
    """What streaming should be told about a session now; later words have higher numbers."""

    number: int
    spent: bool
    final: bool
    limited: bool


async def untold_word(db: Queries, session_id: str) -> Word | None:
    """The word about a session; None when streaming knows, or when the session has ended."""
    sql = """
        select nextval('word_number') as number, state = 'spent' as spent, final, limited
        from hold
        where session_id = :session_id and state <> 'ended'
            and ((state = 'spent') <> spent_told or final <> final_told or limited <> limited_told)
    """
    return await db.maybe(Word, sql, session_id=session_id)


async def set_told(db: Queries, session_id: str, word: Word) -> None:
    """Remember what streaming was told."""
    sql = """
        update hold set spent_told = :spent, final_told = :final, limited_told = :limited
        where session_id = :session_id
    """
    told = {"spent": word.spent, "final": word.final, "limited": word.limited}
    await db.run(sql, session_id=session_id, **told)


@dataclass(frozen=True)
class Fact:
    """Money a session's user paid (or, `forgiven` or by a `refund`, got back): a wallet's entry."""

    id: int
    kind: str
    session_id: str
    user_id: int
    video_id: int
    creator_id: int
    amount_micros: int
    effective_at: datetime


async def next_untold_journal(db: Queries) -> int | None:
    """The oldest journal analytics has not heard of, locked; None when there is none that nobody is telling."""
    sql = "select journal_id from outbox order by journal_id limit 1 for update skip locked"
    found: int | None = await db.value(sql)
    return found


async def facts(db: Queries, journal_id: int) -> list[Fact]:
    """What a journal of charges did to each session."""
    sql = """
        select e.id, j.kind, h.session_id, h.user_id, h.video_id, h.creator_id, abs(e.amount_micros) as amount_micros,
            j.effective_at
        from journal j
        join entry e on e.journal_id = j.id
        join hold h on h.session_id = coalesce(e.session_id, j.session_id)
        where j.id = :journal_id and e.balance_after is not null
        order by e.id
    """
    return await db.all(Fact, sql, journal_id=journal_id)


async def set_journal_told(db: Queries, journal_id: int) -> None:
    """Analytics has heard of a journal."""
    await db.run("delete from outbox where journal_id = :journal_id", journal_id=journal_id)
