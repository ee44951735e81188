"""The lines of many people who watch films, and what they must cost: written and counted without the meter's code.

Plausible, and unpleasant now and then: sound beside pictures, seeks, changed rungs, retries, broken bodies, refusals,
two devices on one film, wallets that run dry, lines that are none.
"""

import json
import random
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

SEGMENT_MS, SEGMENTS, VIDEOS, CREATORS = 4000, 1800, 500, 50
PRICE, CREATOR_BPS = 60_000, 7000  # micros a minute; hundredths of a percent
RICH, POOR, EVERY_POOR = 100_000_000, 50_000, 50  # micros in a wallet, and how many of them for one poor one
SIZES = {"240p": 180_000, "360p": 350_000, "720p": 1_400_000, "1080p": 2_800_000, "audio-0": 64_000}
RUNGS = [rendition for rendition in SIZES if rendition != "audio-0"]
EVERY_BAD = 10_000
BAD = [b'{"v":1,"edge":"origin","t_ms":', b"\xff\xfe", b'{"v":2}', b"[]"]


@dataclass(slots=True)
class Viewing:
    """A session: who watches what, and where it is."""

    session_id: str
    user_id: int
    video: int
    balance: int
    at: int
    rung: str
    again: bool = False

    @property
    def creator(self) -> int:
        return creator_of(self.video)


def creator_of(video: int) -> int:
    return 10 + video % CREATORS


def viewings(count: int, chance: random.Random) -> list[Viewing]:
    """Every tenth session is the second device of somebody who has enough money."""
    made: list[Viewing] = []
    for number in range(count):
        if number % 10 == 9:
            user_id, video, balance = made[-1].user_id, made[-1].video, RICH
        else:
            user_id, video = 1000 + number, 1 + number % VIDEOS
            balance = POOR if number % EVERY_POOR == 1 else RICH
        session_id = uuid.UUID(int=chance.getrandbits(128)).hex
        made.append(Viewing(session_id, user_id, video, balance, chance.randrange(SEGMENTS), chance.choice(RUNGS)))
    return made


def lines(crowd: list[Viewing], count: int, t_ms: int, chance: random.Random) -> Iterator[bytes]:
    """As nginx writes them, with their newlines; a session's next line comes somewhen among everybody else's."""
    turn: list[Viewing] = []
    for number in range(count):
        if not turn:
            turn = chance.sample(crowd, len(crowd))
        if number % EVERY_BAD == EVERY_BAD - 1:
            yield chance.choice(BAD) + b"\n"
        else:
            yield _next(turn.pop(), t_ms + number // 7 - chance.randrange(200), chance)


def _next(viewing: Viewing, t_ms: int, chance: random.Random) -> bytes:
    dice, rendition, method, status = chance.random(), viewing.rung, "GET", 200
    if dice < 0.03:
        viewing.at = chance.randrange(SEGMENTS)
    elif dice < 0.07:
        viewing.rung = rendition = chance.choice(RUNGS)  # the same segment once more
    elif dice < 0.40:
        rendition = "audio-0"
    elif dice > 0.02 + 0.40:  # else a retry
        viewing.at = (viewing.at + 1) % SEGMENTS
    size = sent = SIZES[rendition] + viewing.at % 977
    if dice > 0.97:
        sent = int(size * chance.random())
    elif dice > 0.96:
        method, status, sent, size = chance.choice((("HEAD", 200, 0, size), ("GET", 304, 0, 0), ("GET", 403, 153, 0)))
    start_ms = viewing.at * SEGMENT_MS
    text = (
        f'{{"v":1,"edge":"origin","t_ms":{t_ms},"request_id":"{chance.getrandbits(128):032x}",'
        f'"session_id":"{viewing.session_id}","user_id":{viewing.user_id},"video":{viewing.video},"generation":1,'
        f'"rendition":"{rendition}","index":{viewing.at},"start_ms":{start_ms},"end_ms":{start_ms + SEGMENT_MS},'
        f'"method":"{method}","status":{status},"bytes":{sent},"size":{size},"complete":{"true" if sent else "false"},'
        '"request_time_ms":3,"verdict_cache":"HIT","cache":""}\n'
    )
    return text.encode()


@dataclass
class Owed:
    """What the lines come to, in micros, and how many of them are none."""

    wallets: dict[int, int]
    creators: dict[int, int]
    revenue: dict[int, int]
    uncollected: int
    bad: int


def owed(crowd: list[Viewing], log: Iterable[bytes]) -> Owed:
    """The rule for money, from the beginning: read every line, mark what was delivered, measure, multiply."""
    marks: defaultdict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    bad = 0
    for line in log:
        try:
            said = json.loads(line)
            delivered = _delivered_ms(said)
        except (ValueError, TypeError, KeyError):
            bad += 1
            continue
        if delivered:
            marks[said["user_id"], said["video"]] += [(said["start_ms"], 1), (said["start_ms"] + delivered, -1)]
    balances = {viewing.user_id: viewing.balance for viewing in crowd}
    found = Owed(defaultdict(int), defaultdict(int), defaultdict(int), 0, bad)
    for (user_id, video), changes in marks.items():
        price = _covered_ms(changes) * PRICE // 60_000
        paid = min(price, balances[user_id])
        share = paid * CREATOR_BPS // 10_000
        found.wallets[user_id] += paid
        found.creators[creator_of(video)] += share
        found.revenue[creator_of(video)] += paid - share
        found.uncollected += price - paid
    return found


def _delivered_ms(said: dict[str, int | str]) -> int:
    """How much of a segment a line proves, from its start; raises KeyError for what is no line of ours."""
    sent, size = int(said["bytes"]), int(said["size"])
    if said["method"] != "GET" or said["status"] not in (200, 206) or str(said["rendition"]).startswith("audio-"):
        return 0
    return SEGMENT_MS * sent // size if 0 < size <= 2 * sent else 0


def _covered_ms(changes: list[tuple[int, int]]) -> int:
    """How much of the film lies in at least one interval, given where they begin (1) and end (-1)."""
    covered = depth = last = 0
    for at, change in sorted(changes):
        covered += at - last if depth else 0
        depth, last = depth + change, at
    return covered
