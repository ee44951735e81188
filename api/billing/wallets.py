"""Wallets as their owners see them; a wallet is opened at the latest by the first deposit or playback."""

from dataclasses import dataclass
from datetime import datetime

from api.billing import queries
from api.billing.money import Currency
from api.database import Queries


@dataclass(frozen=True)
class Opened:
    user_id: int
    balance: int
    currency: str
    created_at: datetime


@dataclass(frozen=True)
class Balance:
    """Minor units, floored; `held` is set aside for sessions that play now."""

    user_id: int
    balance: int
    balance_micros: int
    held: int
    available: int
    currency: str


async def ensure(db: Queries, currency: Currency, user_id: int) -> tuple[queries.Account, bool]:
    """The user's wallet, and whether it was opened now."""
    opened = await queries.add_wallet(db, user_id, currency.code, currency.minor_micros)
    return await queries.wallet(db, user_id, currency.code), opened


async def create(db: Queries, currency: Currency, user_id: int) -> tuple[Opened, bool]:
    """Make sure that a wallet exists; repeating it is harmless."""
    wallet, opened = await ensure(db, currency, user_id)
    return Opened(user_id, currency.minor(wallet.balance_micros), currency.code, wallet.created_at), opened


async def balance(db: Queries, currency: Currency, user_id: int) -> Balance:
    """What a user has; nothing before there is a wallet."""
    funds = await queries.funds(db, user_id, currency.code)
    total, available = currency.minor(funds.balance_micros), currency.minor(funds.balance_micros - funds.held_micros)
    return Balance(user_id, total, funds.balance_micros, total - available, available, currency.code)
