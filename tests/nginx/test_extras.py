"""Text renditions, pictures for winding, chapters, storyboards: who gets them, and that nobody ever pays for them."""

import pytest

from media.credit import credited
from tests.conftest import Platform
from tests.nginx.conftest import GatewayMaker
from tests.nginx.gateways import Gateway
from tests.nginx.test_media import is_problem
from tests.streaming.playback import VIDEO, add_session, token_for
from tests.videos.uploading import posted

PIECE = "360p/0-0-4000.m4s"
BESIDE = {
    "text-de/0-0-60000.vtt": "text/vtt; charset=utf-8",
    "text-pt-br/index.m3u8": "application/vnd.apple.mpegurl",
    "iframes-0/7-14000-16000.m4s": "video/iso.segment",
    "iframes-0/init.mp4": "video/mp4",
    "iframes-0/index.m3u8": "application/vnd.apple.mpegurl",
    "chapters.json": "application/json",
}
OPEN = {
    "storyboard.vtt": "text/vtt; charset=utf-8",
    "storyboard-0.jpg": "image/jpeg",
    "storyboard-12.jpg": "image/jpeg",
    "captions-de.vtt": "text/vtt; charset=utf-8",
    "captions-zh-hant.vtt": "text/vtt; charset=utf-8",
    "poster.jpg": "image/jpeg",
    "poster-123.jpg": "image/jpeg",
}
ABSENT = [
    *("text-de/1-60000-120000.vtt", "text-fr/index.m3u8", "iframes-0/8-16000-18000.m4s", "iframes-3/init.mp4"),
    *("text-de/0-0-60000.m4s", "text-de/init.mp4", "iframes-0/0-0-2000.vtt", "360p/0-0-4000.vtt", "360p/chapters.json"),
    *("captions-de.vtt", "storyboard.vtt", "storyboard-0.jpg"),
]


async def playing(gateway: GatewayMaker) -> tuple[Platform, Gateway, str]:
    """A gateway with a film and all that is beside it, and the address of a live session's media."""
    p, g = await gateway("streaming")
    for path in (PIECE, *BESIDE):
        g.write(f"{VIDEO}/1/{path}", b"bytes of it")
    return p, g, f"{g.url}/v/{token_for(p, await add_session(p))}/{VIDEO}/1"


@pytest.mark.parametrize("path", BESIDE)
async def test_it_is_served_under_a_token_and_never_logged(gateway: GatewayMaker, path: str) -> None:
    p, g, media = await playing(gateway)
    answer = await p.http.get(f"{media}/{path}")
    assert (answer.status_code, answer.content) == (200, b"bytes of it")
    assert answer.headers["content-type"] == BESIDE[path]
    assert answer.headers["access-control-allow-origin"] == "*"
    forged = media.replace(media.split("/")[4][-5:], "AAAAA")
    assert is_problem(await p.http.get(f"{forged}/{path}"), 403, "bad_token")
    await p.http.get(f"{media}/{PIECE}")
    assert [(f.rendition, credited(f)) for f in await g.fetches(1)] == [("360p", (0, 4000))]


async def test_captions_may_change_and_pictures_may_not(gateway: GatewayMaker) -> None:
    p, _, media = await playing(gateway)
    kept = {path: (await p.http.get(f"{media}/{path}")).headers["cache-control"] for path in BESIDE}
    assert {path for path in kept if "immutable" in kept[path]} == {"iframes-0/7-14000-16000.m4s", "iframes-0/init.mp4"}
    assert {kept[path] for path in BESIDE if path.endswith((".vtt", ".m3u8", ".json"))} == {"no-cache"}


@pytest.mark.parametrize("path", ABSENT)
async def test_what_is_not_there_is_not_waited_for(gateway: GatewayMaker, path: str) -> None:
    p, g, media = await playing(gateway)
    # No videos service runs: whoever was held would be told that it does not answer.
    assert is_problem(await p.http.get(f"{media}/{path}"), 404, "not_found")
    assert is_problem(await p.http.get(f"{media}/360p/1-4000-8000.m4s"), 503, "unavailable")
    assert [f.rendition for f in await g.fetches(1)] == ["360p"]


async def test_nor_does_the_videos_service_wait_for_it(gateway: GatewayMaker) -> None:
    p, _ = await gateway("videos")
    for path in ("text-de/0-0-60000.vtt", "text-de/0-0-60000.m4s", "iframes-0/0-0-2000.m4s", "iframes-0/init.mp4"):
        answer = await p.call("GET", "videos", f"/internal/held/{await posted(p)}/1/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path


@pytest.mark.parametrize("path", OPEN)
async def test_what_a_page_shows_needs_no_token_unless_the_video_is_private(gateway: GatewayMaker, path: str) -> None:
    p, g = await gateway("videos")
    public, private = await posted(p), await posted(p, visibility="private")
    for video in (public, private):
        g.write(f"{video}/1/{path}", b"bytes of it")
    answer = await p.http.get(f"{g.url}/media/{public}/1/{path}?v=3")
    assert (answer.status_code, answer.headers["content-type"]) == (200, OPEN[path])
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == ("no-cache" if path.endswith(".vtt") else "public, max-age=300")
    assert is_problem(await p.http.get(f"{g.url}/media/{private}/1/{path}"), 404, "not_found")
    assert is_problem(await p.http.get(f"{g.url}/media/{public}/2/{path}"), 404, "not_found")
    assert g.log.read_bytes() == b""


async def test_nothing_else_of_a_film_is_open(gateway: GatewayMaker) -> None:
    p, g = await gateway("videos")
    video = await posted(p)
    for path in (
        *BESIDE,
        PIECE,
        "master.m3u8",
        "report.json",
        "captions-.vtt",
        "captions-DE.vtt",
        "storyboard-1234.jpg",
        "poster-0.jpg",
    ):
        g.write(f"{video}/1/{path}", b"bytes of it")
        assert (await p.http.get(f"{g.url}/media/{video}/1/{path}")).status_code == 404, path
