"""Thousands of requests, each sent byte for byte as it is given, over a few connections that are kept."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.nginx.gateways import Gateway

CONNECTIONS = 8
HUNG_UP = 0  # in the place of a status


@dataclass(frozen=True)
class Answer:
    """What was answered to the path that was sent."""

    path: bytes
    status: int
    content: bytes


async def sent(g: Gateway, paths: Iterable[bytes]) -> list[Answer]:
    """The answers to all paths; order is not kept."""
    ahead = iter(paths)
    lists = await asyncio.gather(*(_line(g, ahead) for _ in range(CONNECTIONS)))
    return [answer for found in lists for answer in found]


async def _line(g: Gateway, ahead: Iterator[bytes]) -> list[Answer]:
    """One connection at a time; nginx closes it after an address it cannot read, and then there is another."""
    answers: list[Answer] = []
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", g.port)
        try:
            for path in ahead:
                writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: test\r\n\r\n")
                try:
                    head = await reader.readuntil(b"\r\n\r\n")
                except asyncio.IncompleteReadError:
                    answers.append(Answer(path, HUNG_UP, b""))
                    break
                answers.append(Answer(path, int(head.split(b" ")[1]), await _body(reader, head.lower())))
                if b"\r\nconnection: close" in head.lower():
                    break
            else:
                return answers
        finally:
            writer.transport.abort()


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    length = head.partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0]
    return await reader.readexactly(int(length)) if length else await reader.read()
