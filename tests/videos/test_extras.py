"""What a finished film has beside pictures and sound, as its JSON tells it: chapters, storyboard, poster."""

from typing import Any

from tests.conftest import Platform, PlatformMaker
from tests.videos.uploading import OWNER, begun, look, posted
from tests.videos.working import FINISHED, PLAN, RENDITIONS, UNITS, take, work_off, worker

CHAPTERS = [
    {"start_ms": 0, "end_ms": 30_000, "title": "Before", "language": "en", "names": {"de": "Vorher"}},
    {"start_ms": 30_000, "end_ms": 80_000, "title": 'After "it" <b>', "language": ""},
]


async def finished(p: Platform, result: dict[str, Any], **plan: Any) -> int:
    """A film whose finish ended with `result`."""
    video_id = await posted(p)
    async with worker(p) as clients:
        await clients.units_planned(await take(clients), PLAN | plan, RENDITIONS, UNITS)
        for queue in ("interactive", "batch", "interactive"):
            while unit := await clients.units_claim(queue, "w1"):
                await clients.units_done(unit, result if unit.kind == "finish" else {})
        await work_off(clients)
    return video_id


async def test_chapters_are_told_in_order_and_with_one_video_only(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await finished(p, FINISHED, chapters=CHAPTERS)
    told = [{name: chapter[name] for name in ("start_ms", "end_ms", "title")} for chapter in CHAPTERS]
    assert (await look(p, video_id))["chapters"] == told
    page = await p.call("GET", "videos", "/api/videos", token=p.user(OWNER))
    assert [video["chapters"] for video in page.json()["items"]] == [[]]


async def test_a_film_without_chapters_has_none(platform: PlatformMaker) -> None:
    p = await platform("videos")
    assert (await look(p, (await begun(p, 5000))[1]))["chapters"] == []
    assert (await look(p, await finished(p, FINISHED)))["chapters"] == []


async def test_stills_have_addresses_once_they_are_made(platform: PlatformMaker) -> None:
    p = await platform("videos")
    bare = await look(p, await finished(p, FINISHED | {"poster": False}))
    assert (bare["poster_url"], bare["storyboard_url"]) == (None, None)
    video_id = await finished(p, FINISHED | {"storyboard": True})
    whole = await look(p, video_id)
    assert whole["poster_url"] == f"/media/{video_id}/1/poster.jpg"
    assert whole["storyboard_url"] == f"/media/{video_id}/1/storyboard.vtt"
    assert {"storyboard", "poster", "poster_revision", "generation"}.isdisjoint(whole)


async def test_stills_of_a_private_film_have_none(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await finished(p, FINISHED | {"storyboard": True})
    await p.db("videos").run("update videos set visibility = 'private' where id = :id", id=video_id)
    private = await look(p, video_id)
    assert (private["poster_url"], private["storyboard_url"]) == (None, None)
