"""What people see of their money: a deposit by the provider's page, a proof that adds up, a statement, the rule."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.journeys.person import current_time, deposit, found, sign_up
from tests.stacks import Person, Stack, running_stack, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys"), pytest.mark.timeout(600)]

PRICE = 95
PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def till() -> Iterator[Stack]:
    """A stack whose deposits are paid on a page."""
    with running_stack(PAYMENT_PROVIDER="checkout") as made:
        yield made


@pytest.fixture
def viewer(browser: Browser, till: Stack) -> Iterator[Page]:
    """A browser that likes it dark, and fails the test when a page's own script fails."""
    context = browser.new_context(base_url=till.url, color_scheme="dark", accept_downloads=True)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


def fits(page: Page) -> bool:
    """Nothing sticks out of a phone's screen."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def micros(page: Page, name: str) -> int:
    return int(found(page, name).first.get_attribute("data-micros") or "")


def paid_deposit(page: Page) -> None:
    """From the wallet to the provider and back; the wallet says when the money is there."""
    page.goto("/wallet")
    deposit(page, "10")
    page.wait_for_url("**/api/billing/checkout/**")
    page.get_by_role("button", name="Pay", exact=True).click()
    page.wait_for_url("**/wallet?payment=pay_*")
    expect(page.locator("[data-test=payment][data-state=settled]")).to_be_visible()
    expect(found(page, "balance")).to_have_attribute("data-balance", "1000")


def watched(page: Page, till: Stack, film: Path) -> None:
    """Eight seconds of somebody's film."""
    uploader = Person(till, "maker@example.org")
    video = uploader.upload(film, PRICE, "To be accounted for")
    uploader.wait_until(video, "playable", "ready")
    page.goto(f"/watch?v={video}")
    found(page, "play").click()
    wait_for(lambda: current_time(page) > 8, 60, "eight seconds of the film")
    page.goto("/")


def saved(page: Page, button: str) -> list[dict[str, str]]:
    """What a button saves, read as CSV."""
    with page.expect_download() as download:
        found(page, button).click()
    return list(csv.DictReader(io.StringIO(download.value.path().read_text(), newline="")))


def test_money_can_be_followed_from_deposit_to_statement(till: Stack, viewer: Page, short_film: Path) -> None:
    sign_up(viewer, "accountant")
    viewer.set_viewport_size(PHONE)
    paid_deposit(viewer)
    watched(viewer, till, short_film)

    viewer.goto("/wallet")
    rows = viewer.locator("[data-test=transaction]")
    expect(rows).to_have_count(2, timeout=30_000)
    found(viewer, "transaction-filters").get_by_label("Kind").select_option("charge")
    expect(rows).to_have_count(1)
    assert [row["transaction_type"] for row in saved(viewer, "transactions-csv")] == ["charge"]
    assert fits(viewer)

    found(viewer, "proof-link").click()
    expect(found(viewer, "timeline")).to_be_visible()
    expect(found(viewer, "parts").locator("tr[data-fate=charged]").first).to_be_visible()
    expect(found(viewer, "watches").locator("tbody tr")).to_have_attribute("data-balanced", "true")
    expect(found(viewer, "bookings")).to_contain_text("origin 1, bytes")
    assert fits(viewer)
    paid = micros(viewer, "paid")
    assert paid > 0

    month = f"{datetime.now(UTC):%Y-%m}"
    viewer.goto(f"/statement?month={month}")
    expect(found(viewer, "charge")).to_contain_text("To be accounted for")
    parts = [micros(viewer, name) for name in ("opening", "deposits", "charges", "refunds", "adjustments")]
    assert parts == [0, 10_000_000, -paid, 0, 0]
    assert sum(parts) == micros(viewer, "closing")
    lines = saved(viewer, "statement-csv")
    assert [line["line"] for line in lines] == ["opening", "deposit", "charge", "closing"]
    assert fits(viewer)
    viewer.emulate_media(media="print", color_scheme="light")
    expect(viewer.locator(".header")).to_be_hidden()
    expect(found(viewer, "print")).to_be_hidden()
    expect(found(viewer, "closing")).to_be_visible()


def test_a_limit_keeps_its_user_from_watching_on(till: Stack, viewer: Page, short_film: Path) -> None:
    sign_up(viewer, "careful")
    paid_deposit(viewer)
    uploader = Person(till, "seller@example.org")
    video = uploader.upload(short_film, PRICE, "Dearer than the limit")
    uploader.wait_until(video, "playable", "ready")
    viewer.goto("/wallet")
    found(viewer, "daily-limit").fill("0.94")
    found(viewer, "limit-submit").click()
    expect(found(viewer, "limit-done")).to_be_visible()
    viewer.goto(f"/watch?v={video}")
    found(viewer, "play").click()
    stopped = viewer.locator("[data-test=spent][data-code=daily_limit]")
    expect(stopped).to_contain_text("Your daily limit is reached")
    stopped.locator("[data-test=daily-limit]").fill("5")
    stopped.locator("[data-test=limit-submit]").click()
    wait_for(lambda: current_time(viewer) > 0.5, 60, "the film to play once the limit was raised")


def test_a_preview_plays_without_money_and_ends_at_an_offer(till: Stack, viewer: Page, short_film: Path) -> None:
    uploader = Person(till, "generous@example.org")
    video = uploader.upload(short_film, PRICE, "The beginning is free")
    uploader.wait_until(video, "playable", "ready")
    assert uploader.http.put(f"/api/videos/{video}", json={"preview_ms": 8000}).json()["preview_ms"] == 8000
    sign_up(viewer, "penniless")
    viewer.set_viewport_size(PHONE)
    viewer.goto(f"/watch?v={video}")
    expect(found(viewer, "price")).to_contain_text("the first 8 seconds free")
    found(viewer, "play").click()
    expect(found(viewer, "spent")).to_contain_text("The free preview ends here", timeout=60_000)
    assert 3 < current_time(viewer) <= 8.5
    assert fits(viewer)


def test_the_rule_can_be_read_by_everybody(viewer: Page) -> None:
    viewer.set_viewport_size(PHONE)
    viewer.goto("/billing")
    expect(viewer.get_by_role("heading", level=1, name="How billing works")).to_be_visible()
    assert viewer.get_by_role("heading", level=2).count() >= 8
    assert fits(viewer)
