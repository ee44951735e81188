"""A film through an edge of a whole stack: sent there, played there, paid once."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from tests import films
from tests.journeys.conftest import browser
from tests.journeys.person import current_time, found, sign_in
from tests.servers import free_port
from tests.stacks import Person, Stack, running_stack, wait_for

__all__ = ["browser"]  # a fixture
# One whole stack at a time: the journeys have theirs.
pytestmark = [pytest.mark.xdist_group("journeys"), pytest.mark.timeout(900)]

PRICE = 60  # minor units a minute: a millisecond is ten micros


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack("--edge", EDGE_PORT=str(free_port()), MEDIA_RATE="50") as running:
        yield running


def edge_url(stack: Stack) -> str:
    return f"http://127.0.0.1:{stack.settings.number('EDGE_PORT')}"


def segments(http: httpx2.Client, url: str) -> list[str]:
    """The addresses of a film's picture segments, found the way a player finds them."""
    base, _, _ = url.rpartition("/")
    names = [line for line in http.get(url).text.splitlines() if line.endswith("m3u8") and not line.startswith("#")]
    folder = names[0].rpartition("/")[0]
    listed = http.get(f"{base}/{names[0]}").text.splitlines()
    return [f"{base}/{folder}/{line}" for line in listed if line.endswith(".m4s") and not line.startswith("#")]


def span(address: str) -> tuple[int, int]:
    """Start and end of a segment, from its name."""
    _, start, end = address.rpartition("/")[2].removesuffix(".m4s").split("-")
    return int(start), int(end)


def micros(person: Person) -> int:
    return int(person.get("/api/billing/balance")["balance_micros"])


def test_a_film_fetched_at_the_edge_and_the_origin_is_paid_once(stack: Stack, tmp_path: Path) -> None:
    paid_once(stack, tmp_path)


def paid_once(stack: Stack, tmp_path: Path) -> None:
    """The containers are put through the same."""
    uploader, viewer = Person(stack, "owner@example.org"), Person(stack, "viewer@example.org")
    clip = films.small_bunny(tmp_path / "clip.mp4")
    video = uploader.upload(films.bunny_loop(tmp_path / "film.mp4", 8, clip), PRICE)
    uploader.wait_until(video, "playable", "ready")
    viewer.deposit(1000)
    started = viewer.http.post(f"/api/stream/start/{video}").json()
    assert started["url"].startswith(f"{edge_url(stack)}/v/")
    with httpx2.Client(timeout=60) as http:
        pieces = segments(http, started["url"])
        # The first half at the edge, the second at the origin, two segments at both, and one again and again.
        middle = len(pieces) // 2
        at_origin = [address.replace(edge_url(stack), stack.url) for address in pieces[middle - 1 :]]
        asked = [*pieces[: middle + 1], *at_origin, *[pieces[0]] * 3]
        assert {http.get(address).status_code for address in asked} == {200}
    whole_ms = max(span(address)[1] for address in pieces)
    assert [span(address)[0] for address in pieces] == [0, *(span(address)[1] for address in pieces[:-1])]
    wait_for(lambda: micros(viewer) == 10_000_000 - whole_ms * 10, 30, "every millisecond to be paid once")
    logged = [line for line in stack.fetch_lines() if line["session_id"] == started["session_id"]]
    assert {line["edge"] for line in logged} == {"edge", "origin"}
    assert len(logged) == len(asked)
    kept = [line["cache"] for line in logged if line["edge"] == "edge"]
    assert (len(kept), kept[-1]) == (middle + 4, "HIT")
    ended = viewer.http.post(f"/api/stream/end/{started['session_id']}", json={"position_ms": whole_ms}).json()
    assert ended["delivered_ms"] == whole_ms
    assert micros(viewer) == 10_000_000 - (whole_ms - ended["forgiven_ms"]) * 10


def test_the_edge_is_a_program_like_the_others(stack: Stack) -> None:
    row = stack.programs()["edge"]
    assert (row["state"], row["well"], row["port"]) == ("running", True, stack.settings.number("EDGE_PORT"))
    page = httpx2.get(f"{stack.url}/watch").headers["content-security-policy"]
    assert f"connect-src 'self' {edge_url(stack)};" in page


@pytest.mark.journey
def test_the_page_plays_from_the_edge(stack: Stack, browser: Browser, tmp_path: Path) -> None:
    uploader = Person(stack, "shows-films@example.org")
    clip = films.small_bunny(tmp_path / "clip.mp4")
    video = uploader.upload(films.bunny_loop(tmp_path / "film.mp4", 4, clip), title="Through the edge")
    uploader.wait_until(video, "playable", "ready")
    page = browser.new_page(base_url=stack.url)
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
    viewer = Person(stack, "far-away@example.org")
    sign_in(page, viewer.email, viewer.password)
    page.goto(f"/watch?v={video}")
    found(page, "play").click()
    expect(page.locator("s-player")).to_have_attribute("data-state", "playing", timeout=60_000)
    wait_for(lambda: current_time(page) > 3, 60, "the picture to advance")
    logged = [line for line in stack.fetch_lines() if line["user_id"] == viewer.id]
    assert {line["edge"] for line in logged} == {"edge"}
    assert [text for text in refused if "Content Security Policy" in text or "CORS" in text] == []
