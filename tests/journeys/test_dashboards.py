"""Journey: somebody watches a film; its creator, an operator and the viewer see the same of it on their pages."""

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.person import current_time, found, sign_in, sign_out, sign_up
from tests.stacks import Person, Stack, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys"), pytest.mark.timeout(600)]

TITLE = "Seen and counted"


def tile(page: Page, name: str) -> int:
    return int(found(page, f"tile-{name}").get_attribute("data-value") or "0")


def watch_a_while(page: Page, video: int) -> None:
    """Long enough for a view; what the player says of itself travels in the query of every segment (CTA-5004)."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if ".m4s" in request.url else None)
    page.goto(f"/watch?v={video}")
    found(page, "play").click()
    expect(page.locator("s-player")).to_have_attribute("data-state", "playing", timeout=60_000)
    wait_for(lambda: current_time(page) > 1, 60, "the picture to move")
    assert asked
    assert all("CMCD=" in url and "sid%3D" in url for url in asked)


def test_what_was_watched_is_on_three_dashboards(stack: Stack, page: Page, short_film: Path, tmp_path: Path) -> None:
    creator = Person(stack, "creator-of-figures@example.org")
    video = creator.upload(short_film, title=TITLE)
    creator.wait_until(video, "playable", "ready")
    sign_up(page, "counted")
    watch_a_while(page, video)
    its_viewer_has_a_history(page, video)
    its_creator_has_a_studio(page, creator, video, tmp_path)
    operators_see_the_platform(page, stack, video)


def its_viewer_has_a_history(page: Page, video: int) -> None:
    watched = page.locator(f"[data-test=watched][data-video='{video}']")
    wait_for(lambda: page.goto("/history") and settled(page) and watched.count() == 1, 30, "the history")
    expect(watched).to_contain_text(TITLE)
    expect(watched).to_contain_text("free")


def settled(page: Page) -> bool:
    """Return once the page has its answer, whatever it is."""
    page.locator("[data-test=history], [data-test=empty]").first.wait_for()
    return True


def its_creator_has_a_studio(page: Page, creator: Person, video: int, folder: Path) -> None:
    sign_out(page)
    sign_in(page, creator.email, creator.password)
    page.goto("/studio?period=7")
    wait_for(lambda: page.reload() and shown(page) and tile(page, "views") == 1, 60, "a view in the studio")
    assert (tile(page, "unique_viewers"), tile(page, "starts")) == (1, 1)
    page.locator(f"[data-test=film][data-video='{video}']").click()
    expect(found(page, "film-chosen")).to_contain_text(TITLE)
    expect(found(page, "retention").locator("canvas")).to_be_visible()
    with page.expect_download() as download:
        found(page, "csv").click()
    download.value.save_as(folder / "film.csv")
    rows = list(csv.DictReader(io.StringIO((folder / "film.csv").read_text())))
    assert sum(int(row["views"]) for row in rows if row["row"] == "bucket") == 1


def shown(page: Page) -> bool:
    found(page, "tile-views").wait_for()
    return True


def operators_see_the_platform(page: Page, stack: Stack, video: int) -> None:
    """By keyboard alone: the chart walks from day to day and says so; its table has every bucket."""
    password = stack.command("operator", "operator-of-figures@example.org").stdout.rsplit("Password: ", 1)[1].strip()
    sign_out(page)
    sign_in(page, "operator-of-figures@example.org", password)
    page.goto("/analytics")
    expect(page.locator(f"[data-test=film][data-video='{video}']")).to_be_visible()
    expect(found(page, "live")).to_be_visible()
    chart = found(page, "chart")
    chart.focus()
    page.keyboard.press("Home")
    expect(chart).to_have_attribute("aria-valuenow", "0")
    page.keyboard.press("ArrowRight")
    expect(chart).to_have_attribute("aria-valuenow", "1")
    words = chart.get_attribute("aria-valuetext") or ""
    expect(found(page, "chart-words")).to_have_text(words)
    found(page, "series").locator("summary").click()
    assert found(page, "series").locator("tbody tr").count() == 28
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
