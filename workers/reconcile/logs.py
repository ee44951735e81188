"""Where to begin in the fetch logs, and whether they are whole: every byte the meter read must still be there."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from media import fetch_log
from media.fetch_log import Damaged, Logged
from workers.reconcile.arithmetic import DAY_MS
from workers.reconcile.difference import Difference
from workers.reconcile.lines import read_line
from workers.reconcile.queries import Reached

STREAM = "fetches:"


@dataclass
class Log:
    """One edge's log up to where the meter was; `trouble` says why it is not whole."""

    root: Path
    reached: Reached
    first: int = 0
    trouble: list[Difference] = field(default_factory=list)

    @classmethod
    def of(cls, root: Path, reached: Reached) -> "Log":
        """The log of one stream, wherever below the root it lies."""
        return cls(fetch_log.folder(root, reached.stream.removeprefix(STREAM)), reached)

    @property
    def edge(self) -> str:
        return self.reached.stream.removeprefix(STREAM)

    @property
    def end(self) -> tuple[int, int]:
        return self.reached.generation, self.reached.byte_offset

    def begin(self, since_ms: int, now_ms: int, keep_days: int) -> int:
        """Choose the first generation to read; gives the earliest moment from which watches can be checked.

        A watch holds no line that is older than a day before it was opened: such lines are late and are not billed.
        """
        there = sorted({*fetch_log.live(self.root).get(self.edge, {}), *fetch_log.archived(self.root, self.edge)})
        there = [generation for generation in there if generation <= self.end[0]]
        if not there:
            self._say("start", {"from": f"{self.end[0]}-0"}, {"from": None})
            return since_ms
        missing = sorted(set(range(there[0], self.end[0] + 1)) - set(there))
        if missing:
            self._say("generations", {"read_by_meter": missing[:20]}, {"there": False})
        times = {generation: self._begins_ms(generation) for generation in there}
        early = [g for g in there if (begins := times[g]) is not None and begins < since_ms - DAY_MS]
        self.first = max(early, default=there[0])
        if early or there[0] == 1:
            return since_ms
        oldest_ms = next((begins for begins in times.values() if begins is not None), now_ms)
        if not keep_days or now_ms - oldest_ms < (keep_days - 2) * DAY_MS:
            self._say("start", {"from": "1-0"}, {"from": f"{there[0]}-0"})
            return since_ms
        return max(since_ms, oldest_ms + DAY_MS)

    def lines(self) -> Iterator[Logged]:
        """Every line the meter has read, from the first generation on."""
        offset, ended = 0, (self.first, 0)
        try:
            for logged in fetch_log.read(self.root, self.edge, (self.first, 0)):
                generation, offset, line = logged
                if (generation, offset) >= self.end:
                    ended = self.end
                    break
                ended = (generation, offset + len(line) + 1)
                yield logged
        except (Damaged, OSError) as damage:
            self._say("damage", {"sound": True}, {"damage": str(damage)[:500]})
            return
        # A last line without an end is counted with one.
        if self.first and ended < self.end and (ended[0], ended[1] - 1) != self.end:
            self._say("end", {"read_by_meter_to": f"{self.end[0]}-{self.end[1]}"}, {"ends": f"{ended[0]}-{ended[1]}"})

    def _begins_ms(self, generation: int) -> int | None:
        """When the first fetch of a generation was; None when it has none."""
        try:
            for logged in fetch_log.read(self.root, self.edge, (generation, 0)):
                if logged.generation != generation:
                    return None
                if (fetched := read_line(logged.line)) is not None:
                    return fetched.t_ms
        except (Damaged, OSError):
            return None
        return None

    def _say(self, what: str, recorded: dict[str, object], derived: dict[str, object]) -> None:
        self.trouble.append(Difference("log", f"{self.reached.stream} {what}", recorded, derived))
