"""Whole films read as fast as they come: FFmpeg is slowed to the pace of its session and never refused."""

import asyncio
import re
import time
from pathlib import Path

import pytest

from api import binaries
from tests import films
from tests.nginx.conftest import GatewayMaker
from tests.nginx.gateways import Gateway
from tests.streaming.playback import VIDEO, add_session, token_for

RATE, AT_ONCE = 4, 31
SEGMENTS = 60


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty short segments, named as workers name them."""
    folder = tmp_path_factory.mktemp("film")
    films.ffmpeg(
        *("-f", "lavfi", "-i", f"testsrc2=size=128x72:rate=25:duration={SEGMENTS // 5}"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-g", "5", "-keyint_min", "5", "-sc_threshold", "0"),
        *("-hls_time", "0.2", "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4"),
        *("-hls_fmp4_init_filename", "init.mp4", "-hls_segment_filename", str(folder / "%d.m4s")),
        str(folder / "index.m3u8"),
    )
    names = {k: f"{k}-{k * 200}-{k * 200 + 200}.m4s" for k in range(SEGMENTS)}
    for k, name in names.items():
        (folder / f"{k}.m4s").rename(folder / name)
    text = (folder / "index.m3u8").read_text()
    (folder / "index.m3u8").write_text(re.sub(r"^(\d+)\.m4s$", lambda m: names[int(m[1])], text, flags=re.MULTILINE))
    return folder


def put(g: Gateway, film: Path) -> None:
    for path in film.iterdir():
        g.write(f"{VIDEO}/1/180p/{path.name}", path.read_bytes())
    variant = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000,CODECS="avc1.42c00b"\n180p/index.m3u8\n'
    g.write(f"{VIDEO}/1/master.m3u8", variant.encode())


async def read_all(url: str) -> tuple[int, str]:
    """Frames that FFmpeg got of a film, and its complaints."""
    process = await asyncio.create_subprocess_exec(
        *(binaries.ffmpeg(), "-v", "warning", "-nostdin", "-i", url, "-c", "copy", "-f", "framehash", "-"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return sum(1 for line in out.splitlines() if line and not line.startswith(b"#")), err.decode()


async def test_ffmpeg_at_full_speed_is_slowed_and_gets_everything(gateway: GatewayMaker, film: Path) -> None:
    p, g = await gateway("streaming", MEDIA_RATE=str(RATE))
    put(g, film)
    began = time.monotonic()
    frames, complaints = await read_all(f"{g.url}/v/{token_for(p, await add_session(p))}/{VIDEO}/1/master.m3u8")
    assert (frames, complaints) == (SEGMENTS * 5, "")
    # Two playlists and the init segment count too.
    assert time.monotonic() - began > (SEGMENTS + 3 - AT_ONCE) / RATE - 0.5
    assert {f.status for f in await g.fetches(SEGMENTS)} == {200}


async def test_sixteen_at_a_time_are_slowed_too_and_not_refused(gateway: GatewayMaker, film: Path) -> None:
    p, g = await gateway("streaming", MEDIA_RATE=str(RATE))
    put(g, film)
    media = f"{g.url}/v/{token_for(p, await add_session(p))}/{VIDEO}/1/180p"
    left = sorted(path.name for path in film.glob("*.m4s"))
    began = time.monotonic()

    async def read_on() -> None:
        while left:
            assert (await p.http.get(f"{media}/{left.pop()}")).status_code == 200

    await asyncio.gather(*(read_on() for _ in range(16)))
    assert time.monotonic() - began > (SEGMENTS - AT_ONCE) / RATE - 0.5
    assert len({f.index for f in await g.fetches(SEGMENTS)}) == SEGMENTS
