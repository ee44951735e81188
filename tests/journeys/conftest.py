"""One whole stack for all journeys, a headless Chromium for each."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests import films
from tests.stacks import Stack, running_stack

CHROMIUM_FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """Of the journeys alone: what it has left to encode would slow the tests of others down."""
    with running_stack() as found:
        yield found


@pytest.fixture
def browser() -> Iterator[Browser]:
    """A Chromium of one test. Playwright keeps an event loop running while it is open, and the async tests of the same
    process need that place."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    assert path, "the journeys need Chromium: install the package 'chromium'"
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A fresh window that fails the test when a page's own script fails."""
    context = browser.new_context(base_url=stack.url, viewport={"width": 1280, "height": 800})
    found = context.new_page()
    errors: list[str] = []
    found.on("pageerror", lambda error: errors.append(str(error)))
    yield found
    context.close()
    assert errors == []


@pytest.fixture(scope="session")
def film_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("films")


@pytest.fixture(scope="session")
def large_film(film_folder: Path) -> Path:
    """21 s of Big Buck Bunny at 720p: 528 frames at 25 frames/s."""
    return films.bunny_loop(film_folder / "large.mp4", 4)


@pytest.fixture(scope="session")
def small_clip(film_folder: Path) -> Path:
    return films.small_bunny(film_folder / "clip.mp4")


@pytest.fixture(scope="session")
def short_film(film_folder: Path, small_clip: Path) -> Path:
    """21 s of Big Buck Bunny at 360p, for journeys that are not about its ladder."""
    return films.bunny_loop(film_folder / "short.mp4", 4, small_clip)


@pytest.fixture(scope="session")
def heavy_film(film_folder: Path, small_clip: Path) -> Path:
    """A minute and a half of it, 18 MB."""
    return films.bunny_loop(film_folder / "heavy.mp4", 17, small_clip)


@pytest.fixture(scope="session")
def middling_film(film_folder: Path) -> Path:
    """42 s of Big Buck Bunny."""
    return films.bunny_loop(film_folder / "middling.mp4", 8)


@pytest.fixture(scope="session")
def long_film(film_folder: Path) -> Path:
    """A minute and a half of Big Buck Bunny at 720p: nobody waits for its ladder."""
    return films.bunny_loop(film_folder / "long.mp4", 17)
