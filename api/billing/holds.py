"""Holds: the money set aside for a session, from its start to its end."""

from dataclasses import dataclass
from datetime import UTC, datetime

from api.billing import books, credits, metering, queries_hold, settlement, spending, wallets
from api.billing.books import Books
from api.billing.money import Currency
from api.clients import Hold
from api.database import Connection, Database, Queries
from api.problems import NotFound, Problem

LOW_BALANCE_MINUTES = 10
EXPIRED_AT_ONCE = 200


class InsufficientBalance(Problem):
    code, status = "insufficient_balance", 402
    detail = "Your balance does not cover one minute of this video. Add funds to watch it."


class SessionTaken(Problem):
    code, status = "session_taken", 409
    detail = "This session belongs to another user or video."


@dataclass(frozen=True)
class Terms:
    """What a session is about. Prices in minor units; 0, like a free session, costs nothing."""

    session_id: str
    user_id: int
    video_id: int
    creator_id: int
    price_per_minute: int
    duration_ms: int
    free: bool
    audio_only: bool = False
    preview_ms: int = 0


async def open_hold(db: Database, currency: Currency, creator_bps: int, terms: Terms) -> Hold:
    """Set the first two minutes aside; repeating it gives the same hold.

    Raises DailyLimit, InsufficientBalance, PaymentTakenBack, SessionTaken.
    """
    async with db.transaction() as tx:
        account, _ = await wallets.ensure(tx, currency, terms.user_id)
        opened = await books.open_wallet(tx, currency, account.id, terms.session_id)
        known = opened.holds.get(terms.session_id)
        if known is None:
            await credits.require_even(tx, currency, terms.user_id)
            await _add(tx, currency, creator_bps, terms, account.id)
            opened = await books.open_wallet(tx, currency, account.id, terms.session_id)
            _begin(opened, opened.holds[terms.session_id])
            await books.store(tx, opened)
        elif (known.user_id, known.video_id) != (terms.user_id, terms.video_id):
            raise SessionTaken
        return await _show(tx, currency, terms.session_id)


async def _add(tx: Connection, currency: Currency, creator_bps: int, terms: Terms, account_id: int) -> None:
    """The hold's row, in the watch that is open now (rule 2); a price change starts another (rule 3).

    Its preview stays as it is until the watch closes: what was free stays free, what was paid is not given back.
    """
    price = 0 if terms.free else currency.micros(terms.price_per_minute)
    now_ms = round(datetime.now(UTC).timestamp() * 1000)
    watch_id = await queries_hold.watch_at(tx, terms.user_id, terms.video_id, price, now_ms)
    if watch_id is None:
        preview_ms = terms.preview_ms if price else 0
        key = (terms.user_id, terms.video_id, price)
        watch_id = await queries_hold.add_watch(tx, *key, creator_bps=creator_bps, preview_ms=preview_ms)
    row: dict[str, object] = {
        "user_id": terms.user_id,
        "video_id": terms.video_id,
        "creator_id": terms.creator_id,
        "price_micros_per_minute": price,
        "duration_ms": terms.duration_ms,
        "audio_only": terms.audio_only,
    }
    await queries_hold.add_hold(tx, terms.session_id, account_id, watch_id, row)


def _begin(opened: Books, hold: settlement.Hold) -> None:
    """Rule 5: require one minute, then hold two; a preview needs no money. Raises DailyLimit, InsufficientBalance."""
    wallet, watch = opened.wallets[hold.account_id], opened.watches[hold.watch_id]
    required = 0 if watch.preview_ms else settlement.first_minute_micros(watch, hold)
    others = [h for h in opened.holds.values() if h.watch_id == watch.id and h is not hold]
    kept_micros = sum(other.held_micros for other in others)
    if wallet.left_micros is not None and 0 < required > wallet.left_micros + kept_micros:
        raise spending.DailyLimit(required=opened.currency.minor_up(required))
    settlement.take_over(wallet, required, others)
    if wallet.free_micros < required:
        minor = opened.currency
        raise InsufficientBalance(balance=minor.minor(wallet.free_micros), required=minor.minor_up(required))
    for each in (hold, *others):
        opened.cover(each)


async def look(db: Database, currency: Currency, session_id: str) -> Hold:
    """The state of a session's money; it says that the viewer is there, so the hold is kept and filled up."""
    found = await _find(db, session_id)
    if found.fresh:
        return _shown(found, currency)
    async with db.transaction() as tx:
        opened = await books.open_wallet(tx, currency, found.account_id, session_id)
        hold = opened.holds[session_id]
        hold.live = hold.state != "ended"
        opened.cover(hold)
        await books.store(tx, opened)
    return await _show(db, currency, session_id)


async def end_hold(db: Database, currency: Currency, session_id: str, wall_ms: int, rate: float) -> Hold:
    """Settle a session that lived `wall_ms` at a fastest `rate`: forgive, give the rest of the hold back.

    Only the first end counts; what it frees goes to the user's other sessions.
    """
    found = await _find(db, session_id)
    async with db.transaction() as tx:
        opened = await books.open_wallet(tx, currency, found.account_id, session_id)
        hold = opened.holds[session_id]
        if hold.state != "ended":
            settlement.end(hold, metering.played_ms(wall_ms, rate))
            opened.settle(hold)
            opened.cover_all()
            await books.close(tx, opened, f"end {session_id}", datetime.now(UTC))
    return await _show(db, currency, session_id)


async def charge(db: Database, currency: Currency, session_id: str, seen_ms: int) -> Hold:
    """A service says that a session has seen `seen_ms` in all. The log may say the same: the larger counts, once."""
    found = await _find(db, session_id)
    async with db.transaction() as tx:
        opened = await books.open_wallet(tx, currency, found.account_id, session_id)
        hold = opened.holds[session_id]
        watch = opened.watches[hold.watch_id]
        watch.claimed_ms = max(watch.claimed_ms, min(seen_ms, hold.duration_ms or seen_ms))
        opened.settle(hold)
        opened.cover(hold)
        await books.close(tx, opened, f"claim {session_id} {watch.id} {watch.claimed_ms}", datetime.now(UTC))
    return await _show(db, currency, session_id)


async def release_expired(db: Database, currency: Currency) -> int:
    """Give back what sessions hold that nobody ended; a fetch or heartbeat takes it up again. Gives their number."""
    async with db.transaction() as tx:
        expired = await queries_hold.expired(tx, EXPIRED_AT_ONCE)
        if not expired:
            return 0
        opened = await books.open_sessions(tx, currency, expired)
        still = set(await queries_hold.expired(tx, EXPIRED_AT_ONCE))
        for hold in opened.holds.values():
            hold.live = hold.live and hold.session_id not in still
        opened.cover_all()
        await books.store(tx, opened)
        return len(expired)


async def _find(db: Queries, session_id: str) -> queries_hold.Shown:
    found = await queries_hold.shown(db, session_id)
    if found is None:
        raise NotFound("There is no such session.")
    return found


async def _show(db: Queries, currency: Currency, session_id: str) -> Hold:
    return _shown(await _find(db, session_id), currency)


def _shown(found: queries_hold.Shown, currency: Currency) -> Hold:
    price = found.price_micros_per_minute
    free = found.balance_micros - found.all_held_micros
    # What other sessions hold is not this one's, be it of the balance or of the daily limit.
    payable = found.held_micros + (free if found.left_micros is None else max(0, min(free, found.left_micros)))
    minutes_left = payable / price if price else None
    film_left = max(0, found.duration_ms - found.taken_ms) / metering.MINUTE_MS if found.duration_ms else None
    enough = LOW_BALANCE_MINUTES if film_left is None else min(LOW_BALANCE_MINUTES, film_left)
    return Hold(
        session_id=found.session_id,
        state=found.state,
        final=found.final,
        balance=currency.minor(found.balance_micros),
        balance_micros=found.balance_micros,
        held_micros=found.held_micros,
        charged_micros=found.charged_micros,
        charged=currency.minor(found.charged_micros),
        delivered_ms=found.delivered_ms,
        forgiven_ms=found.forgiven_ms,
        minutes_left=minutes_left,
        low_balance=minutes_left is not None and minutes_left < enough,
        limited=found.left_micros is not None and found.left_micros < free,
        preview_ms=found.preview_ms,
    )
