"""Journeys 2 and 4: a server killed in mid-upload loses no byte, a worker killed in mid-film loses no frame."""

import hashlib
import os
import signal
from pathlib import Path

import av
import pytest
from playwright.sync_api import Page, expect

from tests.journeys.person import drop, found, sign_up
from tests.stacks import Person, Stack, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys"), pytest.mark.timeout(900)]

BYTES_PER_S = 2_000_000


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sources(stack: Stack) -> dict[Path, int]:
    return {p: p.stat().st_size for p in (stack.home / "sources").rglob("*") if p.is_file()}


def test_an_upload_cut_by_a_killed_server_resumes_to_identical_bytes(
    stack: Stack, page: Page, heavy_film: Path
) -> None:
    before = set(sources(stack))
    sign_up(page, "patient")
    page.goto("/upload")
    slow = page.context.new_cdp_session(page)
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": BYTES_PER_S}
    slow.send("Network.emulateNetworkConditions", limits)
    drop(page, found(page, "drop-zone"), heavy_film)
    found(page, "upload-start").click()
    whole = heavy_film.stat().st_size

    def part_way() -> bool:
        return any(whole * 0.2 < size < whole for path, size in sources(stack).items() if path not in before)

    wait_for(part_way, 60, "a part of the film on disk")
    os.kill(stack.programs()["videos"]["pid"], signal.SIGKILL)
    expect(found(page, "upload-watch")).to_be_visible(timeout=120_000)
    assert digest(heavy_film) in {digest(path) for path in sources(stack) if path not in before}


def units(stack: Stack, operator: Person, video: int) -> dict[str, int]:
    jobs = operator.get("/api/jobs")["items"]
    found_units: dict[str, int] = next(job["units"] for job in jobs if job["video"]["id"] == video)
    return found_units


def frames(playlist: Path) -> int:
    """Frames a decoder gets out of a rendition, from first to last segment."""
    names = [line for line in playlist.read_text().splitlines() if line.endswith(".m4s")]
    joined = playlist.parent / "joined.mp4"
    joined.write_bytes(b"".join((playlist.parent / name).read_bytes() for name in ["init.mp4", *names]))
    try:
        with av.open(str(joined)) as container:
            return sum(1 for _ in container.decode(video=0))
    finally:
        joined.unlink()


def test_a_killed_worker_costs_no_frame(stack: Stack, large_film: Path) -> None:
    uploader = Person(stack, "crash-tester@example.org")
    stack.command("operator", uploader.email)
    uploader.sign_in_again()
    video = uploader.upload(large_film, title="Worker killed here")
    for worker in ("worker-interactive", "worker-batch"):
        wait_for(lambda: units(stack, uploader, video)["done"] > 1, 90, "some units to be done")
        wait_for(lambda: units(stack, uploader, video)["running"] > 0, 90, "a unit under way")
        os.kill(stack.programs()[worker]["pid"], signal.SIGKILL)
    ready = uploader.wait_until(video, "ready", seconds=600)
    generation = next(p for p in (stack.home / "media" / str(video)).iterdir() if p.is_dir())
    pictures = [r["name"] for r in ready["renditions"] if r["height"]]
    assert len(pictures) >= 4
    planned = ready["duration_ms"] * 25 // 1000
    assert planned >= 4 * 132
    assert {name: frames(generation / name / "index.m3u8") for name in pictures} == dict.fromkeys(pictures, planned)
