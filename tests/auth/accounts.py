"""Accounts for the tests of auth: made through the real calls."""

from typing import Any

import httpx2

from tests.conftest import Platform

PASSWORD = "quiet harbour at dawn"
ANN: dict[str, Any] = {
    "email": "ann@example.org",
    "password": PASSWORD,
    "first_name": "Ann",
    "last_name": "Archer",
}


async def register(p: Platform, **changed: Any) -> dict[str, Any]:
    """Register Ann, or somebody else; gives the answer's body."""
    response = await p.call("POST", "auth", "/api/auth/register", json=ANN | changed)
    assert response.status_code == 201, response.text
    p.http.cookies.clear()  # the tests show cookies where they mean to
    body: dict[str, Any] = response.json()
    return body


async def login(p: Platform, email: str = ANN["email"], password: str = PASSWORD, **request: Any) -> httpx2.Response:
    response = await p.call("POST", "auth", "/api/auth/login", json={"email": email, "password": password}, **request)
    p.http.cookies.clear()
    return response


async def refresh(p: Platform, token: str) -> httpx2.Response:
    response = await p.call("POST", "auth", "/api/auth/refresh", json={"refresh_token": token})
    p.http.cookies.clear()
    return response


async def operator(p: Platform, email: str = "chief@example.org") -> dict[str, Any]:
    """Make an operator as the command line does and sign in; gives the body of the sign-in."""
    made = await p.call("POST", "auth", "/internal/operators", token=p.service_token("auth"), json={"email": email})
    body: dict[str, Any] = (await login(p, email, made.json()["password"])).json()
    return body


def code(response: httpx2.Response) -> tuple[int, str]:
    """Status and code of a problem."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    return response.status_code, response.json()["code"]


def fields(response: httpx2.Response) -> set[str]:
    """The fields a 422 complains about."""
    assert code(response) == (422, "invalid_request")
    return {error["field"] for error in response.json()["errors"]}
