"""Captions in Chromium through hls.js: on the film's own clock, to the millisecond, in every piece, once."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests import films
from tests.journeys.person import found, sign_up
from tests.stacks import Person, Stack

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys"), pytest.mark.timeout(900)]

CUES = {(1001, 2999): "Grüße", (59_000, 61_500): "über die Minute", (62_345, 63_001): "<b>kein Fett</b>"}
SHOW = """video => {
    const track = [...video.textTracks].find(({language}) => language.startsWith('de'));
    if (track) track.mode = 'showing';
    return Boolean(track);
}"""
SEEN = """video => [...video.textTracks].filter(({language}) => language.startsWith('de')).flatMap(
    track => [...(track.cues ?? [])]).map(cue => [cue.startTime * 1000, cue.endTime * 1000, cue.getCueAsHTML()])
    .map(([start, end, shown]) => [start, end, shown.childElementCount ? 'markup' : shown.textContent])"""


def srt() -> str:
    """The cues as SubRip; what looks like a tag is written so that it is meant."""
    lines = []
    for number, ((start, end), text) in enumerate(CUES.items(), 1):
        times = " --> ".join(f"00:{ms // 60_000:02}:{ms // 1000 % 60:02},{ms % 1000:03}" for ms in (start, end))
        lines.append(f"{number}\n{times}\n{text.replace('<', '&lt;')}\n")
    return "\n".join(lines)


def seen(page: Page, count: int) -> dict[tuple[int, int], str]:
    """The cues the browser has, once there are so many."""
    page.wait_for_function(f"video => ({SEEN})(video).length >= {count}", arg=page.locator("video").element_handle())
    cues: list[list[Any]] = page.locator("video").evaluate(SEEN)
    assert len(cues) == count, cues
    for start, end, _ in cues:
        assert abs(start - round(start)) < 0.01, "between two milliseconds"
        assert abs(end - round(end)) < 0.01, "between two milliseconds"
    return {(round(start), round(end)): text for start, end, text in cues}


@pytest.mark.parametrize("reordered", [0, 3])
def test_captions_are_on_the_films_own_clock(stack: Stack, page: Page, tmp_path: Path, reordered: int) -> None:
    film = tmp_path / "film.mp4"
    picture = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=30000/1001:d=70", "-f", "lavfi", "-i", "sine=d=70")
    films.ffmpeg(*picture, "-c:v", "libx264", "-preset", "ultrafast", "-bf", str(reordered), "-c:a", "aac", str(film))
    uploader = Person(stack, f"captions-{reordered}@example.org")
    video = uploader.upload(film, title="With captions")
    answer = uploader.http.put(f"/api/videos/{video}/captions/de", content=srt().encode("utf-16"))
    assert answer.json()["cues"] == len(CUES), answer.text
    uploader.wait_until(video, "ready")
    sign_up(page, "reader")
    page.goto(f"/watch?v={video}")
    found(page, "play").click()
    expect(page.locator("s-player")).to_have_attribute("data-state", "playing", timeout=60_000)
    page.wait_for_function(SHOW, arg=page.locator("video").element_handle())
    assert seen(page, len(CUES)) == CUES
