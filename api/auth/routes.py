"""The HTTP face of auth: read, check who calls, call one noun, answer."""

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.auth import grants, operators, users
from api.auth.forms import (
    Id,
    Ids,
    Login,
    NewOperator,
    ProfileChange,
    Refresh,
    Registration,
    StandingChange,
    UserSearch,
    Verification,
)
from api.auth.keys import SigningKey
from api.auth.passwords import Passwords
from api.auth.queries import User
from api.auth.routes_cookie import cookie_token, forget_cookie, grant_answer, require_own_origin
from api.identity import require_service, require_user
from api.limits import client_address
from api.problems import NotFound
from api.service import answer, database, plumbing, read, read_query

ID: TypeAdapter[int] = TypeAdapter(Id)


async def register(request: Request) -> Response:
    require_own_origin(request)
    user = await users.register(database(request), _passwords(request), await read(request, Registration))
    return await _signed_in(request, user, 201)


async def login(request: Request) -> Response:
    require_own_origin(request)
    form = await read(request, Login)
    user = await users.sign_in(database(request), _passwords(request), form, client_address(request))
    return await _signed_in(request, user)


async def refresh(request: Request) -> Response:
    token = (await read(request, Refresh)).refresh_token or cookie_token(request)
    if token is None:
        raise grants.InvalidRefreshToken
    return grant_answer(request, await grants.renew(database(request), _key(request), token))


async def logout(request: Request) -> Response:
    token = (await read(request, Refresh)).refresh_token or cookie_token(request)
    if token is not None:
        await grants.close(database(request), token)
    return forget_cookie(Response(status_code=204))


async def verify(request: Request) -> Response:
    form = await read(request, Verification)
    caller = await plumbing(request).identity.user(form.token)
    user = await users.current(database(request), caller.id)
    return answer({"valid": True, "user": users.public(user)})


async def profile(request: Request) -> Response:
    caller = await require_user(request)
    return answer(users.public(await users.current(database(request), caller.id)))


async def change_profile(request: Request) -> Response:
    caller = await require_user(request)
    change = await read(request, ProfileChange)
    address, kept = client_address(request), cookie_token(request)
    user = await users.change_profile(
        database(request), _passwords(request), caller.id, change, address=address, kept=kept
    )
    return answer(users.public(user))


async def jwks(request: Request) -> Response:
    return answer(_key(request).jwks(), headers={"cache-control": "public, max-age=300"})


async def list_users(request: Request) -> Response:
    await _operator(request)
    return answer(await operators.list_users(database(request), read_query(request, UserSearch)))


async def change_user(request: Request) -> Response:
    operator_id = await _operator(request)
    change, parts = await read(request, StandingChange), plumbing(request)
    user = await operators.change_standing(parts.db, parts.clients, operator_id, _user_id(request), change)
    return answer(user)


async def people(request: Request) -> Response:
    require_service(request)
    return answer(await users.people(database(request), read_query(request, Ids).ids))


async def make_operator(request: Request) -> Response:
    require_service(request)
    form = await read(request, NewOperator)
    made = await operators.make_operator(database(request), _passwords(request), form.email)
    return answer(made, 201 if made.password else 200, {"cache-control": "no-store"})


async def _signed_in(request: Request, user: User, status: int = 200) -> Response:
    return grant_answer(request, await grants.open_grant(database(request), _key(request), user), status)


async def _operator(request: Request) -> int:
    caller = await require_user(request)
    await operators.require_operator(database(request), caller.id)
    return caller.id


def _user_id(request: Request) -> int:
    try:
        return ID.validate_python(request.path_params["user_id"])
    except ValidationError as error:
        raise NotFound("There is no such user.") from error


def _passwords(request: Request) -> Passwords:
    found: Passwords = request.state.passwords
    return found


def _key(request: Request) -> SigningKey:
    found: SigningKey = request.state.key
    return found


ROUTES = [
    Route("/api/auth/register", register, methods=["POST"]),
    Route("/api/auth/login", login, methods=["POST"]),
    Route("/api/auth/refresh", refresh, methods=["POST"]),
    Route("/api/auth/logout", logout, methods=["POST"]),
    Route("/api/auth/verify", verify, methods=["POST"]),
    Route("/api/auth/profile", profile, methods=["GET"]),
    Route("/api/auth/profile", change_profile, methods=["PUT"]),
    Route("/api/auth/users", list_users, methods=["GET"]),
    Route("/api/auth/users/{user_id}", change_user, methods=["PUT"]),
    Route("/.well-known/jwks.json", jwks, methods=["GET"]),
    Route("/internal/users", people, methods=["GET"]),
    Route("/internal/operators", make_operator, methods=["POST"]),
]
