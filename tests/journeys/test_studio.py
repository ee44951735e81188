"""Journey: an owner pauses and continues a video, gives it captions and a poster, reads its report; operators steer."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Locator, Page, expect

from tests import films
from tests.journeys.person import PASSWORD, found, sign_in, sign_out, sign_up
from tests.stacks import Person, Stack, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys"), pytest.mark.timeout(900)]

OPERATOR = "operator-of-the-studio@example.org"
# From the first second to past the end: wherever the picture stands, they are seen.
CAPTIONS = "1\n00:00:01,000 --> 00:01:00,000\nEin <i>Hase</i> wacht auf.\n"
AT_S = 6


def job_of(person: Person, video: int) -> dict[str, Any]:
    found: dict[str, Any] = person.get(f"/api/videos/{video}/job")
    return found


def test_an_owner_pauses_continues_cancels_and_tries_again(stack: Stack, page: Page, long_film: Path) -> None:
    owner = Person.known(stack, sign_up(page, "patient"), PASSWORD)
    video = owner.upload(long_film, title="Not now")
    page.goto("/upload")
    own = page.locator(f"[data-test=own-video][data-video='{video}']")
    found_in(own, "job-pause").click()
    expect(found_in(own, "job-state")).to_have_text("paused")
    wait_for(lambda: job_of(owner, video)["units"]["running"] == 0, 30, "the worker to let go")
    assert job_of(owner, video)["state"] == "paused"
    found_in(own, "job-resume").click()
    expect(found_in(own, "job-pause")).to_be_visible()
    assert job_of(owner, video)["state"] in ("queued", "running")
    found_in(own, "job-cancel").click()
    expect(found_in(own, "job-state")).to_have_text("cancelled")
    assert owner.wait_until(video, "failed", seconds=10)["error"]["code"] == "cancelled"
    found_in(own, "job-retry").click()
    expect(found_in(own, "job-cancel")).to_be_visible()
    assert owner.wait_until(video, "playable", "ready", seconds=60)["error"] is None
    assert owner.http.delete(f"/api/videos/{video}").status_code == 204


def test_an_owner_adds_captions_and_posters_and_reads_the_report(
    stack: Stack, page: Page, short_film: Path, tmp_path: Path
) -> None:
    owner = Person.known(stack, sign_up(page, "owner"), PASSWORD)
    video = owner.upload(short_film, title="In the studio")
    owner.wait_until(video, "ready", seconds=600)
    page.goto(f"/watch?v={video}#report")
    expect(found(page, "report-checked")).to_contain_text("rules for streams passed")
    captions_come(page, owner, video, tmp_path)
    posters_change(page, stack, owner, video, tmp_path)
    captions_are_seen(page)
    captions_go(page, owner, video)


def captions_come(page: Page, owner: Person, video: int, folder: Path) -> None:
    """The language is guessed from the name; what is no captions file is refused in words."""
    (folder / "film.de.srt").write_text(CAPTIONS)
    (folder / "empty.srt").write_text("nothing to see here")
    found(page, "captions-file").set_input_files(folder / "empty.srt")
    found(page, "captions-language").fill("English")
    found(page, "captions-add").click()
    expect(found(page, "captions-error")).not_to_be_empty()
    found(page, "captions-language").fill("")
    found(page, "captions-file").set_input_files(folder / "film.de.srt")
    expect(found(page, "captions-language")).to_have_value("German")
    found(page, "captions-add").click()
    expect(found(page, "captions-done")).to_contain_text("1 cue")
    expect(page.locator("[data-test=captions-item][data-language=de]")).to_be_visible()
    address = wait_for(lambda: owner.get(f"/api/videos/{video}")["captions"][0]["url"], 30, "the captions' address")
    text = httpx2.get(owner.http.base_url.join(address)).text
    assert "Hase" in text
    assert "<i>" not in text


def posters_change(page: Page, stack: Stack, owner: Person, video: int, folder: Path) -> None:
    """The picture where the owner has paused, then a file; each at once and at an address of its own."""

    def poster() -> str:
        address: str = owner.get(f"/api/videos/{video}")["poster_url"]
        answer = httpx2.get(stack.url + address)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
        return address

    addresses = [poster()]
    found(page, "play").click()
    expect(page.locator("s-player")).to_have_attribute("data-state", "playing", timeout=60_000)
    page.evaluate(f"document.querySelector('video').currentTime = {AT_S}")
    wait_for(lambda: page.evaluate("document.querySelector('video').currentTime") > AT_S, 60, "the picture to move")
    page.evaluate("document.querySelector('video').pause()")
    found(page, "poster-now").click()
    expect(found(page, "poster-done")).to_contain_text(f"0:0{AT_S}", timeout=60_000)
    addresses.append(poster())
    films.ffmpeg(*("-f", "lavfi", "-i", "color=red:size=320x180:duration=1", "-frames:v", "1", str(folder / "red.png")))
    found(page, "poster-file").set_input_files(folder / "red.png")
    expect(found(page, "poster-done")).to_contain_text("red.png", timeout=60_000)
    addresses.append(poster())
    assert len(set(addresses)) == 3


def captions_are_seen(page: Page) -> None:
    """A film opened anew has them behind the captions button."""
    page.reload()
    found(page, "play").click()
    expect(page.locator("s-player")).to_have_attribute("data-state", "playing", timeout=60_000)
    found(page, "captions").click()
    shown = """[...document.querySelector('video').textTracks].filter(track => track.mode == 'showing')
        .flatMap(track => [...track.activeCues].map(cue => track.language + ': ' + cue.text))"""
    wait_for(lambda: page.evaluate(shown) == ["de: Ein Hase wacht auf."], 60, "the cue in the picture")


def captions_go(page: Page, owner: Person, video: int) -> None:
    found(page, "captions-delete").click()
    expect(found(page, "captions-item")).to_have_count(0)
    assert owner.get(f"/api/videos/{video}")["captions"] == []


def test_an_operator_steers_a_job(stack: Stack, page: Page, long_film: Path) -> None:
    password = stack.command("operator", OPERATOR).stdout.rsplit("Password: ", 1)[1].strip()
    owner = Person(stack, "steered@example.org")
    sign_in(page, OPERATOR, password)
    video = owner.upload(long_film, title="To be steered")
    page.goto("/queue")
    row = page.locator("[data-test=job]", has_text="To be steered")
    found_in(row, "job-pause").click()
    expect(found_in(row, "job-state")).to_have_text("paused")
    found_in(row, "job-priority").fill("20")
    found_in(row, "job-priority").press("Enter")
    wait_for(lambda: job_of(owner, video)["priority"] == 20, 10, "the priority")
    expect(found(page, "worker").first).to_be_visible()
    found_in(row, "job-cancel").click()
    expect(found_in(row, "job-state")).to_have_text("cancelled")
    assert owner.wait_until(video, "failed", seconds=10)["error"]["code"] == "cancelled"
    sign_out(page)


def found_in(place: Locator, name: str) -> Locator:
    return place.locator(f"[data-test={name}]")
