"""Films at the edges of what a film is, from the upload to what comes out of the gateway."""

import io
import re
from itertools import pairwise
from pathlib import Path

import av
import pytest
from playwright.sync_api import Page, expect

from tests import films
from tests.bench.viewer import Playback
from tests.journeys.person import found, sign_up
from tests.media import clips
from tests.stacks import Person, Stack

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys"), pytest.mark.timeout(900)]


def delivered(stack: Stack, name: str, film: Path) -> tuple[Person, Playback]:
    """A session for a film that has just become ready."""
    uploader = Person(stack, f"{name}@example.org")
    video = uploader.upload(film, title=name)
    uploader.wait_until(video, "ready")
    return uploader, Playback(uploader, video)


def decoded(playback: Playback, rendition: str) -> av.container.InputContainer:
    """A rendition as the gateway gives it."""
    return av.open(io.BytesIO(playback.whole(rendition)), mode="r")


@pytest.mark.parametrize("sound", [False, True], ids=["silent", "sounding"])
def test_a_film_of_one_picture_comes_through(sound: bool, stack: Stack, tmp_path: Path) -> None:
    film = clips.numbered(tmp_path / "one.mp4", 0.04, sound=sound)
    uploader, playback = delivered(stack, f"one-picture-{sound}", film)
    with decoded(playback, playback.rendition) as container:
        assert clips.numbers(container.decode(video=0)) == [0]
    assert playback.segments == ["0-0-40.m4s"]
    assert ("TYPE=AUDIO" in playback.master) is sound
    playback.end()
    assert uploader.get("/api/stream/sessions", active="true")["items"] == []


# hls.js 1.7.4 waits for ever for the end of one picture with sound; and now and then for that of 0.2 s.
@pytest.mark.parametrize(("seconds", "sound"), [(0.04, False), (1.0, True)], ids=["one-picture", "a-second"])
def test_the_shortest_films_are_played_to_the_end(
    seconds: float, sound: bool, stack: Stack, page: Page, tmp_path: Path
) -> None:
    film = clips.numbered(tmp_path / "short.mp4", seconds, sound=sound)
    uploader = Person(stack, f"short-{seconds}@example.org")
    video = uploader.upload(film, title="Over in a moment")
    uploader.wait_until(video, "ready")
    sign_up(page, "one-look")
    page.goto(f"/watch?v={video}")
    found(page, "play").click()
    expect(found(page, "finished")).to_be_visible(timeout=60_000)
    assert page.evaluate("document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames") >= 1


TONES = {"de": 300, "en": 600, "und": 1200}


def test_every_track_of_a_film_is_there_under_its_language(stack: Stack, tmp_path: Path) -> None:
    film = tmp_path / "tracks.mkv"
    inputs = [("-f", "lavfi", "-i", f"sine=frequency={hertz}:sample_rate=48000:duration=5") for hertz in TONES.values()]
    films.ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=5", *(word for words in inputs for word in words)),
        *("-map", "0", "-map", "1", "-map", "2", "-map", "3", "-c:v", "libx264", "-c:a", "flac"),
        *("-metadata:s:a:0", "language=ger", "-metadata:s:a:1", "language=eng", "-metadata:s:a:1", "title=Comments"),
        str(film),
    )
    _, playback = delivered(stack, "many-tracks", film)
    tracks = re.findall(r'#EXT-X-MEDIA:TYPE=AUDIO,(.*),URI="([^"]+)/index\.m3u8"', playback.master)
    groups = {attribute(line, "GROUP-ID") for line, _ in tracks}
    for group in groups:
        own = [(line, rendition) for line, rendition in tracks if attribute(line, "GROUP-ID") == group]
        assert [attribute(line, "LANGUAGE") for line, _ in own] == list(TONES)
        assert {language: pitch(playback, name) for language, (_, name) in zip(TONES, own, strict=True)} == TONES
    assert "Comments" in playback.master
    playback.end()


def attribute(line: str, name: str) -> str:
    found = re.search(rf'{name}="([^"]*)"', line)
    assert found, (name, line)
    return found[1]


def pitch(playback: Playback, rendition: str) -> int:
    """The tone of a rendition, to the nearest hundred hertz: how often it rises through zero in a second."""
    samples: list[float] = []
    with decoded(playback, rendition) as container:
        for frame in container.decode(audio=0):
            samples.extend(memoryview(frame.planes[0]).cast("B").cast("f")[: frame.samples])
    second = samples[48_000:96_000]
    rises = sum(a < 0 <= b for a, b in pairwise(second))
    return round(rises / 100) * 100
