"""The media token: `<session>.<video>.<expiry>.<signature>`, one path segment of every media URL.

Made by `sessions`, read on every verdict. Long life, short server control: a token outlives any playback, the verdict
behind it is asked again every few seconds.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

import itsdangerous

LONGEST_LIFE_S = 12 * 3600
PAUSES_S = 15 * 60
SESSION_ID = re.compile(r"[0-9a-f]{32}")
# A 32-byte signature is 43 characters of which the last carries four bits: any other last character would be a second
# spelling of the same token, with a pacing budget and a cache entry of its own.
SHAPE = re.compile(
    r"(?P<session_id>[0-9a-f]{32})\.(?P<video_id>[1-9][0-9]{0,9})\.(?P<expires_s>[1-9][0-9]{8,10})"
    r"\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"
)


class Forged(ValueError):
    """Not a token of ours."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says. `expires_s` is seconds since 1970."""

    session_id: str
    video_id: int
    expires_s: int

    @property
    def expires_at(self) -> datetime:
        return datetime.fromtimestamp(self.expires_s, UTC)


def make_signer(secrets: str) -> itsdangerous.Signer:
    """`TOKEN_SECRET` lists the newest secret first, and that one signs; itsdangerous wants it last."""
    keys = [secret.strip() for secret in secrets.split(",")]
    return itsdangerous.Signer(keys[::-1], salt="streamify.media", digest_method=sha256)


def issue(session_id: str, video_id: int, duration_ms: int, now_s: float) -> Token:
    """A token that lasts twice the film and a quarter of an hour, at most twelve hours."""
    life_s = min(2 * duration_ms // 1000 + PAUSES_S, LONGEST_LIFE_S)
    return Token(session_id, video_id, int(now_s) + life_s)


def write(signer: itsdangerous.Signer, token: Token) -> str:
    """The signed text."""
    return signer.sign(f"{token.session_id}.{token.video_id}.{token.expires_s}").decode()


def parse(signer: itsdangerous.Signer, text: str) -> Token:
    """The token a text stands for, expired or not; raises Forged."""
    match = SHAPE.fullmatch(text)
    if match is None:
        raise Forged
    try:
        signer.unsign(text)
    except itsdangerous.BadSignature as error:
        raise Forged from error
    return Token(match["session_id"], int(match["video_id"]), int(match["expires_s"]))
