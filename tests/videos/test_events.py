"""Server-sent events: what a page hears while a video is made."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2

from api.videos import events
from tests.conftest import Platform, PlatformMaker
from tests.videos.uploading import CHIEF, OWNER, code, posted
from tests.videos.working import plan, work_off, worker


@contextlib.asynccontextmanager
async def listening(p: Platform, path: str, token: str | None = None) -> AsyncIterator[AsyncIterator[Any]]:
    """The events of a stream, decoded; comments are left out."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with p.http.stream("GET", p.settings.service_url("videos") + path, headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert (response.headers["cache-control"], response.headers["x-accel-buffering"]) == ("no-store", "no")
        yield _events(response)


async def _events(response: httpx2.Response) -> AsyncIterator[Any]:
    async for line in response.aiter_lines():
        if line.startswith("event: "):
            yield line.removeprefix("event: ")
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


async def until_status(stream: AsyncIterator[Any], status: str) -> Any:
    async with asyncio.timeout(10):
        async for event in stream:
            if event["status"] == status:
                return event
    raise AssertionError("the stream ended")


async def test_a_page_hears_of_every_step_of_a_video(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with listening(p, f"/api/videos/{video_id}/events") as stream, worker(p) as clients:
        assert (await until_status(stream, "queued"))["progress"] == 0
        await plan(clients)
        assert len((await until_status(stream, "playable"))["renditions"]) == 3
        await work_off(clients)
        assert (await until_status(stream, "ready"))["progress"] == 1


async def test_a_stream_ends_when_its_video_is_deleted(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with listening(p, f"/api/videos/{video_id}/events") as stream:
        await until_status(stream, "queued")
        await p.call("DELETE", "videos", f"/api/videos/{video_id}", token=p.user(OWNER))
        async with asyncio.timeout(10):
            assert [event async for event in stream] == ["gone", {}]


async def test_operators_hear_of_jobs(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with listening(p, "/api/jobs/events", p.user(CHIEF, role="operator")) as stream:
        assert (await anext(stream))["items"] == []
        await posted(p)
        async with asyncio.timeout(10):
            assert (await anext(stream))["items"][0]["state"] == "queued"
    assert code(await p.call("GET", "videos", "/api/jobs/events", token=p.user(OWNER))) == (403, "forbidden")


async def test_a_caller_may_listen_to_a_few_streams_and_gets_places_back(platform: PlatformMaker) -> None:
    p = await platform("videos")
    path = f"/api/videos/{await posted(p)}/events"
    async with contextlib.AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(listening(p, path)) for _ in range(20)]
        for stream in streams:
            await anext(stream)
        assert code(await p.call("GET", "videos", path)) == (503, "busy")

    async def again() -> bool:
        async with p.http.stream("GET", p.settings.service_url("videos") + path) as response:
            return response.status_code == 200

    async with asyncio.timeout(10):
        while not await again():
            await asyncio.sleep(0.05)


async def test_a_quiet_stream_beats_and_says_nothing_twice(monkeypatch: Any) -> None:
    monkeypatch.setattr(events, "EVERY_S", 0.01)
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.05)
    answers = iter([{"a": 1}, *[{"a": 2}] * 50, None])

    async def look() -> object | None:
        return next(answers)

    heard = [event async for event in events.stream(look)]
    assert heard[:2] == [b'data: {"a":1}\n\n', b'data: {"a":2}\n\n']
    assert set(heard[2:-1]) == {b": still here\n\n"}
    assert heard[-1] == b"event: gone\ndata: {}\n\n"
