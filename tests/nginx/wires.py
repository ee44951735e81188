"""The wire behind the gateway: one that can be cut, and one that shows what was sent over it."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from typing import Self
from urllib.parse import urlsplit

from api.settings import SERVICE_URLS, Settings


class Wire:
    """A local port that leads to a service until it is cut."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def cut(self) -> None:
        """From now on connections are refused, and open ones are gone."""
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), 1)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._target.hostname, self._target.port)
        self._writers += [writer, far_writer]
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


class Tap:
    """A local port that keeps what it is sent and answers what the test says, when the test says."""

    def __init__(self) -> None:
        self.received = b""
        self.writer: asyncio.StreamWriter | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self._writers.append(writer)
        while data := await reader.read(65536):
            self.received += data

    async def wait_for(self, part: bytes) -> bytes:
        """Everything received, once `part` is in it."""
        async with asyncio.timeout(5):
            while part not in self.received:
                await asyncio.sleep(0.005)
        return self.received

    async def close(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def answer(self, data: bytes) -> None:
        assert self.writer is not None
        self.writer.write(data)


@contextlib.asynccontextmanager
async def tapped(settings: Settings, service: str) -> AsyncIterator[tuple[Settings, Tap]]:
    """Settings under which `service` is a tap."""
    tap = Tap()
    server = await asyncio.start_server(tap._take, "127.0.0.1", 0)
    try:
        yield pointed(settings, service, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"), tap
    finally:
        server.close()
        await tap.close()


def pointed(settings: Settings, service: str, url: str) -> Settings:
    """The same settings, with a service elsewhere: verdicts come from its address, not from a socket."""
    return dataclasses.replace(settings, values={**settings.values, SERVICE_URLS[service]: url, "VERDICT_SOCKET": ""})
