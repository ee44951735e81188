"""An uploader and a viewer with a stopwatch: tus in, HLS out, everything through the gateway as a page would do it."""

import base64
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.stacks import Person

TUS = {"tus-resumable": "1.0.0"}
PIECE = 1 << 20
PATIENCE_S = 120.0


@dataclass
class Sent:
    """An upload: when its last byte left, and when the service had answered. Seconds of `time.time`."""

    video: int
    last_byte: float
    answered: float


@dataclass
class Fetched:
    """A file, and when its first and its last byte came."""

    first: float
    last: float
    content: bytes


def upload(person: Person, film: Path) -> Sent:
    """One tus upload in one PATCH."""
    size = film.stat().st_size
    told = ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in fields(film).items())
    begun = person.http.post("/api/uploads", headers=TUS | {"upload-length": str(size), "upload-metadata": told})
    assert begun.status_code == 201, begun.text
    left = 0.0

    def pieces() -> Iterator[bytes]:
        nonlocal left
        with film.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece
        left = time.time()

    headers = TUS | {"upload-offset": "0", "content-type": "application/offset+octet-stream"}
    headers["content-length"] = str(size)
    done = person.http.patch(begun.headers["location"], headers=headers, content=pieces(), timeout=600)
    assert done.status_code == 204, done.text
    return Sent(int(begun.headers["x-video-id"]), left, time.time())


def fields(film: Path) -> dict[str, str]:
    return {"filename": film.name, "title": film.stem}


def playable(person: Person, video: int) -> float:
    """When the video could be played, looking twenty times a second."""
    deadline = time.time() + PATIENCE_S
    while True:
        found = person.get(f"/api/videos/{video}")
        if found["status"] in ("playable", "ready"):
            return time.time()
        assert found["status"] != "failed", found["error"]
        assert time.time() < deadline, f"video {video} is {found['status']} after {PATIENCE_S:.0f} s"
        time.sleep(0.05)


class Playback:
    """A session and its first video variant, as a player opens them."""

    def __init__(self, person: Person, video: int) -> None:
        self._person, self.video = person, video
        # A player's own connection, without the page's bearer token.
        self._http = httpx2.Client(base_url=str(person.http.base_url), timeout=60)
        answer = person.http.post(f"/api/stream/start/{video}")
        assert answer.status_code == 201, answer.text
        self._session, url = answer.json()["session_id"], answer.json()["url"]
        self._base = url.rsplit("/", 1)[0]
        self.master = self._text(url)
        variant = next(line for line in self.master.splitlines() if re.match(r"[^#].*index\.m3u8$", line))
        self.rendition = variant.split("/")[0]
        self.init, *self.segments = self.files(self.rendition)

    def files(self, rendition: str) -> list[str]:
        """Names of the init segment and of all segments, from the media playlist."""
        text = self._text(f"{self._base}/{rendition}/index.m3u8")
        return re.findall(r'(?<=^#EXT-X-MAP:URI=")[^"]+|^[^#\s].*$', text, re.MULTILINE)

    def whole(self, rendition: str) -> bytes:
        """A rendition from its init segment to its last."""
        return b"".join(self.fetch(name, rendition).content for name in self.files(rendition))

    def fetch(self, name: str, rendition: str = "") -> Fetched:
        """A file of the first variant, or of another rendition; a held one is asked for again, as players do."""
        deadline = time.time() + PATIENCE_S
        while True:
            with self._http.stream("GET", f"{self._base}/{rendition or self.rendition}/{name}") as answer:
                if answer.status_code == 200:
                    first, content = 0.0, bytearray()
                    for piece in answer.iter_raw():
                        first = first or time.time()
                        content += piece
                    return Fetched(first, time.time(), bytes(content))
                assert answer.status_code in (429, 503), (name, answer.status_code, answer.read())
                wait = float(answer.headers.get("retry-after", 1))
            assert time.time() + wait < deadline, f"{name} did not come within {PATIENCE_S:.0f} s"
            time.sleep(wait)

    def _text(self, path: str) -> str:
        answer = self._http.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.text

    def end(self) -> None:
        self._person.http.post(f"/api/stream/end/{self._session}", json={"position_ms": 0})
        self._http.close()
