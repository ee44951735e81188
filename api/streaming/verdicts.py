"""Verdicts: may this token fetch media of this video now? nginx asks, and keeps each answer for seconds.

Every kept second is a second in which an ended session still plays, so lifetimes are short and never reach past the
token's expiry. nginx counts in whole seconds and serves what may be kept for n of them for almost n + 1; with the three
quarters of one for which near.py may be behind, no byte is begun on what was true five seconds ago. What is wrong with
a token itself is never kept, or strangers would push real verdicts out of nginx's memory; nor is a session kept whose
money is nearly spent. A kept verdict depends on token and video alone, and nothing else is in its key.
"""

import math
from dataclasses import dataclass

from api.streaming.live import State
from api.streaming.token import Token

FRESH_S = 3
# How much longer while no new verdict can be had: a minute in all. Not while one is fetched, that is a millisecond.
OUTAGE_S = 56
DENIED_S = 2

# Why sessions end, where the viewer should hear more than that they did.
ENDINGS = {"disabled": "account_disabled", "deleted": "video_deleted"}
BAD_TOKEN = "bad_token"  # noqa: S105 - a reason


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` empty: allowed. nginx may use it for `fresh_s`, and `outage_s` more as said above."""

    reason: str
    fresh_s: int
    session_id: str = ""
    user_id: int = 0
    outage_s: int = 0
    retry_after_s: int = 0


# Asked to come back in a moment; as a denial with a reason, because nginx answers a 503 with a kept yes.
SLOW_DOWN = Verdict("nearly_spent", 0, retry_after_s=1)


def judge(
    shown: Token, video: str, state: State | None, max_sessions: int, now_s: float, *, end_ms: int | None = None
) -> Verdict:
    """The verdict on a genuine token, the video its URL names and what is known of its session.

    `end_ms` is where in the film the asked segment ends; None: no segment is asked for.
    """
    left_s = math.floor(shown.expires_s - now_s)
    if left_s <= 0 or str(shown.video_id) != video or state is None or state.video_id != shown.video_id:
        return Verdict(BAD_TOKEN, 0)
    if reason := denial(state, max_sessions, end_ms):
        # A no to what is to be paid must not be kept for a free preview.
        return Verdict(reason, 0 if state.preview_ms else DENIED_S)
    age_s = max(0, math.ceil(now_s - state.read_ms / 1000))
    return allowed(shown.session_id, state.user_id, left_s, age_s=age_s, final=state.final or state.spent)


def denial(state: State, max_sessions: int, end_ms: int | None = None) -> str:
    """Why a session gets no media, or nothing. Of too many, those that began first go on, as at a start.

    Without money it gets a free preview (rule 6), and the playlists that lead there.
    """
    if state.ended:
        return ENDINGS.get(state.ended, "session_ended")
    if state.spent and not (state.preview_ms and (end_ms is None or end_ms <= state.preview_ms)):
        return "daily_limit" if state.limited else "insufficient_balance"
    return "too_many_sessions" if state.ahead >= max_sessions else ""


def allowed(session_id: str, user_id: int, left_s: int, *, age_s: int = 0, final: bool = False) -> Verdict:
    """Yes, for as long as the token's remaining life, and the age of what it rests on, let nginx rely on it."""
    if final:
        return Verdict("", 0, session_id, user_id)
    usable_s = left_s - 1
    fresh_s = min(FRESH_S, usable_s)
    return Verdict("", fresh_s, session_id, user_id, max(0, min(OUTAGE_S, usable_s - fresh_s) - age_s))
