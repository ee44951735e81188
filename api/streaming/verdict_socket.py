"""Verdicts over the Unix socket: as much HTTP/1.1 (RFC 9112) as nginx speaks to an upstream, and nothing else.

nginx of this machine renews the verdict of every session that plays each few seconds. A whole HTTP server around each
of them costs several times what the verdict does, so here are the bytes alone: one path, GET, no body, no parameters.
Whoever sends anything else is refused and cut off. The service's port answers the same question for all others.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

from api.service import unix_socket
from api.streaming.desk import HEADERS, PATH, Desk
from api.streaming.validator import Question

REQUEST = f"GET {PATH} HTTP/1.1".encode()
# RFC 9112 section 5: no blank before the colon, no folded line, no control character.
HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)")
MOST_BYTES = 8192
FINISH_S = 5.0
STATUS = {204: b"No Content", 400: b"Bad Request", 403: b"Forbidden", 404: b"Not Found", 431: b"Too Large"}


class Refused(ValueError):
    """Not a request that nginx makes; `status` says what is wrong with it."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Wire(asyncio.Protocol):
    """One connection: requests are answered in their order, the next is begun when the one before it is answered."""

    def __init__(self, desk: Desk, wires: "set[Wire]") -> None:
        self._desk, self._wires, self._loop = desk, wires, asyncio.get_running_loop()
        self._received = b""
        self.answering: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._wires.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._wires.discard(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self.answering is None:
            self._next()
        elif len(self._received) > MOST_BYTES:
            self._transport.pause_reading()

    def _next(self) -> None:
        head, end, rest = self._received.partition(b"\r\n\r\n")
        try:
            if len(head) > MOST_BYTES:  # all there is, when nothing ended yet
                raise Refused(431)
            if not end:
                return
            asked = question(head)
        except Refused as refused:
            self._transport.write(answer(refused.status, b"Connection: close\r\nContent-Length: 0\r\n"))
            self._transport.close()
            return
        self._received = rest
        self.answering = self._loop.create_task(self._answer(asked))

    async def _answer(self, asked: Question) -> None:
        status, headers = await self._desk.answer(asked)
        self.answering = None
        if self._transport.is_closing():
            return
        self._transport.write(answer(status, b"".join([b"%b: %b\r\n" % pair for pair in headers])))
        self._transport.resume_reading()
        if self._received:
            self._next()

    def close(self) -> None:
        self._transport.close()


def question(head: bytes) -> Question:
    """What a request without its empty line asks; raises Refused."""
    first, *lines = head.split(b"\r\n")
    if first != REQUEST:
        raise Refused(404)
    asked: dict[str, str] = {}
    for line in lines:
        found = HEADER.fullmatch(line)
        if found is None:
            raise Refused(400)
        name = found[1].lower()
        if name in HEADERS:
            if HEADERS[name] in asked:
                raise Refused(400)
            asked[HEADERS[name]] = str(found[2].rstrip(b" \t"), "latin-1")
        elif name == b"transfer-encoding" or (name == b"content-length" and found[2] != b"0"):
            raise Refused(400)
    return Question(**({"token": "", "video": ""} | asked))


def answer(status: int, headers: bytes) -> bytes:
    return b"HTTP/1.1 %d %b\r\n%b\r\n" % (status, STATUS.get(status, b"Unavailable"), headers)


@contextlib.asynccontextmanager
async def listening(path: Path, desk: Desk) -> AsyncIterator[None]:
    """Answer at `path`; at the end whoever was being answered still is."""
    wires: set[Wire] = set()
    server = await asyncio.get_running_loop().create_unix_server(lambda: Wire(desk, wires), sock=unix_socket(path))
    try:
        yield
    finally:
        server.close()
        if under_way := [wire.answering for wire in wires if wire.answering]:
            await asyncio.wait(under_way, timeout=FINISH_S)
        for wire in tuple(wires):
            wire.close()
