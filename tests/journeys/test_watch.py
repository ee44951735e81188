"""Journey 1: sign up, deposit, drop a film, watch it become playable, play it to the end, see what it cost."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.person import PASSWORD, current_time, delivered_ms, deposit, drop, found, sign_in, sign_out, sign_up
from tests.stacks import Person, Stack, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys"), pytest.mark.timeout(900)]

PRICE = 30
OPERATOR = "operator-of-journey-1@example.org"


def test_a_film_goes_from_the_form_to_the_ledger(stack: Stack, page: Page, large_film: Path) -> None:
    the_whole_way(stack, page, large_film)


def the_whole_way(stack: Stack, page: Page, film: Path) -> None:
    """Every check of the journey; the containers are put through the same."""
    video = upload_by_form(page, film)
    sign_out(page)
    email = sign_up(page, "viewer")
    viewer = Person.known(stack, email, PASSWORD)
    page.goto("/wallet")
    deposit(page, "10")
    expect(found(page, "balance")).to_contain_text("10.00")
    play_to_the_end(page, video)
    the_money_is_exact(stack, viewer, video)
    the_view_appears(stack, viewer, video)
    the_queue_shows_the_finished_job(stack, page)


def upload_by_form(page: Page, film: Path) -> int:
    """Sign up as an uploader, drop the film on the form, and wait until the page calls it playable."""
    sign_up(page, "uploader")
    page.goto("/upload")
    drop(page, found(page, "drop-zone"), film)
    found(page, "upload-title").fill("The bunny, four times")
    found(page, "upload-price").fill(f"{PRICE / 100:.2f}")
    found(page, "upload-start").click()
    link = found(page, "upload-watch")
    expect(link).to_be_visible(timeout=90_000)
    match = re.search(r"v=(\d+)", link.get_attribute("href") or "")
    assert match
    return int(match[1])


def play_to_the_end(page: Page, video: int) -> None:
    page.goto(f"/watch?v={video}")
    found(page, "play").click()
    player = page.locator("s-player")
    expect(player).to_have_attribute("data-state", "playing", timeout=60_000)
    first = current_time(page)
    wait_for(lambda: current_time(page) > first + 2, 60, "the picture to advance")
    expect(found(page, "finished")).to_be_visible(timeout=60_000)
    assert page.evaluate("document.querySelector('video').currentTime") > 20
    assert page.evaluate("document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames") > 400


def the_money_is_exact(stack: Stack, viewer: Person, video: int) -> None:
    """The balance fell by exactly what an independent reading of the fetch log gives."""
    length = viewer.get(f"/api/videos/{video}")["duration_ms"]
    read = wait_for(lambda: delivered_ms(stack, viewer.id, video), 5, "lines in the fetch log")
    assert read == length
    due = read * PRICE * 10_000 // 60_000
    wait_for(lambda: viewer.get("/api/billing/balance")["balance_micros"] == 10_000_000 - due, 10, f"a charge of {due}")
    assert viewer.get("/api/billing/balance")["held"] == 0
    rows = viewer.get("/api/billing/transactions")["items"]
    assert [row["transaction_type"] for row in rows] == ["charge", "deposit"]
    assert rows[0]["video_id"] == video


def the_view_appears(stack: Stack, viewer: Person, video: int) -> None:
    def look() -> object:
        rows = viewer.get("/api/analytics/user")["items"]
        return [r for r in rows if r["video_id"] == video and r["watch_time"] > 0]

    wait_for(look, 15, "the view in the viewer's history")


def the_queue_shows_the_finished_job(stack: Stack, page: Page) -> None:
    made = stack.command("operator", OPERATOR)
    password = made.stdout.rsplit("Password: ", 1)[1].strip()
    sign_out(page)
    sign_in(page, OPERATOR, password)
    page.goto("/queue")
    row = page.locator("[data-test=job]", has_text="The bunny, four times")
    expect(row).to_contain_text("done", ignore_case=True, timeout=300_000)
