"""Deleting a video: rows at once, sessions and files as soon as can be, and again until it is done."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import msgspec

from tests.conftest import Platform, PlatformMaker
from tests.servers import free_port
from tests.videos.uploading import CHIEF, OWNER, STRANGER, begun, code, film, posted, send, source_of
from tests.videos.working import plan, problem, sweep, take, worker


@contextlib.asynccontextmanager
async def streaming_at(port: int) -> AsyncIterator[list[bytes]]:
    """Something that listens in the streaming service's place; gives the bodies it was sent."""
    bodies: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        assert head.startswith(b"POST /internal/sessions/end ")
        bodies.append(await reader.readexactly(length))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(hear, "127.0.0.1", port):
        yield bodies


async def delete(p: Platform, video_id: int, token: str | None) -> httpx2.Response:
    return await p.call("DELETE", "videos", f"/api/videos/{video_id}", token=token)


def media_of(p: Platform, video_id: int) -> Path:
    """A generation's folder with a file in it."""
    folder = p.settings.path("MEDIA_ROOT") / str(video_id) / "1" / "360p"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "0-0-4000.m4s").write_bytes(b"segment")
    return folder.parent.parent


async def test_a_video_made_private_is_taken_from_those_who_watch(platform: PlatformMaker) -> None:
    port = free_port()
    p = await platform("videos", STREAMING_SERVICE_URL=f"http://127.0.0.1:{port}")
    video_id = await posted(p)
    path, shown = f"/api/videos/{video_id}", p.user(OWNER)
    async with streaming_at(port) as heard:
        for fields in ({"visibility": "unlisted"}, {"title": "Other"}, {"visibility": "private"}):
            assert (await p.call("PUT", "videos", path, token=shown, json=fields)).status_code == 200
    assert [msgspec.json.decode(body) for body in heard] == [{"video_id": video_id, "user_id": None, "deleted": False}]
    away = await p.call("PUT", "videos", path, token=shown, json={"visibility": "private"})
    assert code(away) == (503, "unavailable")


async def test_a_deleted_video_is_gone_with_sessions_files_and_rows(platform: PlatformMaker) -> None:
    port = free_port()
    p = await platform("videos", STREAMING_SERVICE_URL=f"http://127.0.0.1:{port}")
    video_id = await posted(p)
    source, media = await source_of(p, video_id), media_of(p, video_id)
    async with streaming_at(port) as bodies:
        assert (await delete(p, video_id, p.user(OWNER))).status_code == 204
    assert bodies == [b'{"video_id":%d,"user_id":null,"deleted":true}' % video_id]
    assert not source.exists()
    assert not media.exists()
    assert code(await p.call("GET", "videos", f"/api/videos/{video_id}")) == (404, "not_found")
    assert await p.db("videos").value("select (select count(*) from jobs) + (select count(*) from units)") == 0
    async with worker(p) as clients:
        assert await clients.videos_facts([video_id]) == []
    assert code(await delete(p, video_id, p.user(OWNER))) == (404, "not_found")


async def test_sessions_are_ended_later_when_streaming_is_away(platform: PlatformMaker) -> None:
    port = free_port()
    p = await platform("videos", STREAMING_SERVICE_URL=f"http://127.0.0.1:{port}")
    video_id = await posted(p)
    media = media_of(p, video_id)
    assert (await delete(p, video_id, p.user(OWNER))).status_code == 204
    assert not media.exists()
    await p.db("videos").run("update removals set due_at = now(), created_at = now() - interval '1 hour'")
    await sweep(p)
    assert await p.db("videos").value("select count(*) from removals") == 1
    await p.db("videos").run("update removals set due_at = now()")
    async with streaming_at(port) as bodies:
        await sweep(p)
    assert len(bodies) == 1
    assert await p.db("videos").value("select count(*) from removals") == 0


async def test_what_a_worker_wrote_late_is_removed_too(platform: PlatformMaker) -> None:
    port = free_port()
    p = await platform("videos", STREAMING_SERVICE_URL=f"http://127.0.0.1:{port}")
    video_id = await posted(p)
    async with streaming_at(port):
        await delete(p, video_id, p.user(OWNER))
        late = media_of(p, video_id)
        await p.db("videos").run("update removals set due_at = now()")
        await sweep(p)
    assert not late.exists()
    assert await p.db("videos").value("select count(*) from removals") == 1
    await p.db("videos").run("update removals set due_at = now(), created_at = now() - interval '2 minutes'")
    await sweep(p)
    assert await p.db("videos").value("select count(*) from removals") == 0


async def test_workers_at_a_deleted_video_are_told_to_stop(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        await plan(clients)
        unit = await take(clients)
        await delete(p, video_id, p.user(OWNER))
        assert (await clients.units_renew(unit, 1, 1.0)).stop is True
        assert await problem(clients.units_done(unit, {})) == (409, "lease_lost")
        assert await clients.units_claim("interactive", "w1") is None


async def test_only_the_owner_and_operators_delete(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    assert code(await delete(p, video_id, p.user(STRANGER))) == (403, "forbidden")
    assert (await delete(p, video_id, None)).status_code == 401
    assert (await delete(p, video_id, p.user(CHIEF, role="operator"))).status_code == 204


async def test_deleting_a_video_ends_its_upload(platform: PlatformMaker) -> None:
    p = await platform("videos")
    path, video_id = await begun(p, 5000)
    await send(p, path, 0, film(2000))
    assert (await delete(p, video_id, p.user(OWNER))).status_code == 204
    assert code(await send(p, path, 2000, b"x" * 3000)) == (404, "not_found")


async def test_deletion_claims_and_last_bytes_at_once_do_not_block_each_other(platform: PlatformMaker) -> None:
    p = await platform("videos")
    for _ in range(5):
        path, video_id = await begun(p, 100)
        await posted(p)
        async with worker(p) as clients:
            others = [clients.videos_sweep(), *(clients.units_claim("interactive", f"w{i}") for i in range(4))]
            work = asyncio.gather(*others)
            sent, deleted = await asyncio.gather(send(p, path, 0, film(100)), delete(p, video_id, p.user(OWNER)))
            await work
        assert deleted.status_code == 204
        assert sent.status_code in (204, 404, 423)
        assert await p.db("videos").value("select count(*) from videos where id = :id", id=video_id) == 0
