"""Tokens changed in every place, through the real gateway and the real service: never a byte of media."""

import hashlib
import time
from urllib.parse import unquote_to_bytes

import itsdangerous
import pytest

from api.streaming import token
from tests.conftest import Platform
from tests.hardening.barrage import Answer, sent
from tests.nginx.conftest import GatewayMaker
from tests.nginx.gateways import SEGMENT, Gateway
from tests.streaming.playback import VIDEO, VIEWER, add_session, token_for

PIECE = f"{VIDEO}/1/360p/0-0-4000.m4s".encode()
# What is put in the place of each character, besides its own bits turned one by one.
OTHERS = (
    b"", b"0", b"9", b"a", b"f", b"A", b"Z", b"_", b"-", b".", b"/", b"|", b"?", b"#", b";", b" ", b"\t", b"\xff",
    b"\\", b"%", b"%00", b"%2e", b"%2f", b"%ff", b"%c0%ae",
)  # fmt: skip


def changed(text: bytes) -> set[bytes]:
    """Everything that differs in one place: another character, none, or one twice."""
    found = set()
    for at, own in enumerate(text):
        others = [*OTHERS, bytes([own, own]), *(bytes([own ^ 1 << bit]) for bit in range(8))]
        found |= {text[:at] + other + text[at + 1 :] for other in others}
    # An escaped character is the character; the end of a line is the end of the request.
    return {other for other in found if unquote_to_bytes(other) != text and not set(other) & set(b"\r\n")}


def refused(answers: list[Answer]) -> None:
    assert [answer for answer in answers if answer.status not in (400, 403, 404)] == []
    assert [answer.path for answer in answers if b'"status":' not in answer.content] == []
    assert [answer.path for answer in answers if SEGMENT[:32] in answer.content] == []


async def opened(g: Gateway, p: Platform) -> bytes:
    """A token that plays."""
    g.write(PIECE.decode())
    text = token_for(p, await add_session(p)).encode()
    assert (await sent(g, [b"/v/" + text + b"/" + PIECE]))[0].content == SEGMENT
    return text


async def test_a_token_changed_in_any_place_opens_nothing(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    text = await opened(g, p)
    others = changed(text)
    assert len(others) > 20 * len(text)
    refused(await sent(g, (b"/v/" + other + b"/" + PIECE for other in others)))


async def test_a_path_changed_in_any_place_opens_no_other_film(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    text = await opened(g, p)
    films = {unquote_to_bytes(path).split(b"/")[0] for path in changed(PIECE)}
    for film in {name.decode() for name in films if name.isdigit()} - {str(VIDEO)}:
        g.write(f"{film}/1/360p/0-0-4000.m4s", b"another film")
    answers = await sent(g, (b"/v/" + text + b"/" + path for path in changed(PIECE)))
    assert {answer.content for answer in answers if answer.status == 200} == {SEGMENT}
    # 503: a segment that could exist is waited for, and here is nobody to make it.
    assert {answer.status for answer in answers} <= {200, 400, 403, 404, 503}
    assert [answer.path for answer in answers if b"another film" in answer.content] == []


def resigned(p: Platform, text: str, secret: str | None = None, salt: str = "streamify.media") -> bytes:
    """A text signed as tokens are, with our secret or another."""
    secret = secret or p.settings.secret("TOKEN_SECRET")
    return itsdangerous.Signer(secret, salt=salt, digest_method=hashlib.sha256).sign(text)


async def test_tokens_made_of_parts_of_real_ones_open_nothing(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    text = (await opened(g, p)).decode()
    other = token_for(p, await add_session(p, user_id=VIEWER + 1, video_id=8), 8)
    parts, others = text.split("."), other.split(".")
    mixed = {
        ".".join(others[at] if at == place else part for at, part in enumerate(parts)) for place in range(len(parts))
    } - {text}
    mixed |= {".".join([*parts[:-1], ""]), ".".join(parts[:-1]), text + text, f"{text}.{parts[-1]}", other, parts[0]}
    refused(await sent(g, (b"/v/" + one.encode() + b"/" + PIECE for one in mixed)))


async def test_what_other_secrets_or_purposes_signed_opens_nothing(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    session, _, expires, *_ = (await opened(g, p)).decode().split(".")
    stem = f"{session}.{VIDEO}.{expires}"
    forged = [
        resigned(p, stem, "x" * 40),
        resigned(p, stem, p.settings.secret("SERVICE_SECRET")),
        resigned(p, stem, salt="itsdangerous.Signer"),
        resigned(p, f"{stem}.{token.kid('x' * 40)}"),
        resigned(p, f"{stem}.{token.kid(p.settings.secret('TOKEN_SECRET'))}", "x" * 40),
        resigned(p, f"{session}.{VIDEO}.{int(expires) - 7200}"),
        resigned(p, f"{session}.{VIDEO + 1}.{expires}"),
        resigned(p, f"{session}.0{VIDEO}.{expires}"),
        resigned(p, f"{session}.{VIDEO}.0{expires}"),
        resigned(p, f"{session}.{VIDEO}.-{expires}"),
        resigned(p, f"{session.upper()}.{VIDEO}.{expires}"),
        resigned(p, f"{'0' * 32}.{VIDEO}.{expires}"),
        resigned(p, ""),
    ]
    refused(await sent(g, (b"/v/" + one + b"/" + PIECE for one in forged)))


@pytest.mark.parametrize("late_s", [0, 1, 3600])
async def test_a_token_that_is_over_opens_nothing(gateway: GatewayMaker, late_s: int) -> None:
    p, g = await gateway("streaming")
    await opened(g, p)
    shown = token.Token(await add_session(p), VIDEO, int(time.time()) - late_s)
    over = token.write(token.make_signer(p.settings.secret("TOKEN_SECRET")), shown)
    refused(await sent(g, [b"/v/" + over.encode() + b"/" + PIECE] * 3))
