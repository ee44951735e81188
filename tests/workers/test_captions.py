"""Captions from a file somebody sends to what a player reads, with the real service, worker and FFmpeg."""

from pathlib import Path

from media.webvtt import Cue, read
from tests import films
from tests.conftest import Platform, PlatformMaker
from tests.workers.test_transcode_upload import OWNER, look, upload, work

GERMAN = "1\n00:00:01,001 --> 00:00:02,999\nGrüße\n\n2\n00:00:03,500 --> 00:01:00,000\nbis zum Schluss\n"


async def put(p: Platform, video_id: int, language: str, content: str, **query: str) -> None:
    path = f"/api/videos/{video_id}/captions/{language}"
    token = p.user(OWNER)
    answer = await p.call("PUT", "videos", path, token=token, content=content.encode("cp1252"), params=query)
    assert answer.status_code == 200, answer.text


def master(folder: Path) -> list[str]:
    return [line for line in (folder / "master.m3u8").read_text().splitlines() if "TYPE=SUBTITLES" in line]


async def test_captions_reach_players_with_the_film_and_after_it(platform: PlatformMaker, tmp_path: Path) -> None:
    p = await platform("videos")
    clip = films.synthetic(tmp_path / "clip.mp4", 6)
    video_id = await upload(p, clip.read_bytes())
    folder = p.settings.path("MEDIA_ROOT") / f"{video_id}/1"
    await put(p, video_id, "de", GERMAN, label='Deutsch "für alle"', sdh="true")
    await work(p)
    ready = await look(p, video_id)
    assert ready["status"] == "ready", ready["error"]
    (line,) = master(folder)
    assert 'URI="text-de/index.m3u8"' in line
    assert "describes-music-and-sound" in line
    assert 'SUBTITLES="text"' in (folder / "master.m3u8").read_text()
    (piece,) = (folder / "text-de").glob("0-*.vtt")
    said = [Cue(1001, 2999, "Grüße"), Cue(3500, ready["duration_ms"], "bis zum Schluss")]
    assert read(piece.read_text()).cues == said
    url = ready["captions"][0]["url"].partition("?")[0]
    assert read((p.settings.path("MEDIA_ROOT") / url.removeprefix("/media/")).read_text()).cues == said

    await put(p, video_id, "fr", GERMAN)
    await p.call("DELETE", "videos", f"/api/videos/{video_id}/captions/de", token=p.user(OWNER))
    await work(p)
    after = await look(p, video_id)
    assert [(one["language"], one["label"]) for one in after["captions"]] == [("fr", "Français")]
    assert after["captions"][0]["url"].startswith(f"/media/{video_id}/1/captions-fr.vtt?v=")
    assert after["status"] == "ready"
    assert ['URI="text-fr/index.m3u8"' in line for line in master(folder)] == [True]
    assert not (folder / "text-de").exists()
    assert not (folder / "captions-de.vtt").exists()


async def test_a_moment_of_the_film_becomes_its_poster(platform: PlatformMaker, tmp_path: Path) -> None:
    p = await platform("videos")
    video_id = await upload(p, films.synthetic(tmp_path / "clip.mp4", 6).read_bytes())
    path, token = f"/api/videos/{video_id}/poster", p.user(OWNER)
    answer = await p.call("PUT", "videos", path, token=token, json={"at_ms": 4321})
    assert (answer.status_code, answer.json()["poster_url"]) == (200, None)
    await work(p)
    url = (await look(p, video_id))["poster_url"]
    assert url.startswith(f"/media/{video_id}/1/poster-")
    assert (p.settings.path("MEDIA_ROOT") / url.removeprefix("/media/")).read_bytes().startswith(b"\xff\xd8\xff")
