"""What goes wrong on the way of an upload: cut lines, two senders, killed servers, full disks, no films."""

import asyncio
import contextlib
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from tests.conftest import Platform, PlatformMaker
from tests.servers import Server, free_port, wait_for_port
from tests.videos.uploading import (
    OFFSET_TYPE,
    OWNER,
    TUS,
    begin,
    begun,
    code,
    film,
    look,
    offset_of,
    send,
    source_of,
)
from tests.videos.working import sweep, until


@contextlib.asynccontextmanager
async def half_sent(
    p: Platform, path: str, part: bytes, announced: int, offset: int = 0
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A PATCH on a raw socket of which only a part has come so far."""
    where = urlsplit(p.settings.service_url("videos"))
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    headers = TUS | OFFSET_TYPE | {"upload-offset": str(offset), "content-length": str(announced), "host": "x"}
    headers["authorization"] = f"Bearer {p.user(OWNER)}"
    lines = [f"PATCH {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    writer.write("\r\n".join(lines).encode() + part)
    await writer.drain()
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def on_disk(p: Platform, video_id: int, size: int) -> None:
    """Wait until a source has that many bytes at least."""
    source = await source_of(p, video_id)

    async def enough() -> bool:
        return source.exists() and source.stat().st_size >= size

    await until(enough)


async def test_a_cut_patch_is_resumed_with_identical_bytes(platform: PlatformMaker) -> None:
    p, content = await platform("videos"), film(3_000_000)
    path, video_id = await begun(p, len(content))
    async with half_sent(p, path, content[:1_500_000], len(content)):
        await on_disk(p, video_id, 1_000_000)

    async def counted() -> bool:
        return await offset_of(p, path) == 1_500_000

    await until(counted)
    assert (await send(p, path, 1_500_000, content[1_500_000:])).status_code == 204
    assert (await source_of(p, video_id)).read_bytes() == content
    assert (await look(p, video_id))["status"] == "queued"


async def test_however_often_and_wherever_a_line_is_cut_the_bytes_are_the_same(platform: PlatformMaker) -> None:
    p, content, cuts = await platform("videos"), film(6_000_000), random.Random(7)
    path, video_id = await begun(p, len(content))
    for _ in range(12):
        offset = await offset_of(p, path)
        part = content[offset : offset + cuts.randrange(1, 1_500_000)]
        if offset + len(part) == len(content):
            break
        async with half_sent(p, path, part, len(content) - offset, offset):
            await asyncio.sleep(cuts.choice((0, 0.01, 0.7)))

    async def resumed() -> bool:
        offset = await offset_of(p, path)
        response = await send(p, path, offset, content[offset:])
        assert response.status_code in (204, 409, 423)
        return response.status_code == 204

    await until(resumed)
    assert (await source_of(p, video_id)).read_bytes() == content
    assert (await look(p, video_id))["status"] == "queued"


async def test_a_line_that_went_dead_without_a_word_does_not_lock_its_upload(platform: PlatformMaker) -> None:
    p, content = await platform("videos"), film(3_000_000)
    path, video_id = await begun(p, len(content))
    async with half_sent(p, path, content[:1_500_000], len(content)) as (reader, writer):

        async def counted() -> bool:
            return await offset_of(p, path) == 1_500_000

        await until(counted)
        assert (await send(p, path, 1_500_000, content[1_500_000:2_000_000])).status_code == 204
        writer.write(b"late bytes of a line thought dead")
        assert b" 423 " in await reader.readline()
        assert (await send(p, path, 2_000_000, content[2_000_000:])).status_code == 204
    assert (await source_of(p, video_id)).read_bytes() == content


async def test_of_two_that_send_at_once_one_is_told_to_wait(platform: PlatformMaker) -> None:
    p, content = await platform("videos"), film(200_000)
    path, video_id = await begun(p, len(content))
    stop = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        for start in range(0, 100_000, 1000):
            if not stop.is_set():
                await asyncio.sleep(0.1)
            yield content[start : start + 1000]
        yield content[100_000:]

    first = asyncio.create_task(send(p, path, 0, slowly()))
    await on_disk(p, video_id, 0)
    second = await send(p, path, 0, content)
    stop.set()
    assert code(second) == (423, "upload_locked")
    assert (await first).status_code == 204
    assert (await source_of(p, video_id)).read_bytes() == content


async def test_one_user_sends_a_dozen_uploads_at_a_time(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(12):
            path, video_id = await begun(p, 5000)
            await stack.enter_async_context(half_sent(p, path, film(100), 5000))
            await on_disk(p, video_id, 100)
        path, _ = await begun(p, 5000)
        assert code(await send(p, path, 0, film())) == (503, "busy")

    async def sent() -> bool:
        return (await send(p, path, 0, film())).status_code == 204

    await until(sent)


async def test_bytes_that_were_never_committed_are_written_anew(platform: PlatformMaker) -> None:
    p, content = await platform("videos"), film(5000)
    path, video_id = await begun(p, 5000)
    await send(p, path, 0, content[:2000])
    with (await source_of(p, video_id)).open("ab") as file:
        file.write(b"left behind by a crash" * 500)
    assert (await send(p, path, 2000, content[2000:])).status_code == 204
    assert (await source_of(p, video_id)).read_bytes() == content


async def test_a_source_that_is_gone_is_said_to_be(platform: PlatformMaker) -> None:
    p = await platform("videos")
    path, video_id = await begun(p, 5000)
    await send(p, path, 0, film(2000))
    (await source_of(p, video_id)).unlink()
    assert code(await send(p, path, 2000, b"x" * 3000)) == (410, "upload_lost")


async def serve(p: Platform, port: int, postgres: Server) -> subprocess.Popen[bytes]:
    """A second server on the same database, as a process of its own."""
    name = await p.db("videos").value("select current_database()")
    url = f"postgresql://postgres:{postgres.password}@127.0.0.1:{postgres.port}/{name}"
    environment = dict(p.settings.values) | {"PORT": str(port), "DATABASE_URL": url}
    process = subprocess.Popen([sys.executable, "-m", "api", "serve", "videos"], env=environment)
    wait_for_port(port, process)
    return process


async def test_an_upload_survives_a_killed_server(platform: PlatformMaker, postgres: Server) -> None:
    p, content, port = await platform("videos"), film(40 << 20), free_port()
    path, video_id = await begun(p, len(content))
    process = await serve(p, port, postgres)
    headers = TUS | OFFSET_TYPE | {"authorization": f"Bearer {p.user(OWNER)}", "upload-offset": "0"}

    async def until_killed() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 1 << 20):
            yield content[start : start + (1 << 20)]
            if start == 20 << 20:
                await on_disk(p, video_id, 10 << 20)
                process.send_signal(signal.SIGKILL)

    with contextlib.suppress(httpx2.HTTPError):
        await p.http.patch(f"http://127.0.0.1:{port}{path}", headers=headers, content=until_killed())
    process.wait()
    offset = await offset_of(p, path)
    assert 0 < offset < len(content)
    assert (await send(p, path, offset, content[offset:])).status_code == 204
    assert (await source_of(p, video_id)).read_bytes() == content


async def test_a_disk_that_fills_up_is_507_and_keeps_what_was_committed(platform: PlatformMaker) -> None:
    p = await platform("videos")
    path, video_id = await begun(p, 5000)
    (await source_of(p, video_id)).symlink_to("/dev/full")
    assert code(await send(p, path, 0, film(5000))) == (507, "storage_full")
    assert await offset_of(p, path) == 0


async def test_a_file_larger_than_the_disk_is_refused_at_the_start(platform: PlatformMaker) -> None:
    p = await platform("videos", MAX_UPLOAD_BYTES=str(10**17))
    assert code(await begin(p, 10**16)) == (507, "storage_full")
    assert await p.db("videos").value("select count(*) from videos") == 0


async def test_what_is_no_film_fails_with_a_reason_and_is_not_kept(platform: PlatformMaker) -> None:
    p = await platform("videos")
    playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n"
    path, video_id = await begun(p, len(playlist))
    response = await send(p, path, 0, playlist)
    assert (response.status_code, response.headers["upload-offset"]) == (204, str(len(playlist)))
    video = await look(p, video_id)
    assert (video["status"], video["error"]["code"]) == ("failed", "unsupported_media")
    await sweep(p)
    assert not (await source_of(p, video_id)).exists()
    assert await p.db("videos").value("select count(*) from jobs") == 0


async def test_an_upload_left_alone_for_a_day_is_gone(platform: PlatformMaker) -> None:
    p = await platform("videos")
    path, video_id = await begun(p, 5000)
    await send(p, path, 0, film(2000))
    source: Path = await source_of(p, video_id)
    await p.db("videos").run("update uploads set expires_at = now() - interval '1 s'")
    assert code(await send(p, path, 2000, b"x")) == (410, "upload_expired")
    assert (await sweep(p))["uploads"] == 1
    assert not source.exists()
    assert code(await send(p, path, 2000, b"x")) == (404, "not_found")


async def test_a_finished_upload_tells_its_offset_for_a_day_and_its_video_stays(platform: PlatformMaker) -> None:
    p = await platform("videos")
    path, video_id = await begun(p, 50)
    await send(p, path, 0, film(50))
    assert await offset_of(p, path) == 50
    assert (await send(p, path, 50, b"")).status_code == 204
    await p.db("videos").run("update uploads set expires_at = now() - interval '1 s'")
    await sweep(p)
    assert code(await send(p, path, 50, b"")) == (404, "not_found")
    assert (await look(p, video_id))["status"] == "queued"
