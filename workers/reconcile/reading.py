"""The fetch logs read anew: per session and watch the media time that was delivered, kept as intervals."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from api.database import Queries
from media.fetch_log import Logged
from workers.reconcile import queries
from workers.reconcile.arithmetic import AT_ONCE_MS, DAY_MS, SKEW_MS, Spans, joined
from workers.reconcile.difference import Difference
from workers.reconcile.lines import Delivery, read_line
from workers.reconcile.logs import Log
from workers.reconcile.queries import Rejected, Session

AT_ONCE = 20_000
UNREADABLE = ("too_long", "not_json", "bad_field")
Film = tuple[int, int, int]
Placed = tuple[Logged, Delivery | None, Rejected | None]


@dataclass(slots=True)
class Viewing:
    """What one session fetched, by watch."""

    session: Session
    parts: dict[int, Spans] = field(default_factory=dict)

    def whole(self) -> Spans:
        return joined(self.parts.values())


@dataclass
class Reading:
    """Everything the logs say. `opened`: watches whose opening fetch was found."""

    db: Queries
    lines: int = 0
    viewings: dict[str, Viewing] = field(default_factory=dict)
    by_watch: dict[int, list[Viewing]] = field(default_factory=lambda: defaultdict(list))
    opened: set[int] = field(default_factory=set)
    differences: list[Difference] = field(default_factory=list)
    windows: dict[Film, list[tuple[int, int]]] = field(default_factory=dict)

    async def read(self, log: Log) -> None:
        """Read one edge's log, side by side with the lines of it that the meter refused."""
        refused, known = _Refused(self.db, log.reached.stream, log.first), len(self.differences)
        batch: list[Placed] = []
        for logged in log.lines():
            self.lines += 1
            found = None if refused.none_within(logged) else await refused.within(logged)
            batch.append((logged, read_line(logged.line), found))
            if len(batch) >= AT_ONCE:
                await self._take(log, batch)
                batch.clear()
        await self._take(log, batch)
        if log.trouble:
            # Where bytes are missing, lines are not where they were.
            del self.differences[known:]

    async def _take(self, log: Log, batch: list[Placed]) -> None:
        await self._look_up({said.session_id for _, said, _ in batch if said is not None})
        for logged, said, refused in batch:
            verdict = self._verdict(said, refused)
            if (refused.reason if refused else None) not in _reasons(verdict):
                place = f"{log.reached.stream} {logged.generation}-{logged.offset}"
                recorded = {"refused": refused.reason if refused else None}
                self.differences.append(Difference("line", place, recorded, {"verdict": verdict}))
            if said is not None and verdict == "counts":
                self._count(said)

    async def _look_up(self, session_ids: set[str]) -> None:
        """Know these sessions, and when the watches of their films were opened."""
        found = await queries.sessions(self.db, [i for i in session_ids if i not in self.viewings])
        self.viewings |= {session.session_id: Viewing(session) for session in found}
        films = sorted({session.film for session in found} - self.windows.keys())
        if films:
            self.windows |= {film: [] for film in films}
            for w in await queries.windows(self.db, *([film[i] for film in films] for i in range(3))):
                self.windows[w.user_id, w.video_id, w.price_micros_per_minute].append((w.opened_ms, w.id))

    def _verdict(self, said: Delivery | None, refused: Rejected | None) -> str:
        """What is to be done with a line; late is what the meter, a day after the fetch or more, said was late."""
        if said is None:
            return "unreadable"
        viewing = self.viewings.get(said.session_id)
        if viewing is None:
            return "unknown_session"
        session = viewing.session
        if (session.user_id, session.video_id) != (said.user_id, said.video_id):
            return "foreign"
        if refused is not None and refused.reason == "late" and refused.said_ms - said.t_ms >= DAY_MS - SKEW_MS:
            return "late"
        if refused is not None and refused.reason == "too_fast" and self._much(viewing, said):
            return "too_fast"
        return "counts" if said.counts(audio_only=session.audio_only) else "nothing"

    def _much(self, viewing: Viewing, said: Delivery) -> bool:
        """Whether so much of the watch was delivered before a line that more can have been too fast for any player."""
        watch_id = self._watch_at(viewing.session, said.t_ms)
        if watch_id is None or said.part is None or not said.counts(audio_only=viewing.session.audio_only):
            return False
        before = joined(other.parts[watch_id] for other in self.by_watch[watch_id])
        return before.ms + said.part[1] - said.part[0] > AT_ONCE_MS

    def _count(self, said: Delivery) -> None:
        viewing = self.viewings[said.session_id]
        watch_id = self._watch_at(viewing.session, said.t_ms)
        if watch_id is None or said.part is None:
            known = Difference("session", f"{said.session_id} watch", {"watch": None}, {"fetched_at_ms": said.t_ms})
            self.differences.append(known)
            return
        if watch_id not in viewing.parts:
            viewing.parts[watch_id] = Spans()
            self.by_watch[watch_id].append(viewing)
        viewing.parts[watch_id].add(*said.part)

    def _watch_at(self, session: Session, t_ms: int) -> int | None:
        """Rule 2: the first watch that was not over, at the fetch or when the session began."""
        moment = max(t_ms, session.created_ms)
        for opened_ms, watch_id in self.windows[session.film]:
            if opened_ms == t_ms:
                self.opened.add(watch_id)
            if moment < opened_ms + DAY_MS:
                return watch_id
        return None


def _reasons(verdict: str) -> tuple[str | None, ...]:
    """By which reasons the meter may have refused such a line; None: by none."""
    if verdict == "unreadable":
        return UNREADABLE
    return (None,) if verdict in ("counts", "nothing") else (verdict,)


class _Refused:
    """The refused lines of a stream, in the log's order."""

    def __init__(self, db: Queries, stream: str, generation: int) -> None:
        self._db, self._stream, self._next = db, stream, (generation, 0)
        self._page: Iterator[Rejected] = iter(())
        self._ahead: Rejected | None = None
        self._over = False

    def none_within(self, logged: Logged) -> bool:
        """Whether it is known, without asking anybody, that a line was not refused: that is so for nearly all."""
        ahead = self._ahead
        if ahead is None:
            return self._over
        return (ahead.generation, ahead.byte_offset) > (logged.generation, logged.offset + len(logged.line))

    async def within(self, logged: Logged) -> Rejected | None:
        """The refusal of a line, or of a piece of an endless one; pass every line, in order.

        A refusal may speak of several lines, one behind the other.
        """
        found, begin = None, (logged.generation, logged.offset)
        end = (logged.generation, logged.offset + len(logged.line) + 1)
        while (ahead := await self._peek()) is not None and (ahead.generation, ahead.byte_offset) < end:
            if (ahead.generation, ahead.byte_offset) >= begin:
                found = found or ahead
            self._ahead = None
            if ahead.lines > 1:
                self._ahead = replace(ahead, byte_offset=end[1], lines=ahead.lines - 1)
        return found

    async def _peek(self) -> Rejected | None:
        if self._ahead is None and not self._over:
            self._ahead = next(self._page, None)
            if self._ahead is None:
                page = await queries.rejected(self._db, self._stream, *self._next, AT_ONCE)
                self._page, self._over = iter(page), not page
                self._ahead = next(self._page, None)
            if self._ahead is not None:
                self._next = (self._ahead.generation, self._ahead.byte_offset + 1)
        return self._ahead
