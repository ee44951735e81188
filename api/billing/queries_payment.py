"""Payments, and the messages of their providers."""

from dataclasses import asdict, dataclass
from datetime import datetime

from api.database import Queries


@dataclass(frozen=True)
class Payment:
    """Money on its way in, as far as we know."""

    id: str
    provider: str
    reference: str | None
    checkout_url: str | None
    user_id: int
    idem_key: str
    amount_micros: int
    currency: str
    state: str
    journal_id: int | None
    taken_back_micros: int
    trouble: str | None
    asked: int
    version: int
    created_at: datetime


@dataclass(frozen=True)
class Learnt:
    """How a payment stands; `ask_after_s` None: never ask again."""

    reference: str | None
    state: str
    journal_id: int | None
    taken_back_micros: int = 0
    trouble: str | None = None
    asked: int = 0
    ask_after_s: int | None = None


async def add(
    db: Queries, payment_id: str, provider: str, user_id: int, idem_key: str, *, amount_micros: int, currency: str
) -> None:
    """A payment nobody has told its provider about."""
    sql = """
        insert into payment (id, provider, user_id, idem_key, amount_micros, currency)
        values (:id, :provider, :user_id, :idem_key, :amount_micros, :currency)
    """
    await db.run(
        sql,
        id=payment_id,
        provider=provider,
        user_id=user_id,
        idem_key=idem_key,
        amount_micros=amount_micros,
        currency=currency,
    )


async def by_key(db: Queries, user_id: int, idem_key: str) -> Payment | None:
    """The payment a user opened with a key."""
    sql = """
        select id, provider, reference, checkout_url, user_id, idem_key, amount_micros, currency, state, journal_id,
            taken_back_micros, trouble, asked, version, created_at
        from payment
        where user_id = :user_id and idem_key = :idem_key
    """
    return await db.maybe(Payment, sql, user_id=user_id, idem_key=idem_key)


async def payment(db: Queries, payment_id: str) -> Payment | None:
    """One payment."""
    sql = """
        select id, provider, reference, checkout_url, user_id, idem_key, amount_micros, currency, state, journal_id,
            taken_back_micros, trouble, asked, version, created_at
        from payment
        where id = :payment_id
    """
    return await db.maybe(Payment, sql, payment_id=payment_id)


async def lock(db: Queries, payment_id: str, version: int) -> bool:
    """Lock a payment; False when somebody learnt something of it since."""
    sql = "select version from payment where id = :payment_id for no key update"
    return bool(await db.value(sql, payment_id=payment_id) == version)


async def set_checkout(db: Queries, payment_id: str, reference: str, url: str) -> None:
    """The provider has answered: its payer may go there."""
    sql = """
        update payment
        set reference = coalesce(reference, :reference), checkout_url = :url, updated_at = now(),
            state = case state when 'created' then 'pending' else state end,
            ask_after = coalesce(ask_after, case when state = 'created' then now() + interval '1 minute' end)
        where id = :payment_id
    """
    await db.run(sql, payment_id=payment_id, reference=reference, url=url)


async def learn(db: Queries, payment_id: str, learnt: Learnt) -> None:
    """Store how a payment stands."""
    sql = """
        update payment
        set reference = :reference, state = :state, journal_id = :journal_id, taken_back_micros = :taken_back_micros,
            trouble = :trouble, asked = :asked, version = version + 1, updated_at = now(),
            ask_after = now() + make_interval(secs => :ask_after_s)
        where id = :payment_id
    """
    await db.run(sql, payment_id=payment_id, **asdict(learnt))


async def put_off(db: Queries, payment_id: str) -> None:
    """The provider does not answer: ask again in a minute."""
    sql = "update payment set ask_after = now() + interval '1 minute' where id = :payment_id"
    await db.run(sql, payment_id=payment_id)


async def doubtful(db: Queries, providers: list[str], limit: int) -> list[str]:
    """Payments to ask these providers about."""
    sql = """
        select array(
            select id from payment
            where ask_after <= now() and provider = any(:providers)
            order by ask_after
            limit :limit
        )
    """
    found: list[str] = await db.value(sql, providers=providers, limit=limit)
    return found


async def heard(db: Queries, provider: str, message_id: str) -> bool:
    """Whether a message took effect before."""
    sql = "select exists (select from payment_message where provider = :provider and message_id = :message_id)"
    return bool(await db.value(sql, provider=provider, message_id=message_id))


async def hear(db: Queries, provider: str, message_id: str, kind: str, payment_id: str | None) -> None:
    """A message has taken effect."""
    sql = """
        insert into payment_message (provider, message_id, kind, payment_id)
        values (:provider, :message_id, :kind, :payment_id)
        on conflict do nothing
    """
    await db.run(sql, provider=provider, message_id=message_id, kind=kind, payment_id=payment_id)


async def owed_micros(db: Queries, user_id: int, currency: str) -> int:
    """What a user owes since payments were taken back; negative: what is to be given to them."""
    sql = """
        select -coalesce(sum(e.amount_micros), 0)::bigint
        from account a
        join entry e on e.account_id = a.id
        where a.kind = 'receivable' and a.owner = :user_id and a.currency = :currency
    """
    return int(await db.value(sql, user_id=user_id, currency=currency))
