"""Flash and beep: what Chromium shows and plays through hls.js and the gateway is together within 40 ms."""

from pathlib import Path
from statistics import median
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.person import found, sign_up
from tests.media.flashes import flashing
from tests.stacks import Person, Stack

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys"), pytest.mark.timeout(900)]

CLOCK = Path(__file__).with_name("clock.js")
COUNT = 9
LATE_MS = 200
H264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", "50", "-bf", "3", "-c:a", "aac")
VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus")
MPEG2 = ("-c:v", "mpeg2video", "-bf", "2", "-g", "25", "-c:a", "mp2", "-f", "mpegts")
# The last one is late in the source, and has to stay so: proof that a distance would be seen.
SOURCES = {
    "film.mp4": (0, H264),
    "film.ts": (0, MPEG2),
    "late.mkv": (LATE_MS, (*VP8, "-af", f"adelay={LATE_MS}:all=1")),
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_flash_and_its_beep_come_together(name: str, stack: Stack, page: Page, tmp_path: Path) -> None:
    late_ms, options = SOURCES[name]
    film = flashing(tmp_path / name, COUNT + 1, *options, size="320x180")
    uploader = Person(stack, f"{film.suffix[1:]}-flashes@example.org")
    video = uploader.upload(film, title=f"Flashes from {name}")
    uploader.wait_until(video, "ready")
    page.add_init_script(path=CLOCK)
    sign_up(page, "listener")
    page.goto(f"/watch?v={video}")
    found(page, "play").click()
    expect(page.locator("s-player")).to_have_attribute("data-state", "playing", timeout=60_000)
    seen = page.evaluate(f"watch({COUNT})")
    offsets = together(seen)
    assert len(offsets) >= COUNT // 2, seen
    assert abs(median(offsets) - late_ms) <= 40, offsets


def together(seen: dict[str, Any]) -> list[float]:
    """Milliseconds from each flash to the beep nearest to it, of those that were both seen."""
    beeps = [beep["at"] for beep in seen["beeps"]]
    nearest = [min(beeps, key=lambda at: abs(at - flash["at"])) - flash["at"] for flash in seen["flashes"] if beeps]
    return [offset for offset in nearest if abs(offset) < 500]
