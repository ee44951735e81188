"""Holds and watches: what sessions set aside, delivered and cost. Changed under the lock of their wallet."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.billing.metering import WATCH_MS, Interval
from api.billing.settlement import Hold, State, Watch
from api.database import Queries


async def holds(db: Queries, session_ids: list[str], account_id: int | None = None) -> list[Hold]:
    """These sessions, and every session for which a wallet holds money; the oldest first."""
    sql = """
        select session_id, account_id, watch_id, user_id, video_id, creator_id, price_micros_per_minute, duration_ms,
            audio_only, state, final, expires_at is not null as live, held_micros, delivered, delivered_ms, added_ms,
            played_ms, forgiven_ms, charged_micros, creator_micros, balance_after
        from hold
        where session_id = any(:session_ids) or (account_id = :account_id and expires_at is not null)
        order by id
    """
    found = await db.all(Hold, sql, session_ids=session_ids, account_id=account_id)
    for hold in found:
        hold.delivered = _pairs(hold.delivered)
    return found


async def watches(db: Queries, ids: list[int]) -> list[Watch]:
    """Watches by id."""
    sql = """
        select id, user_id, video_id, price_micros_per_minute, creator_bps, opened_ms, seen, seen_ms, claimed_ms,
            forgiven_ms, forgiven_session, charged_micros, uncollected_micros, creator_micros
        from watch
        where id = any(:ids)
    """
    found = await db.all(Watch, sql, ids=ids)
    for watch in found:
        watch.seen = _pairs(watch.seen)
    return found


async def watch_at(db: Queries, user_id: int, video_id: int, price_micros_per_minute: int, t_ms: int) -> int | None:
    """The first watch that had not closed at `t_ms`: a line somewhat older than its watch belongs to it too."""
    sql = """
        select id
        from watch
        where user_id = :user_id and video_id = :video_id and price_micros_per_minute = :price_micros_per_minute
            and (opened_ms is null or opened_ms > :t_ms::bigint - :watch_ms::bigint)
        order by opened_ms nulls last
        limit 1
    """
    found: int | None = await db.value(
        sql,
        user_id=user_id,
        video_id=video_id,
        price_micros_per_minute=price_micros_per_minute,
        t_ms=t_ms,
        watch_ms=WATCH_MS,
    )
    return found


async def add_watch(db: Queries, user_id: int, video_id: int, price_micros_per_minute: int, creator_bps: int) -> int:
    """A watch that waits for its first fetch."""
    sql = """
        insert into watch (user_id, video_id, price_micros_per_minute, creator_bps)
        values (:user_id, :video_id, :price_micros_per_minute, :creator_bps)
        returning id
    """
    added: int = await db.value(
        sql,
        user_id=user_id,
        video_id=video_id,
        price_micros_per_minute=price_micros_per_minute,
        creator_bps=creator_bps,
    )
    return added


async def add_hold(db: Queries, session_id: str, account_id: int, watch_id: int, terms: dict[str, object]) -> None:
    """A hold with nothing in it yet."""
    sql = """
        insert into hold (session_id, account_id, watch_id, user_id, video_id, creator_id, price_micros_per_minute,
            duration_ms, audio_only, expires_at)
        values (:session_id, :account_id, :watch_id, :user_id, :video_id, :creator_id, :price_micros_per_minute,
            :duration_ms, :audio_only, now() + interval '5 minutes')
    """
    await db.run(sql, session_id=session_id, account_id=account_id, watch_id=watch_id, **terms)


async def store_watches(db: Queries, changed: Sequence[Watch]) -> None:
    """Store what watches came to."""
    sql = """
        update watch w
        set opened_ms = r.opened_ms, seen = r.seen, seen_ms = r.seen_ms, claimed_ms = r.claimed_ms,
            forgiven_ms = r.forgiven_ms, forgiven_session = r.forgiven_session, charged_micros = r.charged_micros,
            uncollected_micros = r.uncollected_micros, creator_micros = r.creator_micros
        from json_to_recordset(:rows) as r (id bigint, opened_ms bigint, seen int8multirange, seen_ms bigint,
            claimed_ms bigint, forgiven_ms bigint, forgiven_session text, charged_micros bigint,
            uncollected_micros bigint, creator_micros bigint)
        where w.id = r.id
    """
    await db.run(sql, rows=[_watch_row(watch) for watch in changed])


async def store_holds(db: Queries, changed: Sequence[Hold]) -> None:
    """Store what holds came to. A live one expires in 4 to 5 minutes: not every batch needs to put that off."""
    sql = """
        update hold h
        set watch_id = r.watch_id, state = r.state, final = r.final, held_micros = r.held_micros,
            delivered = r.delivered, delivered_ms = r.delivered_ms, added_ms = r.added_ms, played_ms = r.played_ms,
            forgiven_ms = r.forgiven_ms, charged_micros = r.charged_micros, creator_micros = r.creator_micros,
            balance_after = r.balance_after,
            ended_at = case when r.state = 'ended' then coalesce(h.ended_at, now()) end,
            expires_at = case when r.live and h.expires_at > now() + interval '4 minutes' then h.expires_at
                when r.live then now() + interval '5 minutes' end
        from json_to_recordset(:rows) as r (session_id text, watch_id bigint, state text, final boolean, live boolean,
            held_micros bigint, delivered int8multirange, delivered_ms bigint, added_ms bigint, played_ms bigint,
            forgiven_ms bigint, charged_micros bigint, creator_micros bigint, balance_after bigint)
        where h.session_id = r.session_id
    """
    await db.run(sql, rows=[_hold_row(hold) for hold in changed])


@dataclass(frozen=True)
class Shown:
    """A hold with what its wallet and watch add to it. `fresh`: nothing needs to be done about it now."""

    session_id: str
    account_id: int
    state: State
    final: bool
    fresh: bool
    held_micros: int
    charged_micros: int
    delivered_ms: int
    forgiven_ms: int
    price_micros_per_minute: int
    duration_ms: int
    taken_ms: int
    balance_micros: int
    all_held_micros: int


async def shown(db: Queries, session_id: str) -> Shown | None:
    """A hold to be told about."""
    sql = """
        select h.session_id, h.account_id, h.state, h.final,
            h.state = 'ended' or (h.state = 'open' and not h.final and h.expires_at is not null
                and h.expires_at > now() + interval '4 minutes') as fresh,
            h.held_micros, h.charged_micros, h.delivered_ms, h.forgiven_ms, h.price_micros_per_minute, h.duration_ms,
            greatest(w.seen_ms, w.claimed_ms) as taken_ms, a.balance_micros, a.held_micros as all_held_micros
        from hold h
        join watch w on w.id = h.watch_id
        join account a on a.id = h.account_id
        where h.session_id = :session_id
    """
    return await db.maybe(Shown, sql, session_id=session_id)


async def expired(db: Queries, limit: int) -> list[str]:
    """Sessions that keep money although nothing was heard of them."""
    sql = """
        select array(select session_id from hold where expires_at < now() order by expires_at limit :limit)
    """
    found: list[str] = await db.value(sql, limit=limit)
    return found


def _pairs(ranges: Any) -> list[Interval]:
    return [(r.lower, r.upper) for r in ranges]


def _multirange(intervals: Sequence[Interval]) -> str:
    return "{" + ",".join(f"[{start},{end})" for start, end in intervals) + "}"


def _watch_row(watch: Watch) -> dict[str, object]:
    return {
        "id": watch.id,
        "opened_ms": watch.opened_ms,
        "seen": _multirange(watch.seen),
        "seen_ms": watch.seen_ms,
        "claimed_ms": watch.claimed_ms,
        "forgiven_ms": watch.forgiven_ms,
        "forgiven_session": watch.forgiven_session,
        "charged_micros": watch.charged_micros,
        "uncollected_micros": watch.uncollected_micros,
        "creator_micros": watch.creator_micros,
    }


def _hold_row(hold: Hold) -> dict[str, object]:
    return {
        "session_id": hold.session_id,
        "watch_id": hold.watch_id,
        "state": hold.state,
        "final": hold.final,
        "live": hold.live,
        "held_micros": hold.held_micros,
        "delivered": _multirange(hold.delivered),
        "delivered_ms": hold.delivered_ms,
        "added_ms": hold.added_ms,
        "played_ms": hold.played_ms,
        "forgiven_ms": hold.forgiven_ms,
        "charged_micros": hold.charged_micros,
        "creator_micros": hold.creator_micros,
        "balance_after": hold.balance_after,
    }
