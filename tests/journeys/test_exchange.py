"""Journey: whoever watches while better qualities are made gets them without a jump, and keeps every choice."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests import films
from tests.journeys.person import PASSWORD, found, sign_up
from tests.stacks import Person, Stack, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys"), pytest.mark.timeout(900)]

CHAPTERS_S = (0, 15, 42)
SPRITE = re.compile(r"/media/\d+/\d+/storyboard-\d+\.jpg")
STATE = """(() => { const video = document.querySelector('video'); return {
    time: video.currentTime, paused: video.paused, rate: video.playbackRate, muted: video.muted, volume: video.volume,
    sound: [...video.audioTracks].filter(sound => sound.enabled).map(sound => sound.language),
    qualities: video.videoRenditions.length } })()"""
# The least position that the page would have told the meter since.
WATCH_POSITION = """() => { const { viewing } = document.querySelector('s-player'); window.least = viewing.position_ms;
    setInterval(() => { window.least = Math.min(window.least, viewing.position_ms) }, 10) }"""


@pytest.fixture(scope="module")
def film(middling_film: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """42 s with English and German sound and two chapters."""
    folder = tmp_path_factory.mktemp("chapters")
    marks = [
        f"[CHAPTER]\nTIMEBASE=1/1\nSTART={start}\nEND={end}\ntitle=Part {n}\n"
        for n, (start, end) in enumerate(pairwise(CHAPTERS_S), 1)
    ]
    (folder / "chapters.txt").write_text(";FFMETADATA1\n" + "".join(marks))
    out = folder / "two-sounds.mp4"
    films.ffmpeg(
        *("-i", str(middling_film), "-f", "lavfi", "-i", "sine=frequency=880:duration=42"),
        *("-i", str(folder / "chapters.txt"), "-map", "0:v", "-map", "0:a", "-map", "1:a", "-map_chapters", "2"),
        *("-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=deu"),
        *("-c:v", "copy", "-c:a:0", "copy", "-c:a:1", "aac", str(out)),
    )
    return out


def state(page: Page) -> dict[str, Any]:
    seen: dict[str, Any] = page.evaluate(STATE)
    return seen


def test_a_film_gets_better_where_it_stands(stack: Stack, page: Page, film: Path) -> None:
    owner = Person.known(stack, sign_up(page, "early"), PASSWORD)
    video = owner.upload(film, title="Better while you watch")
    owner.wait_until(video, "playable", "ready")
    page.goto(f"/watch?v={video}")
    found(page, "play").click()
    expect(page.locator("s-player")).to_have_attribute("data-state", "playing", timeout=30_000)
    chosen = choose_everything(page)
    page.evaluate(WATCH_POSITION)
    owner.wait_until(video, "ready", seconds=600)
    wait_for(lambda: state(page)["qualities"] > 1, 60, "the finished film on the page")
    wait_for(lambda: page.evaluate("document.querySelector('video').readyState") >= 2, 60, "its picture")
    kept = state(page)
    assert abs(kept.pop("time") - chosen.pop("time")) < 0.1
    assert (kept.pop("qualities") > 1, kept) == (chosen.pop("qualities") >= 1, chosen)
    page.evaluate("document.querySelector('video').play()")
    wait_for(lambda: state(page)["time"] > CHAPTERS_S[1] + 3, 60, "the picture to go on")
    assert page.evaluate("window.least") >= CHAPTERS_S[1] * 1000
    the_storyboard_shows(page)


def choose_everything(page: Page) -> dict[str, Any]:
    """A chapter, a sound, a speed, a volume; then a pause. Gives what is chosen."""
    expect(found(page, "chapter")).to_have_count(2)
    page.get_by_role("button", name="Part 2").click()
    wait_for(lambda: state(page)["time"] > CHAPTERS_S[1] + 0.5, 30, "the second chapter")
    expect(page.get_by_role("button", name="Part 2")).to_have_attribute("aria-current", "true")
    page.evaluate(
        """() => { const video = document.querySelector('video');
            for (const sound of video.audioTracks) sound.enabled = sound.language === 'de';
            Object.assign(video, { playbackRate: 1.5, volume: 0.25, muted: true }) }"""
    )
    wait_for(lambda: state(page)["sound"] == ["de"], 10, "the German sound")
    page.evaluate("document.querySelector('video').pause()")
    return state(page)


def the_storyboard_shows(page: Page) -> None:
    """Over the time bar, with the chapter it lies in."""
    bar = page.locator("media-time-range").bounding_box()
    assert bar
    page.mouse.move(bar["x"] + bar["width"] * 0.75, bar["y"] + bar["height"] / 2)
    expect(page.locator("media-preview-thumbnail").first).to_have_attribute("mediapreviewimage", SPRITE)
    expect(page.locator("media-preview-chapter-display").first).to_have_attribute("mediapreviewchapter", "Part 2")
