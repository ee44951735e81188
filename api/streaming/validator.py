"""The validator: one question of nginx's, from the token to the verdict, by way of a slot when money runs out."""

import time
from dataclasses import dataclass

from api.streaming import token, verdicts
from api.streaming.live import Live
from api.streaming.seen import Seen
from api.streaming.slots import Slots
from api.streaming.token import Signer, Token
from api.streaming.verdicts import Verdict
from media.segment import is_video


@dataclass(frozen=True, slots=True)
class Question:
    """What nginx asks. The last three are empty unless a media segment is asked for."""

    token: str
    video: str
    rendition: str = ""
    start_ms: str = ""
    end_ms: str = ""

    @property
    def is_segment(self) -> bool:
        return bool(self.end_ms)


@dataclass(frozen=True)
class Validator:
    """All that verdicts need; one per process."""

    signer: Signer
    live: Live
    slots: Slots
    seen: Seen
    max_sessions: int

    async def verdict(self, asked: Question) -> Verdict:
        """The verdict; raises when nobody can say whether the session goes on."""
        try:
            shown = token.parse(self.signer, asked.token)
        except token.Forged:
            return Verdict(verdicts.BAD_TOKEN, 0)
        found = await self._judge(shown, asked)
        if found.reason:
            return found
        self.seen.note(shown.session_id)
        if found.fresh_s == 0 and asked.is_segment:
            if not await self._slot(shown.session_id, asked):
                return verdicts.SLOW_DOWN
            found = await self._judge(shown, asked)
        return found

    async def _slot(self, session_id: str, asked: Question) -> bool:
        """Picture and sound take turns of their own: players fetch both at once, and some films are sound alone."""
        kind = "picture" if is_video(asked.rendition) else "sound"
        segment, length_ms = f"{asked.rendition}/{asked.start_ms}", int(asked.end_ms) - int(asked.start_ms)
        return await self.slots.wait(f"{session_id} {kind}", segment, length_ms)

    async def _judge(self, shown: Token, asked: Question) -> Verdict:
        if str(shown.video_id) != asked.video or shown.expires_s <= time.time():
            return Verdict(verdicts.BAD_TOKEN, 0)
        state = await self.live.state(shown.session_id)
        end_ms = int(asked.end_ms) if asked.is_segment else None
        return verdicts.judge(shown, asked.video, state, self.max_sessions, time.time(), end_ms=end_ms)
