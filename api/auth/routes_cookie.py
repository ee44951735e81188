"""The refresh cookie of the pages, and the answer that sets it.

SameSite=Lax keeps it out of foreign POSTs, its path out of all calls but auth's; the Origin check covers sibling hosts,
which SameSite lets through, and foreign pages that would sign a visitor in as somebody else.
"""

from starlette.requests import Request
from starlette.responses import Response

from api.auth.grants import REFRESH_S, Grant
from api.auth.keys import ACCESS_S
from api.auth.users import public
from api.problems import Forbidden
from api.service import answer, plumbing
from api.settings import Settings

NAME = "streamify_refresh"
PATH = "/api/auth"


class CrossOrigin(Forbidden):
    code = "cross_origin"
    detail = "This call came from a page of another site. Open Streamify itself and try again."


def require_own_origin(request: Request) -> None:
    """Raise CrossOrigin when a browser says that a foreign page is calling."""
    origin = request.headers.get("origin")
    if origin is None or origin.partition("://")[2] == request.headers.get("host"):
        return
    if origin not in _origins(plumbing(request).settings):
        raise CrossOrigin


def _origins(settings: Settings) -> set[str]:
    given = [settings.text("PUBLIC_URL"), *settings.text("CORS_ORIGINS").split(",")]
    return {url.strip().rstrip("/") for url in given if url.strip()}


def cookie_token(request: Request) -> str | None:
    """The refresh token in the cookie; raises CrossOrigin when a foreign page would use it."""
    token = request.cookies.get(NAME)
    if token:
        require_own_origin(request)
    return token or None


def grant_answer(request: Request, grant: Grant, status: int = 200) -> Response:
    """The tokens in the body, and the refresh token in the cookie too."""
    body = {
        "user": public(grant.user),
        "access_token": grant.access_token,
        "token_type": "Bearer",
        "expires_in": ACCESS_S,
        "refresh_token": grant.refresh_token,
    }
    response = answer(body, status, {"cache-control": "no-store"})
    secure = plumbing(request).settings.text("PUBLIC_URL").startswith("https:")
    response.set_cookie(NAME, grant.refresh_token, REFRESH_S, path=PATH, secure=secure, httponly=True, samesite="lax")
    return response


def forget_cookie(response: Response) -> Response:
    """The same answer, telling the browser to drop the cookie."""
    response.delete_cookie(NAME, path=PATH, httponly=True, samesite="lax")
    return response
