"""Floods: strangers' tokens push no viewer's verdict out, and a viewer's own token fills nothing."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from api.streaming import token
from tests.conftest import Platform, PlatformMaker
from tests.hardening.barrage import sent
from tests.nginx.conftest import GatewayMaker
from tests.nginx.gateways import SEGMENT, Gateway, running
from tests.nginx.wires import Wire, pointed
from tests.servers import free_port
from tests.streaming.playback import VIDEO, add_session, token_for

PIECE = f"{VIDEO}/1/360p/0-0-4000.m4s"
FORGED = 10_000


@asynccontextmanager
async def cuttable(platform: PlatformMaker, home: Path) -> AsyncIterator[tuple[Platform, Gateway, Wire]]:
    """A gateway whose way to the validator can be cut."""
    own = {"STREAMIFY_HOME": str(home), "GATEWAY_PORT": str(free_port()), "MEDIA_RATE": "1000"}
    p = await platform("streaming", **own)
    async with Wire(p.settings.service_url("streaming")) as wire:
        with running(pointed(p.settings, "streaming", wire.url)) as g:
            g.write(PIECE)
            yield p, g, wire


def media(text: str, piece: str = PIECE) -> bytes:
    return f"/v/{text}/{piece}".encode()


def kept(g: Gateway) -> list[Path]:
    """Verdicts that nginx keeps."""
    return [path for path in (g.settings.home / "run/nginx/verdicts").rglob("*") if path.is_file()]


async def test_ten_thousand_forgeries_push_no_verdict_out(platform: PlatformMaker, home: Path) -> None:
    async with cuttable(platform, home) as (p, g, wire):
        viewer = media(token_for(p, await add_session(p)))
        forged = [
            media(f"{os.urandom(16).hex()}.{VIDEO}.1999999999.{os.urandom(4).hex()}.{'A' * 43}") for _ in range(FORGED)
        ]
        assert [answer.content for answer in await sent(g, [viewer])] == [SEGMENT]
        # In pieces, as a viewer goes on asking: what is kept of it is at most a few seconds old.
        for first in range(0, FORGED, 1000):
            answers = await sent(g, [*forged[first : first + 1000], viewer])
            assert sorted(answer.status for answer in answers) == [200, *[403] * 1000]
        await wire.cut()
        last = await sent(g, [viewer, forged[0], *[media(token_for(p, await add_session(p)))]])
        assert {answer.path: answer.status for answer in last}[viewer] == 200
        assert [answer.status for answer in last if answer.path != viewer] == [503, 503]
        assert len(kept(g)) == 1


async def test_a_viewers_token_fills_nothing(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    g.write(PIECE)
    text = token_for(p, await add_session(p))
    videos = [media(text, PIECE.replace(f"{VIDEO}/", f"{video}/", 1)) for video in range(1000, 2000)]
    generations = [media(text, PIECE.replace("/1/", f"/{number}/", 1)) for number in range(2, 200)]
    answers = await sent(g, [media(text), *videos])
    assert sorted(answer.status for answer in answers) == [200, *[403] * 1000]
    await sent(g, generations)
    assert len(kept(g)) == 1


@pytest.mark.parametrize("ended", [False, True], ids=["nobody's", "ended"])
async def test_genuine_tokens_of_sessions_that_are_not_fill_little(gateway: GatewayMaker, ended: bool) -> None:
    p, g = await gateway("streaming")
    g.write(PIECE)
    if ended:
        sessions = [await add_session(p, silent_s=3600) for _ in range(20)]
        await p.call("POST", "streaming", "/internal/sweep", token=p.service_token("streaming", "sweep"))
    else:
        sessions = [os.urandom(16).hex() for _ in range(20)]
    answers = await sent(g, [media(token_for(p, session)) for session in sessions])
    assert {answer.status for answer in answers} == {403}
    # A denial of a real session is kept for two seconds; who has no session has nothing kept.
    assert len(kept(g)) == (20 if ended else 0)


async def test_a_token_has_one_spelling_and_so_one_verdict(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    g.write(PIECE)
    text = token_for(p, await add_session(p))
    signature = text.rpartition(".")[2]
    escaped = [text.replace(part, f"%{ord(part):02x}") for part in sorted(set(text))]
    answers = await sent(g, [media(one) for one in (text, *escaped)])
    assert [answer.path for answer in answers if answer.content != SEGMENT] == []
    # Of the last character's six bits only four count; base64 would forgive the others.
    twin = chr(ord(signature[-1]) + 1)
    others = [text.upper(), text[:-1] + twin, text + "=", text + "%00", text + ".", f"{text}|{VIDEO}"]
    answers = await sent(g, [media(one) for one in others])
    assert [answer.path for answer in answers if answer.status not in (400, 403, 404)] == []
    assert len(kept(g)) == 1
    assert token.parse(token.make_signer(p.settings.secret("TOKEN_SECRET")), text).video_id == VIDEO
