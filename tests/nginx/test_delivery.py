"""Apple's delivery rules on the real gateway: a finished film, walked through as a player would."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from media.film import Film
from tests.conftest import Platform
from tests.media.finished import finished
from tests.nginx.conftest import GatewayMaker
from tests.nginx.gateways import Gateway
from tests.streaming.playback import VIDEO, add_session, token_for

# Apple 10.4, with what it allows for each.
TYPES = {
    "m3u8": {"application/vnd.apple.mpegurl"},
    "m4s": {"video/iso.segment", "video/mp4", "audio/mp4"},
    "mp4": {"video/mp4", "audio/mp4"},
    "vtt": {"text/vtt", "text/vtt; charset=utf-8"},
    "json": {"application/json"},
}
ADDRESS = re.compile(r'URI="([^"]+)"|^([^#\n].*)$', re.MULTILINE)


@pytest.fixture(scope="module")
async def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    """Everything a film may have, its playlists short and long."""
    return await finished(tmp_path_factory.mktemp("film"))


def put(g: Gateway, film: Film) -> None:
    """The film with the playlists that a finish unit publishes."""
    assert film.folder is not None
    for path in (path for path in film.folder.rglob("*") if path.is_file()):
        g.write(f"{VIDEO}/1/{path.relative_to(film.folder)}", path.read_bytes())
    for name, text in film.playlists.items():
        g.write(f"{VIDEO}/1/{name}/index.m3u8", text.encode())
    g.write(f"{VIDEO}/1/master.m3u8", film.multivariant.encode())


async def walk(p: Platform, media: str, path: str = "master.m3u8") -> AsyncIterator[tuple[str, int, dict[str, str]]]:
    """(path, status, headers) of a playlist and of all that it leads to."""
    answer = await p.http.get(f"{media}/{path}", headers={"accept-encoding": "gzip"})
    yield path, answer.status_code, dict(answer.headers)
    if path.endswith(".m3u8"):
        folder = Path(path).parent
        for uri in sorted({one or other for one, other in ADDRESS.findall(answer.text)}):
            async for found in walk(p, media, str(folder / uri)):
                yield found


async def test_a_player_finds_everything_without_detours(gateway: GatewayMaker, film: Film) -> None:
    p, g = await gateway("streaming")
    put(g, film)
    media = f"{g.url}/v/{token_for(p, await add_session(p))}/{VIDEO}/1"
    found = {path: (status, headers) async for path, status, headers in walk(p, media)}
    ways = {path.partition("/")[0] for path in found}
    assert ways == {
        *("master.m3u8", "chapters.json", "240p", "360p", "source", "audio-0", "audio-1", "audio-2", "audio-3"),
        *("text-en", "iframes-0", "iframes-1"),
    }
    # Apple 8.18: no redirects.
    assert {status for status, _ in found.values()} == {200}
    # Apple 10.4: media types.
    for path, (_, headers) in found.items():
        assert headers["content-type"] in TYPES[path.rpartition(".")[2]], path
    # Apple 10.1: playlists compressed, also those of a film of a few seconds.
    playlists = {path: headers for path, (_, headers) in found.items() if path.endswith(".m3u8")}
    assert {path for path, headers in playlists.items() if headers.get("content-encoding") != "gzip"} == set()


async def test_no_other_spelling_is_redirected(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    g.write(f"{VIDEO}/1/master.m3u8", b"#EXTM3U\n")
    g.write(f"{VIDEO}/1/360p/index.m3u8", b"#EXTM3U\n")
    token = token_for(p, await add_session(p))
    for path in ("", "360p", "360p/", "master.m3u8/", "/master.m3u8", "./master.m3u8", "360p/../master.m3u8"):
        answer = await g.ask(f"/v/{token}/{VIDEO}/1/{path}".encode())
        assert answer.split(b" ")[1] in (b"200", b"404"), path
        assert b"\nlocation:" not in answer.lower()
