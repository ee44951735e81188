"""The media token: `<session>.<video>.<expiry>.<kid>.<signature>`, one path segment of every media URL.

Made by `sessions`, read on every verdict. Long life, short server control: a token outlives any playback, the verdict
behind it is asked again every few seconds. `kid` says in clear which of the secrets signed it, so that a rotation costs
one check and not one per secret. Tokens without it, as they once were, are good for as long as their secret is listed;
twelve hours after the last of them was made there are none.
"""

import re
from collections.abc import Mapping
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
    r"(?:\.(?P<kid>[0-9a-f]{8}))?\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"
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


@dataclass(frozen=True, slots=True)
class Signer:
    """`newest` is the kid that signs; `by_kid` reads what any listed secret signed, `unnamed` tokens without a kid."""

    newest: str
    by_kid: Mapping[str, itsdangerous.Signer]
    unnamed: itsdangerous.Signer


def make_signer(secrets: str) -> Signer:
    """`TOKEN_SECRET` lists the newest secret first, and that one signs; itsdangerous wants it last."""
    keys = [secret.strip() for secret in secrets.split(",")]
    return Signer(kid(keys[0]), {kid(key): _signer([key]) for key in reversed(keys)}, _signer(keys[::-1]))


def _signer(keys: list[str]) -> itsdangerous.Signer:
    return itsdangerous.Signer(keys, salt="streamify.media", digest_method=sha256)


def kid(secret: str) -> str:
    """The name of a secret: 32 bits of a hash, which tell nothing of a secret of 32 random characters."""
    return sha256(b"streamify.kid " + secret.encode()).hexdigest()[:8]


def issue(session_id: str, video_id: int, duration_ms: int, now_s: float) -> Token:
    """A token that lasts twice the film and a quarter of an hour, at most twelve hours."""
    life_s = min(2 * duration_ms // 1000 + PAUSES_S, LONGEST_LIFE_S)
    return Token(session_id, video_id, int(now_s) + life_s)


def write(signer: Signer, token: Token) -> str:
    """The signed text."""
    text = f"{token.session_id}.{token.video_id}.{token.expires_s}.{signer.newest}"
    return signer.by_kid[signer.newest].sign(text).decode()


def parse(signer: Signer, text: str) -> Token:
    """The token a text stands for, expired or not; raises Forged, also when its secret is listed no more."""
    match = SHAPE.fullmatch(text)
    if match is None:
        raise Forged
    key = signer.by_kid.get(match["kid"]) if match["kid"] else signer.unnamed
    if key is None or not key.validate(text):
        raise Forged
    return Token(match["session_id"], int(match["video_id"]), int(match["expires_s"]))
