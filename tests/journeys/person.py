"""What a person does in the pages, and what an independent reader makes of the fetch log."""

import uuid
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.stacks import Stack

PASSWORD = "a-long-enough-secret-7"


def found(page: Page, name: str) -> Locator:
    """The element a page marks for tests."""
    return page.locator(f"[data-test={name}]")


def sign_up(page: Page, name: str) -> str:
    """Register by the form; gives the e-mail address."""
    email = f"{name}-{uuid.uuid4().hex[:8]}@example.org"
    page.goto("/signin?register")
    for field, value in {
        "first_name": name.title(),
        "last_name": "Journey",
        "email": email,
        "password": PASSWORD,
    }.items():
        found(page, field).fill(value)
    found(page, "signin-submit").click()
    expect(found(page, "header-user")).to_be_visible()
    return email


def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    """Sign in by the form."""
    page.goto("/signin")
    found(page, "email").fill(email)
    found(page, "password").fill(password)
    found(page, "signin-submit").click()
    expect(found(page, "header-user")).to_be_visible()


def sign_out(page: Page) -> None:
    """Sign out, and wait until that has led home and the page says so."""
    with page.expect_navigation():
        found(page, "sign-out").click()
    expect(found(page, "header-signin")).to_be_visible()


def deposit(page: Page, amount: str) -> None:
    """Fill and send the deposit form of the page at hand; `amount` in major units."""
    found(page, "deposit-amount").first.fill(amount)
    found(page, "deposit-submit").first.click()


def drop(page: Page, zone: Locator, film: Path) -> None:
    """Drop a file on an element, as the browser does when a person lets go of it."""
    page.evaluate("document.body.append(Object.assign(document.createElement('input'), {type: 'file', id: 'hand'}))")
    page.locator("#hand").set_input_files(film)
    transfer = page.evaluate_handle(
        """() => { const data = new DataTransfer(); data.items.add(document.querySelector('#hand').files[0]);
                   document.querySelector('#hand').remove(); return data }"""
    )
    for event in ("dragenter", "dragover", "drop"):
        zone.dispatch_event(event, {"dataTransfer": transfer})


def current_time(page: Page) -> float:
    return float(page.evaluate("document.querySelector('video').currentTime"))


def delivered_ms(stack: Stack, user_id: int, video: int) -> int:
    """Media time a user was sent of a video: every millisecond counted by itself, straight from nginx's lines."""
    seen: set[int] = set()
    for line in stack.fetch_lines():
        whole = line["method"] == "GET" and line["status"] in (200, 206) and line["complete"]
        picture = line["rendition"] == "source" or line["rendition"].endswith("p")
        if whole and picture and line["user_id"] == user_id and line["video"] == video:
            seen.update(range(line["start_ms"], line["end_ms"]))
    return len(seen)
