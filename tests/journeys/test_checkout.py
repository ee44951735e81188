"""A deposit by the test provider's page: opened through the gateway, paid in a browser, back at the wallet."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.stacks import Person, Stack, running_stack, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def till() -> Iterator[Stack]:
    """A stack whose deposits are paid on a page."""
    with running_stack(PAYMENT_PROVIDER="checkout") as found:
        yield found


@pytest.fixture(scope="module")
def payer(till: Stack) -> Person:
    return Person(till, "payer@example.org")


@pytest.fixture
def shop(browser: Browser, till: Stack) -> Iterator[Page]:
    context = browser.new_context(base_url=till.url)
    yield context.new_page()
    context.close()


def opened(payer: Person) -> dict[str, Any]:
    headers = {"idempotency-key": uuid.uuid4().hex}
    answer = payer.http.post("/api/billing/deposit", json={"amount": 750}, headers=headers)
    assert answer.status_code == 202, answer.text
    payment: dict[str, Any] = answer.json()
    return payment


def balance(payer: Person) -> int:
    return int(payer.get("/api/billing/balance")["balance"])


def press(shop: Page, button: str) -> None:
    """Press a button of the provider's page; it leads back to the wallet."""
    with shop.expect_response(lambda answer: "/wallet?payment=pay_" in answer.url) as landed:
        shop.get_by_role("button", name=button, exact=True).click()
    assert landed.value.status == 200


def test_a_deposit_is_paid_and_taken_back_in_the_browser(payer: Person, shop: Page) -> None:
    payment = opened(payer)
    shop.goto(payment["checkout_url"])
    assert "7.50 USD" in shop.inner_text("main")
    press(shop, "Pay")
    assert balance(payer) == 750
    assert payer.get(f"/api/billing/payments/{payment['payment_id']}")["state"] == "settled"
    shop.goto(payment["checkout_url"])
    press(shop, "Have the bank take it back")
    assert balance(payer) == 0
    shop.goto(payment["checkout_url"])
    press(shop, "Give it back")
    assert balance(payer) == 750


def test_the_sweeper_finds_money_that_no_message_tells_of(payer: Person, shop: Page) -> None:
    before, payment = balance(payer), opened(payer)
    shop.goto(payment["checkout_url"])
    shop.get_by_text("What happens next").click()
    shop.get_by_label("Messages to the platform").select_option("none")
    press(shop, "Pay")
    path = f"/api/billing/payments/{payment['payment_id']}"
    assert payer.get(path)["state"] == "pending"
    wait_for(lambda: payer.get(path)["state"] == "settled", 90, "the sweeper to ask the provider")
    assert balance(payer) == before + 750


def test_a_declined_payment_leaves_the_wallet_alone(payer: Person, shop: Page) -> None:
    before, payment = balance(payer), opened(payer)
    shop.goto(payment["checkout_url"])
    press(shop, "Decline")
    assert balance(payer) == before
    shop.goto(payment["checkout_url"])
    assert "declined" in shop.inner_text("main")
