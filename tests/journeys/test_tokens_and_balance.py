"""Journey 3: no right token, no media byte; an end, or an empty wallet, stops the film; a deposit continues it."""

import hashlib
import time
from pathlib import Path

import httpx2
import pytest
from itsdangerous import Signer
from playwright.sync_api import Page, expect

from tests.journeys.person import PASSWORD, current_time, delivered_ms, deposit, found, sign_in, sign_up
from tests.stacks import Person, Stack, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys"), pytest.mark.timeout(900)]

SPENT_PRICE = 95
DEPOSIT_MICROS = 1_000_000


@pytest.fixture(scope="module")
def uploader(stack: Stack) -> Person:
    return Person(stack, "owner-of-films@example.org")


@pytest.fixture(scope="module")
def film(stack: Stack, uploader: Person, short_film: Path) -> int:
    video = uploader.upload(short_film, title="For tokens")
    uploader.wait_until(video, "ready")
    return video


@pytest.fixture(scope="module")
def long_video(uploader: Person, long_film: Path) -> int:
    video = uploader.upload(long_film, SPENT_PRICE, "Longer than the money lasts")
    uploader.wait_until(video, "playable", "ready")
    return video


def session(person: Person, video: int) -> tuple[str, str]:
    """Start a playback; gives the session's id and its media URL."""
    answer = person.http.post(f"/api/stream/start/{video}")
    assert answer.status_code == 201, answer.text
    return answer.json()["session_id"], answer.json()["url"]


def first_segment(stack: Stack, url: str) -> str:
    """The path of the first video segment, found the way a player finds it."""
    base = url.rsplit("/", 1)[0]
    master = httpx2.get(stack.url + url).text.splitlines()
    rendition = next(line for line in master if line.endswith(".m3u8") and not line.startswith("#"))
    media = httpx2.get(f"{stack.url}{base}/{rendition}").text.splitlines()
    name = next(line for line in media if line.endswith(".m4s") and not line.startswith("#"))
    return f"{base}/{rendition.rsplit('/', 1)[0]}/{name}"


def refused(answer: httpx2.Response, *statuses: int) -> None:
    assert answer.status_code in statuses, answer.status_code
    assert b"moof" not in answer.content
    assert b"mdat" not in answer.content
    assert answer.headers["content-type"] == "application/problem+json"


def test_only_the_right_token_gets_media(stack: Stack, film: int, uploader: Person, short_film: Path) -> None:
    other = Person(stack, "somebody-else@example.org")
    session_id, url = session(uploader, film)
    segment = first_segment(stack, url)
    assert b"moof" in httpx2.get(stack.url + segment).content
    token = url.split("/")[2]
    secret = stack.settings.secret("TOKEN_SECRET").split(",")[::-1]
    signer = Signer(secret, salt="streamify.media", digest_method=hashlib.sha256)
    expired = signer.sign(f"{session_id}.{film}.{int(time.time()) - 1}").decode()
    own_film = other.upload(short_film, title="Another film")
    other.wait_until(own_film, "playable", "ready")
    foreign = session(other, own_film)[1].split("/")[2]
    middle = len(token) // 2
    changed = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]
    for wrong in (expired, foreign, changed, token[:-1], token + "A", "x" * len(token)):
        refused(httpx2.get(stack.url + segment.replace(token, wrong)), 403, 404)
    refused(httpx2.get(stack.url + segment.replace(f"/{token}", "")), 404)
    refused(httpx2.get(stack.url + segment.replace(token, "")), 404)
    refused(httpx2.get(stack.url + "/media/" + segment.split("/", 3)[3]), 404)


def test_an_ended_session_gets_no_more(stack: Stack, film: int) -> None:
    viewer = Person(stack, "leaves-early@example.org")
    session_id, url = session(viewer, film)
    segment = first_segment(stack, url)
    assert viewer.http.post(f"/api/stream/end/{session_id}", json={"position_ms": 0}).status_code == 200
    wait_for(lambda: httpx2.get(stack.url + segment).status_code == 403, 10, "the verdict to notice the end")
    refused(httpx2.get(stack.url + segment), 403)


def test_an_empty_wallet_stops_the_film_and_a_deposit_continues_it(stack: Stack, page: Page, long_video: int) -> None:
    viewer = Person.known(stack, sign_up(page, "thrifty"), PASSWORD)
    page.goto("/wallet")
    deposit(page, f"{DEPOSIT_MICROS / 1e6:.2f}")
    expect(found(page, "balance")).to_contain_text("1.00")
    page.goto(f"/watch?v={long_video}")
    found(page, "play").click()
    expect(page.locator("s-player")).to_have_attribute("data-state", "playing", timeout=60_000)
    page.evaluate("document.querySelector('video').playbackRate = 2")
    expect(found(page, "spent")).to_be_visible(timeout=120_000)
    stopped_at = current_time(page)
    paid_ms = DEPOSIT_MICROS * 60_000 // (SPENT_PRICE * 10_000)
    assert delivered_ms(stack, viewer.id, long_video) - paid_ms <= 10_000
    assert viewer.get("/api/billing/balance")["balance_micros"] >= 0
    deposit(page, "5")
    wait_for(lambda: current_time(page) > stopped_at + 5, 30, "the film to go on by itself")


def test_an_end_stops_a_playing_film_within_five_seconds(
    stack: Stack, page: Page, uploader: Person, long_video: int
) -> None:
    page.route("**/api/stream/heartbeat/**", lambda route: route.abort())  # the page must hear of it from its media
    sign_in(page, uploader.email, uploader.password)
    page.goto(f"/watch?v={long_video}")
    found(page, "play").click()
    expect(page.locator("s-player")).to_have_attribute("data-state", "playing", timeout=60_000)
    page.evaluate("document.querySelector('video').playbackRate = 2")
    wait_for(lambda: current_time(page) > 5, 60, "the film to play")
    open_now = uploader.get("/api/stream/sessions", active="true")["items"]
    [live] = [one for one in open_now if one["video_id"] == long_video]  # others may still wait for the sweeper
    with page.expect_response(lambda answer: "/v/" in answer.url and answer.status == 403, timeout=60_000):
        ended_ms = time.time() * 1000
        assert uploader.http.post(f"/api/stream/end/{live['session_id']}", json={}).status_code == 200
    lines = [line for line in stack.fetch_lines() if line["session_id"] == live["session_id"]]
    assert lines
    assert max(line["t_ms"] - line["request_time_ms"] for line in lines) < ended_ms + 5000
