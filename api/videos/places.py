"""Bounded numbers of requests that wait: a place is taken for as long as one does."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from api.problems import Problem


class NoPlace(Problem):
    code, status = "busy", 503
    detail = "Too many are waiting here already. Try again in a moment."


class Places:
    """At most `total` at a time, of them at most `each` for one `who`."""

    def __init__(self, total: int, each: int) -> None:
        self._total, self._each = total, each
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, who: str) -> Iterator[None]:
        """Hold a place; raises NoPlace."""
        if self._taken.total() >= self._total or self._taken[who] >= self._each:
            raise NoPlace(retry_after=2)
        self._taken[who] += 1
        try:
            yield
        finally:
            self._taken[who] -= 1
            if not self._taken[who]:
                del self._taken[who]
