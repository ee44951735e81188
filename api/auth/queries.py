"""Every statement of the auth service; runs on `streamify_auth`."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from api.database import Queries
from api.identity import Role


@dataclass(frozen=True)
class User:
    id: int
    email: str
    first_name: str
    last_name: str
    role: Role
    disabled: bool
    created_at: datetime
    updated_at: datetime

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True)
class Credentials:
    id: int
    password: str


@dataclass(frozen=True)
class Family:
    id: UUID
    user_id: int


@dataclass(frozen=True)
class Token:
    expired: bool
    spent_s: float | None


async def add_user(
    db: Queries, *, email: str, password: str, first_name: str, last_name: str, role: Role
) -> User | None:
    """A new user, or None when the address is taken."""
    return await db.maybe(
        User,
        """
        insert into users (email, password, first_name, last_name, role)
        values (:email, :password, :first_name, :last_name, :role)
        on conflict (email) do nothing
        returning id, email, first_name, last_name, role, disabled, created_at, updated_at
        """,
        email=email,
        password=password,
        first_name=first_name,
        last_name=last_name,
        role=role,
    )


async def user(db: Queries, user_id: int) -> User | None:
    """One user."""
    return await db.maybe(
        User,
        """
        select id, email, first_name, last_name, role, disabled, created_at, updated_at
        from users where id = :user_id
        """,
        user_id=user_id,
    )


async def credentials(db: Queries, email: str) -> Credentials | None:
    """The password hash behind an address."""
    return await db.maybe(Credentials, "select id, password from users where email = :email", email=email)


async def rehash(db: Queries, user_id: int, old: str, new: str) -> None:
    """Store the same password under another hash, unless it was changed meanwhile."""
    await db.run(
        "update users set password = :new where id = :user_id and password = :old", user_id=user_id, old=old, new=new
    )


async def change_user(
    db: Queries,
    user_id: int,
    *,
    email: str | None = None,
    password: str | None = None,
    first_name: str | None = None,
    last_name: str | None = None,
    role: Role | None = None,
    disabled: bool | None = None,
) -> User | None:
    """Change what is given; raises UniqueViolation when the address is taken."""
    return await db.maybe(
        User,
        """
        update users set
            email = coalesce(:email, email),
            password = coalesce(:password, password),
            first_name = coalesce(:first_name, first_name),
            last_name = coalesce(:last_name, last_name),
            role = coalesce(:role, role),
            disabled = coalesce(:disabled, disabled),
            updated_at = now()
        where id = :user_id
        returning id, email, first_name, last_name, role, disabled, created_at, updated_at
        """,
        user_id=user_id,
        email=email,
        password=password,
        first_name=first_name,
        last_name=last_name,
        role=role,
        disabled=disabled,
    )


async def promote(db: Queries, email: str) -> User:
    """Make the owner of an address an operator."""
    return await db.one(
        User,
        """
        update users set role = 'operator', updated_at = now() where email = :email
        returning id, email, first_name, last_name, role, disabled, created_at, updated_at
        """,
        email=email,
    )


async def users(db: Queries, query: str, limit: int, offset: int) -> list[User]:
    """A page of the users whose name or address contains `query`, newest first."""
    return await db.all(
        User,
        """
        select id, email, first_name, last_name, role, disabled, created_at, updated_at
        from users
        where position(lower(:query) in lower(first_name || ' ' || last_name || ' ' || email)) > 0
        order by id desc
        limit :limit offset :offset
        """,
        query=query,
        limit=limit,
        offset=offset,
    )


async def count_users(db: Queries, query: str) -> int:
    """How many users `users` would page through."""
    found: int = await db.value(
        """
        select count(*) from users
        where position(lower(:query) in lower(first_name || ' ' || last_name || ' ' || email)) > 0
        """,
        query=query,
    )
    return found


async def users_by_id(db: Queries, ids: list[int]) -> list[User]:
    """Those of the users that exist."""
    return await db.all(
        User,
        """
        select id, email, first_name, last_name, role, disabled, created_at, updated_at
        from users where id = any(:ids::integer[]) order by id
        """,
        ids=ids,
    )


async def add_family(db: Queries, family_id: UUID, user_id: int) -> None:
    """Open the family of one sign-in."""
    await db.run(
        "insert into refresh_families (id, user_id) values (:family_id, :user_id)", family_id=family_id, user_id=user_id
    )


async def add_token(db: Queries, token_hash: bytes, family_id: UUID, life_s: int) -> None:
    """Hand out a token in a family."""
    await db.run(
        """
        insert into refresh_tokens (token_hash, family_id, expires_at)
        values (:token_hash, :family_id, now() + make_interval(secs => :life_s))
        """,
        token_hash=token_hash,
        family_id=family_id,
        life_s=life_s,
    )


async def lock_family(db: Queries, token_hash: bytes) -> Family | None:
    """The family of a token, locked until the transaction ends."""
    return await db.maybe(
        Family,
        """
        select id, user_id from refresh_families
        where id = (select family_id from refresh_tokens where token_hash = :token_hash)
        for update
        """,
        token_hash=token_hash,
    )


async def token(db: Queries, token_hash: bytes) -> Token | None:
    """The state of a token; `spent_s` is how long ago it was spent, None if it was not."""
    return await db.maybe(
        Token,
        """
        select expires_at <= now() as expired, extract(epoch from now() - spent_at)::float8 as spent_s
        from refresh_tokens where token_hash = :token_hash
        """,
        token_hash=token_hash,
    )


async def spend_token(db: Queries, token_hash: bytes) -> None:
    """Mark a token as spent, once."""
    await db.run(
        "update refresh_tokens set spent_at = now() where token_hash = :token_hash and spent_at is null",
        token_hash=token_hash,
    )


async def delete_family(db: Queries, token_hash: bytes) -> None:
    """End the sign-in a token belongs to."""
    await db.run(
        """
        delete from refresh_families
        where id = (select family_id from refresh_tokens where token_hash = :token_hash)
        """,
        token_hash=token_hash,
    )


async def delete_families(db: Queries, user_id: int, kept_hash: bytes | None = None) -> None:
    """End all sign-ins of a user, but for the one that `kept_hash` belongs to."""
    await db.run(
        """
        delete from refresh_families
        where user_id = :user_id
          and id is distinct from (select family_id from refresh_tokens where token_hash = :kept_hash)
        """,
        user_id=user_id,
        kept_hash=kept_hash,
    )


async def delete_expired_tokens(db: Queries, family_id: UUID) -> None:
    """Forget the expired tokens of a family."""
    await db.run("delete from refresh_tokens where family_id = :family_id and expires_at <= now()", family_id=family_id)


async def delete_expired_families(db: Queries, user_id: int) -> None:
    """Forget the sign-ins of a user that nobody refreshed in time."""
    await db.run(
        """
        delete from refresh_families where id in (
            select id from refresh_families f
            where user_id = :user_id
              and not exists (select from refresh_tokens where family_id = f.id and expires_at > now())
            for update skip locked
        )
        """,
        user_id=user_id,
    )
