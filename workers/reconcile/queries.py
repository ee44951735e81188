"""What reconciliation reads from billing's database, page by page; it writes nothing there."""

from dataclasses import dataclass
from typing import Any

from api.database import Queries


@dataclass(frozen=True)
class Reached:
    """Everything before this byte of this generation has taken effect."""

    stream: str
    generation: int
    byte_offset: int


@dataclass(frozen=True)
class Rejected:
    """Some lines the meter did not bill, one behind the other, from a place on; and when it said so."""

    generation: int
    byte_offset: int
    lines: int
    reason: str
    said_ms: int


@dataclass(frozen=True, slots=True)
class Session:
    """What billing keeps of a session: its terms, and what it came to."""

    id: int
    session_id: str
    account_id: int
    watch_id: int
    user_id: int
    video_id: int
    creator_id: int
    price_micros_per_minute: int
    audio_only: bool
    played_ms: int | None
    created_ms: int
    delivered_ms: int
    forgiven_ms: int
    charged_micros: int
    creator_micros: int
    held_micros: int

    @property
    def film(self) -> tuple[int, int, int]:
        """What its watches have in common: user, video, price."""
        return self.user_id, self.video_id, self.price_micros_per_minute


@dataclass(frozen=True, slots=True)
class Watch:
    """What billing keeps of a watch. `seen`: pairs of moments, as ranges."""

    id: int
    user_id: int
    video_id: int
    price_micros_per_minute: int
    creator_bps: int
    opened_ms: int | None
    seen: Any
    seen_ms: int
    claimed_ms: int
    forgiven_ms: int
    forgiven_session: str | None
    charged_micros: int
    uncollected_micros: int
    creator_micros: int
    preview_ms: int

    @property
    def film(self) -> tuple[int, int, int]:
        return self.user_id, self.video_id, self.price_micros_per_minute


@dataclass(frozen=True, slots=True)
class Window:
    """When a watch was opened."""

    id: int
    user_id: int
    video_id: int
    price_micros_per_minute: int
    opened_ms: int


async def now_ms(db: Queries) -> int:
    """The moment of the snapshot."""
    return int(await db.value("select (extract(epoch from now()) * 1000)::bigint"))


async def reached(db: Queries) -> list[Reached]:
    """How far the meter has read each log."""
    return await db.all(Reached, "select stream, generation, byte_offset from log_position order by stream")


async def rejected(db: Queries, stream: str, generation: int, byte_offset: int, limit: int) -> list[Rejected]:
    """Refused lines of a stream from a place on."""
    sql = """
        select generation, byte_offset, lines, reason, (extract(epoch from created_at) * 1000)::bigint as said_ms
        from rejected_line
        where stream = :stream and (generation, byte_offset) >= (:generation::bigint, :byte_offset::bigint)
        order by generation, byte_offset
        limit :limit
    """
    place = {"stream": stream, "generation": generation, "byte_offset": byte_offset}
    return await db.all(Rejected, sql, **place, limit=limit)


async def sessions(db: Queries, session_ids: list[str]) -> list[Session]:
    """Sessions by id; unknown ones are left out."""
    sql = """
        select id, session_id, account_id, watch_id, user_id, video_id, creator_id, price_micros_per_minute, audio_only,
            played_ms, (extract(epoch from created_at) * 1000)::bigint as created_ms, delivered_ms, forgiven_ms,
            charged_micros, creator_micros, held_micros
        from hold
        where session_id = any(:session_ids)
    """
    return await db.all(Session, sql, session_ids=session_ids)


async def sessions_of_users(db: Queries, users: list[int], after: int, limit: int) -> list[Session]:
    """The sessions of some users, in order of their ids."""
    sql = """
        select id, session_id, account_id, watch_id, user_id, video_id, creator_id, price_micros_per_minute, audio_only,
            played_ms, (extract(epoch from created_at) * 1000)::bigint as created_ms, delivered_ms, forgiven_ms,
            charged_micros, creator_micros, held_micros
        from hold
        where user_id = any(:users) and id > :after
        order by id
        limit :limit
    """
    return await db.all(Session, sql, users=users, after=after, limit=limit)


async def windows(db: Queries, users: list[int], videos: list[int], prices: list[int]) -> list[Window]:
    """The opened watches of films, which are given as three lists of the same length; oldest first."""
    sql = """
        select w.id, w.user_id, w.video_id, w.price_micros_per_minute, w.opened_ms
        from unnest(:users::bigint[], :videos::bigint[], :prices::bigint[]) as f (user_id, video_id, price)
        join watch w on w.user_id = f.user_id and w.video_id = f.video_id and w.price_micros_per_minute = f.price
        where w.opened_ms is not null
        order by w.opened_ms, w.id
    """
    return await db.all(Window, sql, users=users, videos=videos, prices=prices)


async def watches(db: Queries, since_ms: int, until_ms: int, after: int, limit: int) -> list[Watch]:
    """Watches that were opened in a time, and those that never were; in order of their ids."""
    sql = """
        select id, user_id, video_id, price_micros_per_minute, creator_bps, opened_ms, seen, seen_ms, claimed_ms,
            forgiven_ms, forgiven_session, charged_micros, uncollected_micros, creator_micros, preview_ms
        from watch
        where id > :after and (opened_ms is null or (opened_ms >= :since_ms and opened_ms < :until_ms))
        order by id
        limit :limit
    """
    return await db.all(Watch, sql, since_ms=since_ms, until_ms=until_ms, after=after, limit=limit)
