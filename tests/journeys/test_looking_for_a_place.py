"""A viewer who drags and clicks through a film as wildly as a hand can: never refused, and soon has a picture."""

import random
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Page, Response, expect

from tests import films
from tests.journeys.person import current_time, found, sign_in
from tests.stacks import Person, Stack, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys"), pytest.mark.timeout(600)]

FILM_S = 300


@pytest.fixture(scope="module")
def whole_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five small minutes with a key picture every two seconds: playable as they are."""
    out = tmp_path_factory.mktemp("place") / "film.mp4"
    films.ffmpeg(
        *("-f", "lavfi", "-i", f"testsrc2=size=320x180:rate=25:duration={FILM_S}"),
        *("-f", "lavfi", "-i", f"sine=frequency=440:duration={FILM_S}"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-keyint_min", "50", "-sc_threshold", "0"),
        *("-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest", str(out)),
    )
    return out


def moves(page: Page, count: int, every_ms: int) -> float:
    """So many jumps, each where nobody was; gives the last place in seconds."""
    places = [random.Random(count * 1000 + k).uniform(5, FILM_S - 10) for k in range(count)]
    page.evaluate(
        """async ([places, every_ms]) => {
            const video = document.querySelector('video')
            for (const place of places) {
                video.currentTime = place
                await new Promise((go) => setTimeout(go, every_ms))
            }
        }""",
        [places, every_ms],
    )
    return places[-1]


def picture_is_back(page: Page, place: float) -> bool:
    shown = "(() => { const v = document.querySelector('video'); return !v.seeking && v.readyState > 2 })()"
    return bool(page.evaluate(shown)) and current_time(page) >= place


def test_a_viewer_who_looks_for_a_place_is_never_refused(stack: Stack, page: Page, whole_film: Path) -> None:
    owner = Person(stack, "owner-of-places@example.org")
    video = owner.upload(whole_film)
    owner.wait_until(video, "ready")
    sign_in(page, owner.email, owner.password)
    page.goto(f"/watch?v={video}")
    found(page, "play").click()
    expect(page.locator("s-player")).to_have_attribute("data-state", "playing", timeout=60_000)
    answers: list[Response] = []
    asked: list[str] = []
    page.on("response", lambda response: answers.append(response) if "/v/" in response.url else None)
    page.on("request", lambda request: asked.append(request.url) if ".m4s" in request.url else None)
    # Dragged for three seconds, an arrow key held, clicks of somebody in a hurry, clicks of somebody who looks around.
    for count, every_ms in ((50, 60), (60, 33), (12, 330), (8, 1000)):
        before = len(asked)
        place = moves(page, count, every_ms)
        wait_for(partial(picture_is_back, page, place), 10, f"the picture after {count} jumps")
        if every_ms < 100:
            assert len(asked) - before < count, "each place passed over was asked for"
    assert {response.status for response in answers} <= {200, 304}
    expect(page.locator("s-player")).to_have_attribute("data-state", "playing")
