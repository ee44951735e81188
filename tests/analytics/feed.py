"""Fetches for tests: made, written as log lines, fed to a real audience; and the slow, obvious count of them."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from api.analytics import queries_video
from api.analytics.queries_video import Video
from api.clients import Clients
from api.database import Database
from media.fetch import Fetch
from tests.conftest import Platform
from workers.audience import Audience
from workers.follow import Chunk, Position

SEGMENT_MS = 4000
FULL: dict[str, Any] = {"method": "GET", "status": 200, "bytes": 1000, "size": 1000, "complete": True}


def fetch(session: str, user: int, video: int, at_ms: int, index: int, **changed: Any) -> Fetch:
    """One whole segment delivered at a time."""
    fields = {
        "v": 1,
        "edge": "origin",
        "t_ms": at_ms,
        "request_id": f"r{at_ms}-{index}",
        "session_id": session,
        "user_id": user,
        "video": video,
        "generation": 1,
        "rendition": "360p",
        "index": index,
        "start_ms": index * SEGMENT_MS,
        "end_ms": (index + 1) * SEGMENT_MS,
        "request_time_ms": 3,
        "verdict_cache": "HIT",
        "cache": "",
    }
    return Fetch(**{**fields, **FULL, **changed})


def watch(session: str, user: int, video: int, at_ms: int, segments: Iterable[int]) -> list[Fetch]:
    """One segment every four seconds from `at_ms` on."""
    return [fetch(session, user, video, at_ms + SEGMENT_MS * i, index) for i, index in enumerate(segments)]


def lines(fetches: Iterable[Fetch]) -> bytes:
    return b"".join(msgspec.json.encode(f) + b"\n" for f in fetches)


class Stream:
    """Cuts lines into chunks as a shipper does."""

    def __init__(self, name: str = "fetches:origin", end: Position | None = None) -> None:
        self.name, self.end = name, end or Position(1, 0)

    def chunk(self, payload: bytes) -> Chunk:
        chunk = Chunk(self.name, self.end.generation, self.end.offset, payload)
        self.end = chunk.end
        return chunk


def audience(p: Platform) -> Audience:
    return Audience(p.db("analytics"), Clients(p.settings, "audience"))


async def know(db: Database, *videos: tuple[int, int, int]) -> None:
    """Facts of (video, owner, duration in ms), as videos would tell them."""
    await queries_video.save_videos(db, [Video(v, f"Film {v}", owner, ms, True) for v, owner, ms in videos])


async def feed(p: Platform, *fetches: Fetch) -> None:
    """Feed one more chunk and count it."""
    reader = audience(p)
    stream = Stream("fetches:origin", (await reader.positions()).get("fetches:origin"))
    await reader.apply([stream.chunk(lines(fetches))])
    await reader.idle()


@dataclass
class Counted:
    """What the obvious count finds: sums by (video, minute), sets, steps by (video, start minute)."""

    watch_ms: Counter[tuple[int, int]] = field(default_factory=Counter)
    active: Counter[tuple[int, int]] = field(default_factory=Counter)
    starts: Counter[tuple[int, int]] = field(default_factory=Counter)
    views: Counter[tuple[int, int]] = field(default_factory=Counter)
    completions: Counter[tuple[int, int]] = field(default_factory=Counter)
    viewers: set[tuple[int, int, int]] = field(default_factory=set)
    covered: defaultdict[int, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))


def obvious_count(fetches: Sequence[Fetch], facts: dict[int, tuple[int, int]]) -> Counted:
    """Millisecond by millisecond over every fetch, in the order of time; nothing of ours but the log line is used."""
    found = Counted()
    sessions: defaultdict[tuple[str, int, int], list[Fetch]] = defaultdict(list)
    for one in fetches:
        if one.user_id != facts[one.video][0]:
            sessions[one.session_id, one.user_id, one.video].append(one)
    best: dict[tuple[int, int, int], tuple[int, bool]] = {}
    for (_, user, video), its in sessions.items():
        duration_ms, seen = facts[video][1], set[int]()
        first_ms = min(one.t_ms for one in its)
        for one in sorted(its, key=lambda one: one.t_ms):
            delivered = set(range(one.start_ms, one.end_ms))
            found.watch_ms[video, one.t_ms // 60_000] += len(delivered - seen)
            found.viewers.add((video, user, one.t_ms // 60_000))
            seen |= delivered
        found.active.update({(video, one.t_ms // 60_000) for one in its})
        found.starts[video, first_ms // 60_000] += 1
        found.covered[video].update({ms * 100 // duration_ms for ms in seen if ms < duration_ms})
        if len(seen) >= 10_000 or len(seen) * 2 >= duration_ms:
            slot = (video, user, first_ms // 3_600_000)
            was = best.get(slot, (first_ms, False))
            best[slot] = (min(was[0], first_ms), was[1] or len(seen) * 10 >= duration_ms * 9)
    for (video, _, _), (first_ms, completed) in best.items():
        found.views[video, first_ms // 60_000] += 1
        found.completions[video, first_ms // 60_000] += completed
    return found


def random_fetches(seed: int, facts: dict[int, tuple[int, int]], start_ms: int, hours: int) -> list[Fetch]:
    """Sessions that seek, go back, switch rungs and meet in the same hours; owners watch too."""
    pick, made = random.Random(seed), list[Fetch]()
    for number in range(30):
        video = pick.choice(list(facts))
        user, at_ms = pick.choice([7, 8, 9, facts[video][0]]), start_ms + pick.randrange(hours * 3_600_000)
        last = facts[video][1] // SEGMENT_MS
        index = pick.randrange(last)
        for _ in range(pick.choice([1, 2, 3, 8, 30])):
            made.append(fetch(f"s{number}", user, video, at_ms, index, rendition=pick.choice(["360p", "720p"])))
            at_ms += pick.choice([0, 300, 4000, 4000, 45_000])
            index = pick.choice([index, (index + 1) % last, (index + 1) % last, pick.randrange(last)])
    return made
