"""The snippets of docs/cdn.md do what the page says, as far as they can be run here."""

import asyncio
import hashlib
import json
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api import binaries
from api.streaming import token
from tests.conftest import PlatformMaker
from tests.edge.test_edge_logs import line

PAGE = (Path(__file__).resolve().parents[2] / "docs/cdn.md").read_text()
SECRETS = "n" * 40 + "," + "o" * 40


def snippet(language: str) -> str:
    """The one code block of a language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def judged(path: str) -> str | None:
    """What the CDN's function makes of a path."""
    keys = {
        token.kid(s): hashlib.sha256(b"streamify.media" + b"signer" + s.encode()).hexdigest()
        for s in SECRETS.split(",")
    }
    asked = f"verified(require('crypto'), {json.dumps(keys)}, {json.dumps(path)}, {time.time()})"
    program = f"{snippet('js')}\nconsole.log(JSON.stringify({asked}))"
    done = subprocess.run([binaries.node(), "-e", program], capture_output=True, text=True, check=True)
    found: str | None = json.loads(done.stdout)
    return found


def path(secrets: str = SECRETS, life_s: float = 60, video: int = 7) -> str:
    text = token.write(token.make_signer(secrets), token.Token("a" * 32, 7, int(time.time() + life_s)))
    return f"/v/{text}/{video}/1/360p/0-0-4000.m4s"


def test_the_function_knows_our_tokens() -> None:
    assert judged(path()) == "a" * 32
    assert judged(path(secrets=SECRETS.split(",")[1])) == "a" * 32


@pytest.mark.parametrize(
    "wrong",
    [
        path(secrets="x" * 40),
        path(life_s=-1),
        path(video=8),
        path().replace("a" * 32, "b" * 32),
        path().replace("/7/1/", "/"),
        "/v/x/7/1/master.m3u8",
        "/edge/7/1/master.m3u8",
    ],
)
def test_the_function_refuses_others(wrong: str) -> None:
    assert judged(wrong) is None


async def test_the_sender_sends_each_byte_once(platform: PlatformMaker) -> None:
    names: dict[str, Any] = {}
    exec(compile(snippet("python"), "docs/cdn.md", "exec"), names)
    send: Callable[..., None] = names["send"]
    p = await platform("streaming")
    where = (p.settings.service_url("streaming"), p.settings.secret("SERVICE_SECRET"))
    log = "".join(line(number) for number in range(2000)).encode()
    for known in (log[: len(log) // 3], log, log):
        whole = known[: known.rfind(b"\n") + 1]
        await asyncio.to_thread(send, whole, 1, *where)
    assert (p.settings.path("FETCH_LOG_ROOT") / "cdn-1.log").read_bytes() == log
    await asyncio.to_thread(send, log[: log.rfind(b"\n", 0, len(log) // 2) + 1], 2, *where)
    await asyncio.to_thread(send, log, 1, *where)
    assert (p.settings.path("FETCH_LOG_ROOT") / "cdn-1.log").read_bytes() == log
