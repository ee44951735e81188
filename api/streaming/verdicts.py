"""Verdicts: may this token fetch media of this video now? Asked by nginx, which keeps each answer for seconds.

Every cached second is a second in which an ended or spent session still plays, so lifetimes are short and never reach
past the token's expiry; a forgery is never cached, or forgeries would push real verdicts out of nginx's memory.
"""

from dataclasses import dataclass

import itsdangerous

from api.database import Database
from api.streaming import queries, token

FRESH_S = 5
# While a new verdict is fetched in the background, and while no verdict can be had at all.
REFRESH_S = 5
OUTAGE_S = 60
DENIED_S = 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` empty: allowed. nginx may use it for `fresh_s`, then `refresh_s` or `outage_s` more as said above."""

    reason: str
    fresh_s: int
    session_id: str = ""
    user_id: int = 0
    refresh_s: int = 0
    outage_s: int = 0


async def judge(db: Database, signer: itsdangerous.Signer, text: str, video: str, now_s: float) -> Verdict:
    """The verdict on a token and the video its URL names."""
    try:
        shown = token.parse(signer, text)
    except token.Forged:
        return Verdict("bad_token", 0)
    left_s = int(shown.expires_s - now_s)
    if left_s <= 0 or str(shown.video_id) != video:
        return Verdict("bad_token", DENIED_S)
    known = await queries.known(db, shown.session_id)
    if known is None or known.video_id != shown.video_id:
        return Verdict("bad_token", DENIED_S)
    if reason := denial(known):
        return Verdict(reason, DENIED_S)
    if known.unseen:
        await queries.see(db, shown.session_id)
    return allowed(shown.session_id, known.user_id, left_s)


def denial(known: queries.Known) -> str:
    """Why a session gets no media, or nothing."""
    if not known.is_active:
        return "session_ended"
    return "insufficient_balance" if known.spent else ""


def allowed(session_id: str, user_id: int, left_s: int) -> Verdict:
    """Yes, for as long as the token's remaining life lets nginx rely on it."""
    fresh_s = min(FRESH_S, left_s)
    rest_s = left_s - fresh_s
    return Verdict("", fresh_s, session_id, user_id, min(REFRESH_S, rest_s), min(OUTAGE_S, rest_s))
