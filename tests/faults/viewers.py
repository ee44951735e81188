"""Viewers as the gateway sees them: they start a session, read playlists and fetch one segment after the other.

A viewer keeps a few seconds ahead of where it plays, asks again when an answer does not come, goes back now and then,
changes renditions, and leaves some transfers in the middle. It writes down what it received whole, and when.
"""

import asyncio
import hashlib
import os
import random
import re
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx2

AHEAD_S = 12.0
AGAIN_S = 0.3
PATIENCE_S = 120.0
LEAVES = 0.04  # the share of segments that a viewer stops reading in the middle, as after a seek
GOES_BACK = 0.08


@dataclass(frozen=True)
class Received:
    """A segment that came whole: under which request, when it was asked for and had come (s of `time.time`)."""

    request_id: str
    path: str
    asked: float
    at: float
    sha256: str


@dataclass
class Viewer:
    """One person with one session. `asked` counts requests by the path behind the token, answered or not."""

    url: str
    number: int
    speed: float
    http: httpx2.AsyncClient = field(init=False)
    user_id: int = 0
    session_id: str = ""
    received: list[Received] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.http = httpx2.AsyncClient(base_url=self.url, timeout=20)
        self._chance = random.Random(self.number)
        self._base = ""

    async def sign_up(self, minor_units: int) -> None:
        """An account with money on it."""
        email = f"viewer-{self.number}@example.org"
        body = {"email": email, "password": "correct-horse-battery-9", "first_name": "Vi", "last_name": "Ewer"}
        answer = await self.http.post("/api/auth/register", json=body, timeout=PATIENCE_S)
        assert answer.status_code in (200, 201), answer.text
        self.user_id = answer.json()["user"]["id"]
        self.http.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
        headers = {"idempotency-key": os.urandom(16).hex()}
        answer = await self.http.post("/api/billing/deposit", json={"amount": minor_units}, headers=headers)
        assert answer.status_code == 201, answer.text

    async def play(self, video: int, stop: asyncio.Event) -> None:
        """Play from somewhere, over and over, until `stop`."""
        await self._start(video)
        film = await self._film()
        at, began, played_ms = self._chance.randrange(len(film)), time.monotonic(), 0
        while not stop.is_set():
            pictures, sounds, length_ms = film[at]
            wanted = time.monotonic()
            paths = [self._chance.choice(choice) for choice in (pictures, sounds) if choice]
            await asyncio.gather(*(self._fetch(path) for path in paths))
            self.waits.append(time.monotonic() - wanted)
            played_ms += length_ms
            at = self._next(at, len(film))
            lead_s = played_ms / 1000 / self.speed - (time.monotonic() - began)
            await self._rest(stop, lead_s - AHEAD_S / self.speed)
        await self.http.aclose()

    async def _rest(self, stop: asyncio.Event, seconds: float) -> None:
        if seconds > 0:
            try:
                await asyncio.wait_for(stop.wait(), seconds)
            except TimeoutError:
                return

    def _next(self, at: int, count: int) -> int:
        return max(0, at - 2) if self._chance.random() < GOES_BACK else (at + 1) % count

    async def _start(self, video: int) -> None:
        answer = await self._until("POST", f"/api/stream/start/{video}", 201)
        self.session_id, url = answer.json()["session_id"], answer.json()["url"]
        self._base = url.rsplit("/", 1)[0]

    async def _film(self) -> list[tuple[list[str], list[str], int]]:
        """Segment by segment: the same pictures in every rendition, the sound, and how long it is (ms)."""
        master = await self._text("master.m3u8")
        names = re.findall(r"^([^#\s]\S*)/index\.m3u8$", master, re.MULTILINE)
        names += re.findall(r'TYPE=AUDIO\S*URI="([^"/]+)/index\.m3u8"', master)[:1]
        lists = {name: segments(name, await self._text(f"{name}/index.m3u8")) for name in dict.fromkeys(names)}
        sounds = next((rows for name, rows in lists.items() if name.startswith("audio-")), [])
        pictures = [rows for name, rows in lists.items() if not name.startswith("audio-")]
        spans = [span_ms(path) for path in pictures[0]]
        return [
            (
                [path for rows in pictures for path in rows if overlaps(span_ms(path), span)],
                [path for path in sounds if span[0] <= span_ms(path)[0] < span[1]],
                span[1] - span[0],
            )
            for span in spans
        ]

    async def _text(self, name: str) -> str:
        return (await self._until("GET", f"{self._base}/{name}", 200)).text

    async def _until(self, method: str, path: str, status: int) -> httpx2.Response:
        """The answer once it has this status."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                answer = await self.http.request(method, path)
            except httpx2.HTTPError:
                answer = None
            if answer is not None and answer.status_code == status:
                return answer
            assert answer is None or answer.status_code >= 429, (path, answer.status_code, answer.text)
            assert time.monotonic() < deadline, f"{path} did not come within {PATIENCE_S:.0f} s"
            await asyncio.sleep(AGAIN_S)

    async def _fetch(self, path: str) -> None:
        """One segment, whole; asked for again until it comes."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            self.asked[path] += 1
            try:
                if await self._came(path, leaves=self._chance.random() < LEAVES):
                    return
            except httpx2.HTTPError:
                pass
            assert time.monotonic() < deadline, f"{path} did not come within {PATIENCE_S:.0f} s"
            await asyncio.sleep(AGAIN_S)

    async def _came(self, path: str, *, leaves: bool) -> bool:
        asked = time.time()
        async with self.http.stream("GET", f"{self._base}/{path}") as answer:
            if answer.status_code != 200:
                said = (await answer.aread()).decode(errors="replace")
                if answer.status_code < 429:
                    self.refused.append(f"{answer.status_code} {path} {said}")
                return False
            if leaves:
                return True
            body = await answer.aread()
        request_id, digest = answer.headers["x-request-id"], hashlib.sha256(body).hexdigest()
        self.received.append(Received(request_id, path, asked, time.time(), digest))
        return True


def segments(rendition: str, playlist: str) -> list[str]:
    return [f"{rendition}/{line}" for line in playlist.splitlines() if line and not line.startswith("#")]


def span_ms(path: str) -> tuple[int, int]:
    """`360p/3-12000-16000.m4s` -> (12000, 16000)."""
    start, end = path.removesuffix(".m4s").rsplit("-", 2)[1:]
    return int(start), int(end)


def overlaps(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]
