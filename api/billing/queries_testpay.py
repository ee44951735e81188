"""The embedded test provider's own books: checkouts and the messages it owes."""

from dataclasses import dataclass
from datetime import datetime

from api.database import Queries


@dataclass(frozen=True)
class Checkout:
    """A page of the test provider. `amount` in minor units; `pays_at` while it is processing."""

    reference: str
    payment_id: str
    amount: int
    currency: str
    state: str
    taken_back: int
    created_at: datetime


@dataclass(frozen=True)
class Due:
    """A message to deliver."""

    id: int
    message_id: str
    reference: str
    payment_id: str
    kind: str


async def add(db: Queries, reference: str, payment_id: str, amount: int, currency: str) -> None:
    """Open a checkout; repeating it is harmless."""
    sql = """
        insert into test_checkout (reference, payment_id, amount, currency)
        values (:reference, :payment_id, :amount, :currency)
        on conflict do nothing
    """
    await db.run(sql, reference=reference, payment_id=payment_id, amount=amount, currency=currency)


async def checkout(db: Queries, reference: str) -> Checkout | None:
    """A checkout as it stands now: what was processing long enough is paid, what nobody paid in a day has expired."""
    sql = """
        select reference, payment_id, amount, currency, taken_back, created_at,
            case when state = 'processing' and pays_at <= now() then 'paid'
                when state = 'open' and created_at < now() - interval '1 day' then 'expired'
                else state end as state
        from test_checkout
        where reference = :reference
    """
    return await db.maybe(Checkout, sql, reference=reference)


async def decide(db: Queries, reference: str, state: str, delay_s: int) -> int:
    """The payer decided, once; 0 when somebody had before."""
    sql = """
        update test_checkout
        set state = :state, pays_at = case :state when 'processing' then now() + make_interval(secs => :delay_s) end
        where reference = :reference and state = 'open'
    """
    return await db.run(sql, reference=reference, state=state, delay_s=delay_s)


async def set_taken_back(db: Queries, reference: str, taken_back: int) -> int:
    """The payer's bank takes so much of it back, in all; 0 when it was not paid."""
    sql = """
        update test_checkout
        set taken_back = :taken_back
        where reference = :reference and (state = 'paid' or (state = 'processing' and pays_at <= now()))
    """
    return await db.run(sql, reference=reference, taken_back=taken_back)


async def add_message(db: Queries, message_id: str, reference: str, kind: str, delay_s: int) -> None:
    """Owe a message."""
    sql = """
        insert into test_message (message_id, reference, kind, deliver_at)
        values (:message_id, :reference, :kind, now() + make_interval(secs => :delay_s))
    """
    await db.run(sql, message_id=message_id, reference=reference, kind=kind, delay_s=delay_s)


async def due(db: Queries, limit: int) -> list[Due]:
    """Messages to deliver now, in the order they are due."""
    sql = """
        select m.id, m.message_id, m.reference, c.payment_id, m.kind
        from test_message m
        join test_checkout c on c.reference = m.reference
        where m.deliver_at <= now()
        order by m.deliver_at, m.id
        limit :limit
    """
    return await db.all(Due, sql, limit=limit)


async def delivered(db: Queries, message: int) -> None:
    """A message was taken."""
    await db.run("delete from test_message where id = :message", message=message)


async def try_later(db: Queries, message: int) -> None:
    """A message was not taken: 2, 4, 8 … seconds later again, and never more after ten tries."""
    sql = """
        update test_message
        set tries = tries + 1,
            deliver_at = case when tries >= 9 then 'infinity' else now() + make_interval(secs => 2 ^ (tries + 1)) end
        where id = :message
    """
    await db.run(sql, message=message)
