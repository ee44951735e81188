"""What becomes of a payment: its provider is asked how it stands, and that moves it. Messages only say when to ask.

Whoever learns first moves it: a second, later or older word finds the version changed and asks again. A settled
payment stays settled; only what a bank takes back of it, and gives back, still moves.
"""

from collections.abc import Mapping

import structlog

from api.billing import credits, queries_payment, queries_trouble
from api.billing.providers import PAYMENT_ID, ProviderAway, ProviderRefused, Standing, Till
from api.billing.queries_payment import Learnt, Payment
from api.database import Connection, Database
from api.problems import NotFound, Problem

log = structlog.get_logger()

ASKED_AT_ONCE = 5
TRIES = 5
MINUTE_S, DAY_S = 60, 24 * 60 * 60
PENDING_AT_MOST_S = 6 * 60 * MINUTE_S
# Card schemes let a payer dispute for about four months; messages of it may be lost too.
SETTLED_ASKS = 7


def settled(reference: str | None, journal_id: int) -> Learnt:
    """A payment that was settled just now."""
    return Learnt(reference, "settled", journal_id, ask_after_s=_wait_s(reference, "settled", 0))


def _wait_s(reference: str | None, state: str, asked: int) -> int | None:
    """When to ask again: after 1, 2, 4 … minutes, then every 6 hours, while it is open; 1, 2, 4 … 64 days after."""
    if reference is None:
        return None
    if state in ("created", "pending"):
        return min(MINUTE_S * 2 ** min(asked, 20), PENDING_AT_MOST_S)
    return DAY_S * 2**asked if state == "settled" and asked < SETTLED_ASKS else None


def trouble(payment: Payment, standing: Standing) -> str | None:
    """Money that is not what was ordered is nobody's until an operator has looked at it."""
    ordered, found = (payment.amount_micros, payment.currency), (standing.amount_micros, standing.currency)
    return None if ordered == found else f"ordered {ordered[0]} {ordered[1]}, the provider has {found[0]} {found[1]}"


async def hear(db: Database, till: Till, provider: str, body: bytes, headers: Mapping[str, str]) -> None:
    """A provider's message: look at the payment it is about. Repeated, late and in any order, it changes nothing more.

    Raises NotFound, BadMessage, ProviderAway; after the last the provider sends it again.
    """
    if provider not in till.known:
        raise NotFound("There is no such payment provider.")
    try:
        await _hear(db, till, provider, body, headers)
    except Exception as error:
        await queries_trouble.fail(db, provider, error.code if isinstance(error, Problem) else "internal_error")
        raise


async def _hear(db: Database, till: Till, provider: str, body: bytes, headers: Mapping[str, str]) -> None:
    message = await till.known[provider].read(body, headers)
    if await queries_payment.heard(db, provider, message.id):
        return
    ours = message.payment_id is not None and PAYMENT_ID.fullmatch(message.payment_id)
    known = await queries_payment.payment(db, ours.string) if ours else None
    if known and known.provider == provider:
        await learn(db, till, known.id, message.reference)
    else:
        log.warning("payment.unknown", provider=provider, message_id=message.id, kind=message.kind)
        await queries_trouble.fail(db, provider, "unknown_payment")
    await queries_payment.hear(db, provider, message.id, message.kind, known.id if known else None)


async def sweep(db: Database, till: Till) -> int:
    """Ask about doubtful payments; the number of those that were learnt of. Stops when a provider is away."""
    learnt = 0
    for payment_id in await queries_payment.doubtful(db, list(till.known), ASKED_AT_ONCE):
        try:
            learnt += await learn(db, till, payment_id)
        except (ProviderAway, ProviderRefused) as problem:
            log.warning("payment.unasked", payment_id=payment_id, code=problem.code)
            await queries_payment.put_off(db, payment_id)
            break
    return learnt


async def learn(db: Database, till: Till, payment_id: str, reference: str | None = None) -> bool:
    """Ask how a payment stands and move it; False when others keep moving it. Raises NotFound, ProviderAway."""
    for _ in range(TRIES):
        payment = await queries_payment.payment(db, payment_id)
        if payment is None or payment.provider not in till.known:
            raise NotFound("There is no such payment.")
        named = payment.reference or reference
        if named is None:
            return False
        standing = await till.known[payment.provider].standing(named)
        async with db.transaction() as tx:
            if await queries_payment.lock(tx, payment.id, payment.version):
                await _move(tx, payment, named, standing)
                return True
    return False


async def _move(tx: Connection, payment: Payment, reference: str, standing: Standing) -> None:
    """Bring a payment, whose lock we have, to where its provider says it is."""
    wrong = trouble(payment, standing)
    if wrong is not None:
        log.error("payment.trouble", payment_id=payment.id, trouble=wrong)
        known = (payment.state, payment.journal_id, payment.taken_back_micros)
        await queries_payment.learn(tx, payment.id, Learnt(reference, *known, trouble=wrong))
        return
    journal_id, taken_back = payment.journal_id, payment.taken_back_micros
    if standing.state == "settled":
        if journal_id is None:
            journal_id = await credits.settle(tx, payment)
        taken_back = min(standing.taken_back_micros, payment.amount_micros)
        if taken_back != payment.taken_back_micros:
            await credits.take_back(tx, payment, journal_id, taken_back - payment.taken_back_micros)
    state = "settled" if journal_id is not None else standing.state
    asked = payment.asked + 1 if state == payment.state else 0
    wait_s = _wait_s(reference, state, asked)
    await queries_payment.learn(tx, payment.id, Learnt(reference, state, journal_id, taken_back, None, asked, wait_s))
    if (state, taken_back) != (payment.state, payment.taken_back_micros):
        log.info("payment.moved", payment_id=payment.id, state=state, taken_back_micros=taken_back)
