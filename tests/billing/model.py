"""The rule for money once more, as slowly as it can be said: sets of whole seconds, nothing of the product's.

What a state machine or a killed meter must come to. Lines are told in the order of the log, a batch of the meter's at
a time; who among several sessions is forgiven hangs on that order (rule 4), the sum does not.
"""

from dataclasses import dataclass, field

DAY_MS = 86_400_000
Film = tuple[int, int, int]  # user, video, price in micros a minute


@dataclass(frozen=True)
class Line:
    """A fetch that delivered the film's seconds from `start` to `end`."""

    session: str
    t_ms: int
    start: int
    end: int


@dataclass(eq=False)
class Window:
    """A watch."""

    opened_ms: int | None = None
    seen: set[int] = field(default_factory=set)
    claimed_ms: int = 0
    forgiven_ms: int = 0
    forgiven_to: str | None = None

    def covers(self, t_ms: int) -> bool:
        return self.opened_ms is None or self.opened_ms <= t_ms < self.opened_ms + DAY_MS

    def due_micros(self, price: int) -> int:
        return (max(1000 * len(self.seen), self.claimed_ms) - self.forgiven_ms) * price // 60_000


@dataclass(eq=False)
class Session:
    """What one player fetched, and what of it was new to its watch."""

    film: Film
    film_ms: int
    window: Window
    delivered: set[int] = field(default_factory=set)
    brought: int = 0
    played_ms: int | None = None


@dataclass
class Model:
    """Everybody's sessions and watches."""

    sessions: dict[str, Session] = field(default_factory=dict)
    windows: dict[Film, list[Window]] = field(default_factory=dict)

    def start(self, name: str, film: Film, film_ms: int, now_ms: int) -> None:
        if name not in self.sessions:
            self.sessions[name] = Session(film, film_ms, self._window(film, now_ms))

    def bill(self, lines: list[Line]) -> None:
        """One batch: session by session, the one with the oldest line first."""
        told: dict[str, list[Line]] = {}
        for line in sorted(lines, key=lambda each: (each.t_ms, each.start, each.end)):
            told.setdefault(line.session, []).append(line)
        for name, its in sorted(told.items(), key=lambda item: (item[1][0].t_ms, item[0])):
            session = self.sessions[name]
            for window, part in self._by_window(session, its):
                if self._later(session, window):
                    session.window, session.brought = window, 0
                self._deliver(session, window, part)
                if window is session.window:
                    self._forgive(name)

    def end(self, name: str, played_ms: int) -> None:
        if self.sessions[name].played_ms is None:
            self.sessions[name].played_ms = played_ms
            self._forgive(name)

    def claim(self, name: str, seen_ms: int) -> None:
        session = self.sessions[name]
        most = min(seen_ms, session.film_ms or seen_ms)
        session.window.claimed_ms = max(session.window.claimed_ms, most)
        self._forgive(name)

    def due(self) -> dict[Film, int]:
        """What each film costs each of its viewers, in micros."""
        return {film: sum(w.due_micros(film[2]) for w in windows) for film, windows in self.windows.items()}

    def _window(self, film: Film, t_ms: int) -> Window:
        """The first that was not over then, one that waits for its first fetch last; or a new one."""
        known = self.windows.setdefault(film, [])
        opened = sorted((w for w in known if w.opened_ms is not None), key=lambda w: w.opened_ms or 0)
        for window in [*opened, *(w for w in known if w.opened_ms is None)]:
            if window.opened_ms is None or t_ms < window.opened_ms + DAY_MS:
                return window
        known.append(Window())
        return known[-1]

    def _later(self, session: Session, window: Window) -> bool:
        known = self.windows[session.film]
        return known.index(window) > known.index(session.window)

    def _by_window(self, session: Session, lines: list[Line]) -> list[tuple[Window, list[Line]]]:
        """Rule 2: a watch is open for a day from its first fetch."""
        parts: dict[int, tuple[Window, list[Line]]] = {}
        window = session.window
        for line in lines:
            if not window.covers(line.t_ms):
                window = self._window(session.film, line.t_ms)
            window.opened_ms = line.t_ms if window.opened_ms is None else window.opened_ms
            parts.setdefault(id(window), (window, []))[1].append(line)
        return list(parts.values())

    def _deliver(self, session: Session, window: Window, lines: list[Line]) -> None:
        seconds = {second for line in lines for second in range(line.start, line.end)}
        session.delivered |= seconds
        if window is session.window:
            session.brought += len(seconds - window.seen)
        window.seen |= seconds

    def _forgive(self, name: str) -> None:
        session = self.sessions[name]
        window = session.window
        if session.played_ms is None or window.forgiven_to not in (None, name):
            return
        unplayed = 1000 * len(session.delivered) - session.played_ms
        most = max(0, min(30_000, unplayed, 1000 * session.brought))
        if most > window.forgiven_ms:
            window.forgiven_ms, window.forgiven_to = most, name
