"""The test provider's checkout: a plain page on which no real money is paid, and where every mishap can be had.

Its address is the secret, as at a real provider; there are neither scripts nor sign-in.
"""

import re
from html import escape
from typing import Annotated, Literal
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from api.billing import testpay
from api.billing.money import MICROS, currency_named
from api.billing.providers import Till
from api.billing.queries_testpay import Checkout
from api.billing.testpay import EmbeddedPay, Outcome, Script
from api.problems import InvalidRequest, NotFound, Problem
from api.service import invalid, plumbing

HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { max-width: 26rem; margin: 10vh auto; padding: 0 1rem }
button, select, input { font: inherit; padding: .5rem .75rem; width: 100%; box-sizing: border-box; margin-top: .25rem }
label { display: block; margin-top: .75rem } .amount { font-size: 2.5rem; margin: 0 }
button { margin-top: 1rem; cursor: pointer } .note { border: 1px solid; border-radius: .5rem; padding: .5rem .75rem }
"""
OUTCOMES = {"paid": "It succeeds", "declined": "It is declined", "processing": "It succeeds after the delay"}
MESSAGES = {"once": "Once, in order", "twice": "Each twice", "reordered": "In reverse order", "none": "Never"}
STATES = {
    "processing": "This payment is being processed.",
    "paid": "This payment succeeded.",
    "declined": "This payment was declined.",
    "expired": "This page has expired.",
}


class Choice(BaseModel):
    """What the payer chose; `back` and `keep` are the bank's moves after it was paid."""

    model_config = ConfigDict(extra="forbid")

    act: Literal["pay", "decline", "back", "keep"]
    outcome: Outcome = "paid"
    messages: testpay.Messages = "once"
    delay_s: Annotated[int, Field(ge=0, le=3600)] = 0


def _testpay(request: Request) -> EmbeddedPay:
    till: Till = request.state.till
    found = till.known.get("test")
    if not isinstance(found, EmbeddedPay):
        raise NotFound("There is no such checkout.")
    return found


def _reference(request: Request) -> str:
    text: str = request.path_params["reference"]
    if not re.fullmatch("[0-9a-f]{32}", text):
        raise NotFound("There is no such checkout.")
    return text


async def page(request: Request) -> Response:
    provider = _testpay(request)
    found = await provider.find(_reference(request))
    return HTMLResponse(_page(found), headers=HEADERS)


async def choose(request: Request) -> Response:
    provider, reference = _testpay(request), _reference(request)
    found, choice = await provider.find(reference), await _read(request)
    if choice.act in ("back", "keep"):
        await provider.take_back(reference, found.amount if choice.act == "back" else 0)
    else:
        outcome: Outcome = "declined" if choice.act == "decline" else choice.outcome
        await provider.decide(reference, Script(outcome, choice.messages, choice.delay_s))
    await deliver(request, provider)
    return RedirectResponse(f"/wallet?payment={found.payment_id}", 303, HEADERS)


async def deliver(request: Request, provider: EmbeddedPay | None = None) -> int:
    """Send what the test provider owes, over the wire as anybody would; the number of messages taken."""
    till: Till = request.state.till
    sender = provider or till.known.get("test")
    taken = 0
    if isinstance(sender, EmbeddedPay):
        for message in await sender.due():
            body, headers = sender.signed(message)
            try:
                await plumbing(request).clients.billing_webhook("test", body, headers)
            except Problem:
                await sender.delivered(message, taken=False)
            else:
                await sender.delivered(message, taken=True)
                taken += 1
    return taken


async def _read(request: Request) -> Choice:
    try:
        fields = dict(parse_qsl((await request.body()).decode(), max_num_fields=20))
        return Choice.model_validate(fields)
    except ValidationError as error:
        raise invalid(error) from error
    except ValueError as error:
        raise InvalidRequest from error


def _page(found: Checkout) -> str:
    currency = currency_named(found.currency)
    digits = len(str(MICROS // currency.minor_micros)) - 1
    whole, part = divmod(found.amount, 10**digits)
    amount = f"{whole}.{part:0{digits}}" if digits else str(whole)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>Test payment</title><style>{STYLE}</style><main><h1>Test payment</h1>"
        f"<p class=amount>{escape(amount)} {escape(found.currency)}</p>"
        "<p class=note>This page belongs to the embedded test provider. No real money is paid here.</p>"
        f"{_form(found)}"
        f"<p><a href='/wallet?payment={escape(found.payment_id)}'>Back to the wallet</a></p></main></html>"
    )


def _form(found: Checkout) -> str:
    if found.state == "open":
        return (
            "<form method=post>"
            "<button name=act value=pay>Pay</button><button name=act value=decline>Decline</button>"
            f"<details><summary>What happens next</summary>{_select('outcome', 'The payment', OUTCOMES)}"
            f"{_select('messages', 'Messages to the platform', MESSAGES)}"
            "<label>Delay in seconds<input name=delay_s type=number min=0 max=3600 value=0></label></details></form>"
        )
    told = f"<p role=status>{STATES[found.state]}</p>"
    if found.state != "paid":
        return told
    act, words = ("keep", "Give it back") if found.taken_back else ("back", "Have the bank take it back")
    return f"{told}<form method=post><button name=act value={act}>{words}</button></form>"


def _select(name: str, words: str, options: dict[str, str]) -> str:
    shown = "".join(f"<option value={value}>{text}</option>" for value, text in options.items())
    return f"<label>{words}<select name={name}>{shown}</select></label>"


ROUTES = [
    Route("/api/billing/checkout/{reference}", page),
    Route("/api/billing/checkout/{reference}", choose, methods=["POST"]),
]
