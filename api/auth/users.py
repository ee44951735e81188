"""Users: signing up, signing in, the own profile, and the names other services show."""

from dataclasses import asdict

from api.auth import grants, queries
from api.auth.forms import Login, ProfileChange, Registration
from api.auth.passwords import Passwords
from api.auth.queries import User
from api.auth.strength import require_strong
from api.clients import Person
from api.database import Database, Queries, UniqueViolation
from api.identity import InvalidToken
from api.problems import Forbidden, InvalidRequest, Problem, Unauthenticated


class EmailTaken(Problem):
    code, status = "email_taken", 409
    detail = "An account with this email address exists already. Sign in, or use another address."


class InvalidCredentials(Unauthenticated):
    code = "invalid_credentials"
    detail = "The email address or the password is wrong."


class AccountDisabled(Forbidden):
    code = "account_disabled"
    detail = "This account is disabled. Ask an operator of this platform."


class WrongCurrentPassword(InvalidRequest):
    detail = "To change the password, enter your current one."


async def register(db: Database, passwords: Passwords, form: Registration) -> User:
    """A new user; raises WeakPassword, EmailTaken."""
    require_strong(form.password, form.email)
    hashed = await passwords.hash(form.password)
    user = await queries.add_user(
        db, email=form.email, password=hashed, first_name=form.first_name, last_name=form.last_name, role="user"
    )
    if user is None:
        raise EmailTaken
    return user


async def sign_in(db: Database, passwords: Passwords, form: Login, address: str) -> User:
    """The user who knows this password; raises InvalidCredentials, AccountDisabled, TooManyAttempts."""
    found = await queries.credentials(db, form.email)
    proven = await passwords.proves(form.password, found.password if found else None, form.email, address)
    if found is None or not proven:
        raise InvalidCredentials
    if passwords.is_outdated(found.password):
        await queries.rehash(db, found.id, found.password, await passwords.hash(form.password))
    user = await queries.user(db, found.id)
    if user is None or user.disabled:
        raise AccountDisabled
    return user


async def current(db: Queries, user_id: int) -> User:
    """The user an access token speaks for, as of now; raises InvalidToken when disabled since."""
    user = await queries.user(db, user_id)
    if user is None or user.disabled:
        raise InvalidToken
    return user


async def change_profile(
    db: Database, passwords: Passwords, user_id: int, change: ProfileChange, *, address: str, kept: str | None
) -> User:
    """Change what is given. A new password ends all sign-ins but that of the refresh token `kept`.

    Raises WrongCurrentPassword, WeakPassword, TooManyAttempts, EmailTaken.
    """
    user = await current(db, user_id)
    hashed = None
    if change.password is not None:
        await _require_current_password(db, passwords, user, change.current_password or "", address)
        require_strong(change.password, change.email or user.email)
        hashed = await passwords.hash(change.password)
    try:
        async with db.transaction() as tx:
            changed = await queries.change_user(
                tx,
                user.id,
                email=change.email,
                password=hashed,
                first_name=change.first_name,
                last_name=change.last_name,
            )
            if hashed:
                await grants.close_all(tx, user.id, but=kept)
    except UniqueViolation as error:
        raise EmailTaken from error
    if changed is None:  # gone meanwhile
        raise InvalidToken
    return changed


async def _require_current_password(
    db: Database, passwords: Passwords, user: User, password: str, address: str
) -> None:
    found = await queries.credentials(db, user.email)
    # Counted by id: whoever holds the token may change the email, and would begin to count anew.
    if not await passwords.proves(password, found.password if found else None, f"user {user.id}", address):
        errors = [{"field": "current_password", "message": "This is not your current password."}]
        raise WrongCurrentPassword(errors=errors)


def public(user: User) -> dict[str, object]:
    """The user as people see themselves; `disabled` is for operators."""
    return {name: value for name, value in asdict(user).items() if name != "disabled"}


async def people(db: Queries, ids: list[int]) -> list[Person]:
    """Names of users; unknown ids are left out."""
    return [Person(user.id, user.name) for user in await queries.users_by_id(db, ids)]
