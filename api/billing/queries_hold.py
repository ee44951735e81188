"""Holds and watches: what sessions set aside, delivered and cost. Changed under the lock of their wallet."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from api.billing.metering import WATCH_MS, Interval
from api.billing.queries import array
from api.billing.settlement import Hold, State, Watch
from api.database import Queries


async def holds(db: Queries, session_ids: list[str], account_id: int | None = None) -> list[Hold]:
    """These sessions, and every session for which a wallet holds money; the oldest first."""
    sql = """
        select session_id, account_id, watch_id, user_id, video_id, creator_id, price_micros_per_minute, duration_ms,
            audio_only, state, final, expires_at is not null as live, held_micros, delivered::text, delivered_ms,
            added_ms, played_ms, forgiven_ms, charged_micros, creator_micros, balance_after, limited
        from hold
        where session_id = any(array(select json_array_elements_text(:session_ids)))
            or (account_id = :account_id and expires_at is not null)
        order by id
    """
    found = await db.all(Hold, sql, session_ids=session_ids, account_id=account_id)
    for hold in found:
        hold.delivered = _pairs(hold.delivered)
    return found


async def watches(db: Queries, ids: list[int]) -> list[Watch]:
    """Watches by id."""
    sql = """
        select id, user_id, video_id, price_micros_per_minute, creator_bps, opened_ms, seen::text, seen_ms,
            claimed_ms, forgiven_ms, forgiven_session, charged_micros, uncollected_micros, creator_micros, preview_ms
        from watch
        where id = any(:ids::text::bigint[])
    """
    found = await db.all(Watch, sql, ids=array(ids))
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


async def add_watch(
    db: Queries, user_id: int, video_id: int, price_micros_per_minute: int, *, creator_bps: int, preview_ms: int
) -> int:
    """A watch that waits for its first fetch."""
    sql = """
        insert into watch (user_id, video_id, price_micros_per_minute, creator_bps, preview_ms)
        values (:user_id, :video_id, :price_micros_per_minute, :creator_bps, :preview_ms)
        returning id
    """
    added: int = await db.value(
        sql,
        user_id=user_id,
        video_id=video_id,
        price_micros_per_minute=price_micros_per_minute,
        creator_bps=creator_bps,
        preview_ms=preview_ms,
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
        set opened_ms = r.opened_ms, seen = r.seen::int8multirange, seen_ms = r.seen_ms, claimed_ms = r.claimed_ms,
            forgiven_ms = r.forgiven_ms, forgiven_session = r.forgiven_session, charged_micros = r.charged_micros,
            uncollected_micros = r.uncollected_micros, creator_micros = r.creator_micros
        from rows from (unnest(:id::text::bigint[], :opened_ms::text::bigint[], :seen_ms::text::bigint[],
            :claimed_ms::text::bigint[], :forgiven_ms::text::bigint[], :charged_micros::text::bigint[],
            :uncollected_micros::text::bigint[], :creator_micros::text::bigint[]),
            json_array_elements_text(:seen), json_array_elements_text(:forgiven_session))
            as r (id, opened_ms, seen_ms, claimed_ms, forgiven_ms, charged_micros, uncollected_micros, creator_micros,
            seen, forgiven_session)
        where w.id = r.id
    """
    seen, sessions = [_multirange(watch.seen) for watch in changed], [watch.forgiven_session for watch in changed]
    await db.run(sql, seen=seen, forgiven_session=sessions, **_arrays(changed, *WATCH))


async def store_holds(db: Queries, changed: Sequence[Hold]) -> None:
    """Store what holds came to. A live one expires in 4 to 5 minutes: not every batch needs to put that off."""
    sql = """
        update hold h
        set watch_id = r.watch_id, state = r.state, final = r.final, limited = r.limited, held_micros = r.held_micros,
            delivered = r.delivered::int8multirange, delivered_ms = r.delivered_ms, added_ms = r.added_ms,
            played_ms = r.played_ms, forgiven_ms = r.forgiven_ms, charged_micros = r.charged_micros,
            creator_micros = r.creator_micros, balance_after = r.balance_after,
            ended_at = case when r.state = 'ended' then coalesce(h.ended_at, now()) end,
            expires_at = case when r.live and h.expires_at > now() + interval '4 minutes' then h.expires_at
                when r.live then now() + interval '5 minutes' end
        from rows from (unnest(:watch_id::text::bigint[], :state::text::text[], :final::text::boolean[],
            :limited::text::boolean[], :live::text::boolean[], :held_micros::text::bigint[],
            :delivered_ms::text::bigint[], :added_ms::text::bigint[], :played_ms::text::bigint[],
            :forgiven_ms::text::bigint[], :charged_micros::text::bigint[], :creator_micros::text::bigint[],
            :balance_after::text::bigint[]),
            json_array_elements_text(:session_id), json_array_elements_text(:delivered))
            as r (watch_id, state, final, limited, live, held_micros, delivered_ms, added_ms, played_ms, forgiven_ms,
            charged_micros, creator_micros, balance_after, session_id, delivered)
        where h.session_id = r.session_id
    """
    ids, delivered = [hold.session_id for hold in changed], [_multirange(hold.delivered) for hold in changed]
    await db.run(sql, session_id=ids, delivered=delivered, **_arrays(changed, *HOLD))


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
    left_micros: int | None
    preview_ms: int


async def shown(db: Queries, session_id: str) -> Shown | None:
    """A hold to be told about."""
    sql = """
        select h.session_id, h.account_id, h.state, h.final,
            h.state = 'ended' or (h.state = 'open' and not h.final and h.expires_at is not null
                and h.expires_at > now() + interval '4 minutes') as fresh,
            h.held_micros, h.charged_micros, h.delivered_ms, h.forgiven_ms, h.price_micros_per_minute, h.duration_ms,
            greatest(w.seen_ms, w.claimed_ms) as taken_ms, a.balance_micros, a.held_micros as all_held_micros,
            a.daily_micros - a.held_micros - greatest(0, case when a.spent_day = (now() at time zone 'utc')::date
                then a.spent_micros else 0 end) as left_micros,
            w.preview_ms
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


# The numbers and states that change of a watch and of a hold.
WATCH = (
    "id", "opened_ms", "seen_ms", "claimed_ms", "forgiven_ms", "charged_micros", "uncollected_micros", "creator_micros",
)  # fmt: skip
HOLD = (
    "watch_id", "state", "final", "limited", "live", "held_micros", "delivered_ms", "added_ms", "played_ms",
    "forgiven_ms", "charged_micros", "creator_micros", "balance_after",
)  # fmt: skip


def _arrays(rows: Sequence[Watch] | Sequence[Hold], *names: str) -> dict[str, str]:
    return {name: array(map(attrgetter(name), rows)) for name in names}


def _pairs(text: Any) -> list[Interval]:
    """A multirange as PostgreSQL writes it, `{[0,4000),[8000,12000)}`; the driver's own ranges are slow."""
    pairs = (one.partition(",") for one in text[2:-2].split("),[")) if text != "{}" else ()
    return [(int(start), int(end)) for start, _, end in pairs]


def _multirange(intervals: Sequence[Interval]) -> str:
    return "{" + ",".join([f"[{start},{end})" for start, end in intervals]) + "}"
