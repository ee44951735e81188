"""Posters that people choose: through the real service, the sandbox and FFmpeg, from a request to a file."""

import asyncio
import contextlib
import dataclasses
import io
import struct
import zlib
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import httpx2
import pytest

from api import binaries
from api.clients import Clients
from media import poster
from media.encoder import encode
from media.formats import image_demuxer
from media.plan import to_document
from tests import films
from tests.conftest import Platform, PlatformMaker
from tests.media import clips
from tests.media.test_playlist import plan as plan_of
from tests.videos import working
from tests.videos.uploading import OWNER, STRANGER, code, fields_of, look, posted
from workers.shop import open_shop
from workers.transcode import do

# Black, with the one thing to be seen in its upper left.
CORNER = "color=black:s=640x360,drawbox=x=0:y=0:w=320:h=180:color=white:t=fill"


def picture(folder: Path, name: str, *options: str, graph: str = CORNER) -> bytes:
    """A still, in the format its name says."""
    films.ffmpeg("-f", "lavfi", "-i", graph, "-frames:v", "1", "-update", "1", *options, str(folder / name))
    return (folder / name).read_bytes()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def rotated(jpeg: bytes, orientation: int) -> bytes:
    """The same picture as a telephone held on its side writes it."""
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01" + struct.pack(">HH", orientation, 0) + b"\0\0\0\0"
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


def decoded(jpeg: bytes) -> av.VideoFrame:
    with av.open(io.BytesIO(jpeg), mode="r", format="jpeg_pipe") as film:
        return next(film.decode(video=0))


def corners(frame: av.VideoFrame) -> str:
    """W for a bright corner, B for a dark one: upper left and right, lower left and right."""
    grey, line = bytes(frame.planes[0]), frame.planes[0].line_size
    places = [
        (x, y) for y in (frame.height // 4, frame.height * 3 // 4) for x in (frame.width // 4, frame.width * 3 // 4)
    ]
    return "".join("W" if grey[y * line + x] > 128 else "B" for x, y in places)


async def of_picture(content: bytes, folder: Path) -> av.VideoFrame:
    source, out = folder / "sent", folder / "out"
    out.mkdir(exist_ok=True)
    source.write_bytes(content)
    demuxer = image_demuxer(content[:12])
    assert demuxer is not None
    await encode(binaries.ffmpeg(), poster.of_picture(source, demuxer), source, out, limits=poster.LIMITS)
    return decoded((out / poster.POSTER).read_bytes())


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
async def test_pictures_of_three_formats_become_posters(tmp_path: Path, name: str) -> None:
    frame = await of_picture(picture(tmp_path, name), tmp_path)
    assert (frame.width, frame.height, corners(frame)) == (640, 360, "WBBB")


SIZES = {
    "4000x3000": (1280, 960),
    "3000x4000": (960, 1280),
    "641x361": (640, 360),
    "16x16": (16, 16),
    "9000x90": (1280, 12),
}


@pytest.mark.parametrize("size", SIZES)
async def test_a_poster_is_at_most_1280_wide_and_never_enlarged(tmp_path: Path, size: str) -> None:
    frame = await of_picture(picture(tmp_path, "a.png", graph=f"color=white:s={size}"), tmp_path)
    assert (frame.width, frame.height) == SIZES[size]


async def test_a_telephone_held_on_its_side_takes_upright_posters(tmp_path: Path) -> None:
    frame = await of_picture(rotated(picture(tmp_path, "a.jpg"), 6), tmp_path)
    assert (frame.width, frame.height, corners(frame)) == (360, 640, "BWBB")


async def test_what_is_transparent_is_black(tmp_path: Path) -> None:
    clear = picture(tmp_path, "a.png", "-pix_fmt", "rgba", graph="color=white@0.0:s=64x64,format=rgba")
    assert corners(await of_picture(clear, tmp_path)) == "BBBB"


@pytest.mark.parametrize("rate", ["25", "24000/1001"])
async def test_a_moment_gives_the_picture_that_is_on_the_screen_then(tmp_path: Path, rate: str) -> None:
    plan, source = await clips.planned(clips.numbered(tmp_path / "film.mp4", 9, rate=rate), tmp_path)
    (made,) = await clips.encoded(plan, source, tmp_path, [(0, plan.segments)])
    for rung in plan.rungs:
        for segment in plan.timeline.segments():
            (made / rung.name / f"{segment.index}.m4s").rename(made / rung.name / segment.name)
    (tmp_path / "out").mkdir()
    for at_ms in (0, 41, 42, 3999, 4000, 4003, 4005, 6040, plan.duration_ms - 1, plan.duration_ms + 5000):
        frame = poster.frame_at(plan, at_ms)
        piece = next(poster.pieces(made, plan, frame, tmp_path))
        arguments = poster.of_film(piece, frame, plan.timeline.rate)
        await encode(binaries.ffmpeg(), arguments, piece, tmp_path / "out", limits=poster.LIMITS)
        shown = min(int(Fraction(at_ms, 1000) * Fraction(rate)), plan.frames - 1)
        assert clips.numbers([decoded((tmp_path / "out" / poster.POSTER).read_bytes())]) == [shown], at_ms


async def ready(p: Platform, clients: Clients) -> int:
    """A finished film of ten seconds, of which nothing lies on the disk."""
    video_id = await posted(p)
    probe = await working.take(clients)
    document = to_document(plan_of(300))
    await clients.units_planned(probe, document, working.RENDITIONS, working.UNITS)
    await working.work_off(clients)
    (p.settings.path("MEDIA_ROOT") / f"{video_id}/1").mkdir(parents=True)
    return video_id


@contextlib.asynccontextmanager
async def working_beside(p: Platform, clients: Clients) -> AsyncIterator[None]:
    """A worker that does whatever comes, as long as the block lasts."""
    shop = dataclasses.replace(open_shop(p.settings, "interactive"), clients=clients)
    stop = asyncio.Event()

    async def work() -> None:
        while not stop.is_set():
            unit = await clients.units_claim("interactive", "w1")
            if unit is not None:
                await do(clients, shop, unit, stop)
            await asyncio.sleep(0.05)

    task = asyncio.create_task(work())
    try:
        yield
    finally:
        stop.set()
        await task


async def put(
    p: Platform, video_id: int, content: bytes, user: int = OWNER, kind: str = "image/png"
) -> httpx2.Response:
    path, headers = f"/api/videos/{video_id}/poster", {"content-type": kind}
    return await p.call("PUT", "videos", path, token=p.user(user), content=content, headers=headers)


async def choose(p: Platform, video_id: int, body: object) -> httpx2.Response:
    return await p.call("PUT", "videos", f"/api/videos/{video_id}/poster", token=p.user(OWNER), json=body)


def sources(p: Platform) -> int:
    return len(list(p.settings.path("SOURCE_ROOT").iterdir()))


async def test_a_picture_becomes_the_poster_and_the_next_one_takes_its_place(
    platform: PlatformMaker, tmp_path: Path
) -> None:
    p = await platform("videos")
    async with working.worker(p) as clients:
        video_id = await ready(p, clients)
        async with working_beside(p, clients):
            first = await put(p, video_id, picture(tmp_path, "a.png"))
            second = await put(p, video_id, picture(tmp_path, "b.webp"), kind="application/octet-stream")
            third = await put(p, video_id, picture(tmp_path, "c.jpg"))
    urls = [answer.json()["poster_url"] for answer in (first, second, third)]
    assert len(set(urls)) == 3
    root = p.settings.path("MEDIA_ROOT")
    there = [(root / url.removeprefix("/media/")).is_file() for url in urls]
    assert there == [False, True, True], "the one before may still be on somebody's page"
    assert corners(decoded((root / urls[2].removeprefix("/media/")).read_bytes())) == "WBBB"
    assert await p.db("videos").value("select count(*) from removals where source is not null") == 2


BAD: dict[str, Any] = {
    "noise": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40,
    "half a picture": None,
    "a bomb": png(60_000, 60_000, b"\0" * 1_000_000),
    "no pixels": png(0, 0, b""),
    "a lie": b"RIFF\x10\0\0\0WEBP#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
}


@pytest.mark.parametrize("what", BAD)
async def test_a_picture_that_cannot_be_read_is_refused_and_forgotten(
    platform: PlatformMaker, tmp_path: Path, what: str
) -> None:
    p = await platform("videos")
    content = BAD[what] or picture(tmp_path, "a.webp")[:200]
    async with working.worker(p) as clients:
        video_id = await ready(p, clients)
        async with working_beside(p, clients):
            answer = await put(p, video_id, content)
        assert code(answer) == (422, "unusable_image"), answer.text
        assert (await look(p, video_id))["status"] == "ready"
        assert await clients.videos_poster(video_id) is None
    await working.sweep(p)
    assert sources(p) == 1, "the film's own"


@pytest.mark.parametrize(
    "content", [b"", b"GIF89a" + b"\0" * 100, b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\xff\xd8"]
)
async def test_what_is_no_picture_is_not_even_kept(platform: PlatformMaker, content: bytes) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    assert code(await put(p, video_id, content)) == (415, "unsupported_media")
    assert sources(p) == 1
    assert await p.db("videos").value("select count(*) from removals") == 0


async def test_too_large_a_picture_is_refused(platform: PlatformMaker) -> None:
    p = await platform("videos")
    assert code(await put(p, await posted(p), b"\xff\xd8\xff" + b"x" * (10 << 20))) == (413, "too_large")
    assert sources(p) == 1


async def test_a_moment_must_lie_in_the_film(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with working.worker(p) as clients:
        video_id = await ready(p, clients)
    assert fields_of(await choose(p, video_id, {"at_ms": 10_010})) == {"at_ms"}
    for wrong in (
        {"at_ms": -1},
        {"at_ms": "5"},
        {"at_ms": 1.5},
        {"at_ms": None},
        {},
        {"at_ms": 2**40},
        {"at_ms": True},
    ):
        assert fields_of(await choose(p, video_id, wrong)) == {"at_ms"}
    assert fields_of(await choose(p, video_id, {"at_ms": 1, "x": 2})) == {"x"}
    assert fields_of(await choose(p, video_id, [1])) == {"body"}


async def test_a_moment_without_a_picture_is_said_to_have_none(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with working.worker(p) as clients:
        video_id = await ready(p, clients)
        async with working_beside(p, clients):
            assert code(await choose(p, video_id, {"at_ms": 5000})) == (422, "unusable_image")


async def test_only_the_uploader_and_operators_may(platform: PlatformMaker, tmp_path: Path) -> None:
    p = await platform("videos")
    public, private = await posted(p), await posted(p, visibility="private")
    still = picture(tmp_path, "a.png")
    assert code(await put(p, public, still, STRANGER)) == (403, "forbidden")
    assert code(await put(p, private, still, STRANGER)) == (404, "not_found")
    assert code(await put(p, 999_999, still)) == (404, "not_found")
    assert sources(p) == 2


async def test_of_a_film_in_the_making_the_poster_waits_for_it(platform: PlatformMaker, tmp_path: Path) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    assert (await put(p, video_id, picture(tmp_path, "a.png"))).json()["poster_url"] is None
    async with working.worker(p) as clients:
        await working.plan(clients)
        ended = [unit.kind for unit in await working.work_off(clients)]
        assert ended[-2:] == ["finish", "poster"]


async def test_a_picture_goes_with_its_video(platform: PlatformMaker, tmp_path: Path) -> None:
    p = await platform("videos", "streaming")
    video_id = await posted(p)
    await put(p, video_id, picture(tmp_path, "a.png"))
    assert sources(p) == 2
    await p.call("DELETE", "videos", f"/api/videos/{video_id}", token=p.user(OWNER))
    await working.sweep(p)
    assert sources(p) == 0


async def test_the_request_ends_when_the_worker_has_said_how_it_went(platform: PlatformMaker, tmp_path: Path) -> None:
    p = await platform("videos")
    async with working.worker(p) as clients:
        video_id = await ready(p, clients)
        asked = asyncio.create_task(put(p, video_id, picture(tmp_path, "a.png")))
        await working.until(lambda: p.db("videos").value("select count(*) from units where kind = 'poster'"))
        unit = await working.take(clients)
        assert not asked.done()
        chosen = await clients.videos_poster(video_id)
        assert chosen is not None
        await clients.units_done(unit, {"poster_revision": chosen.revision})
        answer = await asked
    assert answer.json()["poster_url"] == f"/media/{video_id}/1/poster-{chosen.revision}.jpg"
