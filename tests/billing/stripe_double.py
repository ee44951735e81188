"""What the adapter meets of Stripe's wire format: forms, versions, idempotency keys, lists, errors, signatures."""

import contextlib
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.conftest import _listen, _Running, _stopped

KEY, SECRET = "sk_test_double", "whsec_double"


@dataclass
class Double:
    """One account at Stripe. `away`: answers 500 to so many requests."""

    url: str = ""
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    disputes: list[dict[str, Any]] = field(default_factory=list)
    by_key: dict[str, tuple[bytes, dict[str, Any]]] = field(default_factory=dict)
    versions: set[str] = field(default_factory=set)
    away: int = 0
    _ids: Any = field(default_factory=itertools.count)

    def routes(self) -> list[Route]:
        return [
            Route("/v1/checkout/sessions", self.create, methods=["POST"]),
            Route("/v1/checkout/sessions", self.list_sessions),
            Route("/v1/checkout/sessions/{id}", self.retrieve),
            Route("/v1/disputes", self.list_disputes),
        ]

    def refused(self, request: Request) -> Response | None:
        self.versions.add(request.headers["stripe-version"])
        if self.away:
            self.away -= 1
            return _error(500, "api_error")
        known = request.headers.get("authorization") == f"Bearer {KEY}"
        return None if known else _error(401, "invalid_request_error")

    async def create(self, request: Request) -> Response:
        body = await request.body()
        if (refused := self.refused(request)) is not None:
            return refused
        key = request.headers["idempotency-key"]
        if key in self.by_key:
            sent, made = self.by_key[key]
            return JSONResponse(made) if sent == body else _error(400, "idempotency_error")
        form = dict(parse_qsl(body.decode()))
        price = "line_items[0][price_data]"
        name = f"cs_test_{next(self._ids)}"
        made = {
            "id": name, "object": "checkout.session", "mode": form["mode"], "status": "open",
            "payment_status": "unpaid", "url": f"https://checkout.stripe.com/c/{name}", "payment_intent": None,
            "amount_total": int(form[f"{price}[unit_amount]"]) * int(form["line_items[0][quantity]"]),
            "currency": form[f"{price}[currency]"], "client_reference_id": form["client_reference_id"],
            "success_url": form["success_url"], "metadata": {"payment_id": form["metadata[payment_id]"]},
        }  # fmt: skip
        self.sessions[name] = made
        self.by_key[key] = (body, dict(made))
        return JSONResponse(made)

    async def retrieve(self, request: Request) -> Response:
        if (refused := self.refused(request)) is not None:
            return refused
        found = self.sessions.get(request.path_params["id"])
        if found is None:
            return _error(404, "invalid_request_error")
        assert request.query_params["expand[0]"] == "payment_intent.latest_charge"
        return JSONResponse(found)

    async def list_sessions(self, request: Request) -> Response:
        wanted = request.query_params["payment_intent"]
        found = [s for s in self.sessions.values() if s["payment_intent"] and s["payment_intent"]["id"] == wanted]
        return self.refused(request) or _list(found)

    async def list_disputes(self, request: Request) -> Response:
        wanted = request.query_params["payment_intent"]
        return self.refused(request) or _list([d for d in self.disputes if d["payment_intent"] == wanted])

    def pay(self, name: str, status: str = "succeeded") -> None:
        """The payer finished the page; `processing` money comes days later or not at all."""
        session = self.sessions[name]
        charge = {
            "id": f"ch_{name}", "object": "charge", "amount": session["amount_total"], "amount_refunded": 0,
            "disputed": False, "payment_intent": f"pi_{name}",
        }  # fmt: skip
        intent = {"id": f"pi_{name}", "object": "payment_intent", "status": status, "latest_charge": charge}
        paid = "paid" if status == "succeeded" else "unpaid"
        session |= {"status": "complete", "payment_status": paid, "payment_intent": intent}

    def dispute(self, name: str, amount: int, status: str = "needs_response") -> dict[str, Any]:
        session = self.sessions[name]
        session["payment_intent"]["latest_charge"]["disputed"] = True
        made = {
            "id": f"dp_{next(self._ids)}", "object": "dispute", "amount": amount, "status": status,
            "payment_intent": f"pi_{name}", "charge": f"ch_{name}",
        }  # fmt: skip
        self.disputes.append(made)
        return made

    def event(self, kind: str, about: dict[str, Any], age_s: int = 0) -> tuple[bytes, dict[str, str]]:
        """A signed webhook."""
        name = f"evt_{next(self._ids)}"
        event = {"id": name, "object": "event", "type": kind, "created": int(time.time()), "data": {"object": about}}
        body = json.dumps(event, indent=2).encode()
        return body, {"stripe-signature": sign(body, age_s)}


def sign(body: bytes, age_s: int = 0, secret: str = SECRET) -> str:
    moment = int(time.time()) - age_s
    return f"t={moment},v1={hmac.new(secret.encode(), b'%d.' % moment + body, hashlib.sha256).hexdigest()}"


def _error(status: int, kind: str) -> Response:
    return JSONResponse({"error": {"type": kind, "message": f"{kind} by the double"}}, status)


def _list(data: list[dict[str, Any]]) -> Response:
    return JSONResponse({"object": "list", "data": data, "has_more": False, "url": "/v1/double"})


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[Double]:
    double, listener = Double(), _listen()
    double.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = _Running(Starlette(routes=double.routes()), listener)
    await server.ready()
    try:
        yield double
    finally:
        await _stopped([server])
