"""What operators do with users, and how somebody becomes an operator.

Auth owns the truth about roles, so here it is read from the row: a token may be fifteen minutes behind.
"""

import secrets
from dataclasses import dataclass

import structlog

from api.auth import grants, queries, users
from api.auth.forms import StandingChange, UserSearch
from api.auth.passwords import Passwords
from api.auth.queries import User
from api.clients import Clients, MadeOperator
from api.database import Database, Queries
from api.problems import Forbidden, NotFound, Problem

log = structlog.get_logger()


class OwnAccount(Problem):
    code, status = "own_account", 409
    detail = "You cannot change your own role or disable yourself. Ask another operator."


@dataclass(frozen=True)
class Page:
    items: list[User]
    page: int
    per_page: int
    total: int


async def require_operator(db: Queries, user_id: int) -> None:
    """Raise Forbidden unless the user is an operator now."""
    if (await users.current(db, user_id)).role != "operator":
        raise Forbidden("Only operators may do this.")


async def list_users(db: Queries, search: UserSearch) -> Page:
    """A page of users, newest first."""
    total = await queries.count_users(db, search.query)
    items = await queries.users(db, search.query, search.per_page, (search.page - 1) * search.per_page)
    return Page(items, search.page, search.per_page, total)


async def change_standing(
    db: Database, clients: Clients, operator_id: int, user_id: int, change: StandingChange
) -> User:
    """Change role or disable; a disabled user's sign-ins and playback sessions end.

    Raises NotFound, OwnAccount, and Unavailable when streaming is away: repeating the call completes it.
    """
    if user_id == operator_id:
        raise OwnAccount
    async with db.transaction() as tx:
        user = await queries.change_user(tx, user_id, role=change.role, disabled=change.disabled)
        if user is None:
            raise NotFound("There is no such user.")
        if user.disabled:
            await grants.close_all(tx, user.id)
    log.info("user.changed", user_id=user.id, role=user.role, disabled=user.disabled, operator_id=operator_id)
    if user.disabled:
        await clients.streaming_end_sessions(user_id=user.id)
    return user


async def make_operator(db: Database, passwords: Passwords, email: str) -> MadeOperator:
    """Promote the owner of an address, or create one with a random password, told once."""
    password = secrets.token_urlsafe(12)
    hashed = await passwords.hash(password)
    made = await queries.add_user(
        db, email=email, password=hashed, first_name="Platform", last_name="Operator", role="operator"
    )
    user = made or await queries.promote(db, email)
    name = f"{user.first_name} {user.last_name}"
    return MadeOperator(user.id, user.email, name, user.created_at, password if made else None)
