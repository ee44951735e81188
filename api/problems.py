"""Errors people can act on: a class with a stable code, a status and a sentence (RFC 9457).

A rule raises a `Problem` subclass where the rule lives; `handlers()` turns it into `application/problem+json`.
An unknown error is logged whole and shown as "internal error".
"""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, ClassVar

import msgspec
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

log = structlog.get_logger()

Handler = Callable[[Request, Exception], Coroutine[Any, Any, Response]]


class Problem(Exception):
    """Base of every typed error. Subclasses set `code`, `status` and a default `detail`; extra fields are shown too."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    detail: str = "Something went wrong on our side. Try again in a moment."

    def __init__(self, detail: str | None = None, **fields: object) -> None:
        super().__init__(detail or self.detail)
        self.detail = detail or self.detail
        self.fields = fields


class InvalidRequest(Problem):
    code, status = "invalid_request", 422
    detail = "Some fields are missing or wrong; see errors."


class Unauthenticated(Problem):
    code, status = "unauthenticated", 401
    detail = "Sign in first: this call needs a bearer token."


class Forbidden(Problem):
    code, status = "forbidden", 403
    detail = "Your account may not do this."


class NotFound(Problem):
    code, status = "not_found", 404
    detail = "There is nothing here."


class TooManyRequests(Problem):
    code, status = "rate_limited", 429
    detail = "Too many requests. Wait a moment and try again."


class Unavailable(Problem):
    code, status = "unavailable", 503
    detail = "A part of the platform this call needs does not answer. Try again in a moment."


def problem_response(request: Request, problem: Problem) -> Response:
    """The one place where a problem becomes bytes."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": _title(problem),
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "request_id": request.scope.get("request_id", ""),
        **problem.fields,
    }
    headers = {"cache-control": "no-store"}
    if problem.status == 401:
        headers["www-authenticate"] = "Bearer"
    retry_after = problem.fields.get("retry_after")
    if isinstance(retry_after, int):
        headers["retry-after"] = str(retry_after)
    return Response(msgspec.json.encode(body), problem.status, headers, media_type="application/problem+json")


def _title(problem: Problem) -> str:
    """RFC 9110's phrase of the status, or the code in words for statuses of other protocols (tus has 460)."""
    known = problem.status in HTTPStatus.__members__.values()
    return HTTPStatus(problem.status).phrase if known else problem.code.replace("_", " ").capitalize()


_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 400: "bad_request"}


async def _on_problem(request: Request, error: Exception) -> Response:
    return problem_response(request, error if isinstance(error, Problem) else Problem())


async def _on_http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    shown = type("Shown", (Problem,), {"status": status, "code": _CODES.get(status, "http_error")})
    detail = error.detail if isinstance(error, HTTPException) else None
    return problem_response(request, shown(NotFound.detail if status == 404 else detail))


async def _on_unknown(request: Request, error: Exception) -> Response:
    log.error("request.failed", path=request.url.path, exc_info=error)
    return problem_response(request, Problem())


def handlers() -> dict[Any, Handler]:
    """For `Starlette(exception_handlers=…)`."""
    return {Problem: _on_problem, HTTPException: _on_http, Exception: _on_unknown}
