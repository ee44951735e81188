"""The uploaded file on disk: its place, room for it, writing at an offset, looking at its first bytes."""

import asyncio
import errno
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiofiles

from api.problems import Problem
from api.videos.container import HEAD_BYTES, container

# Left free for PostgreSQL, logs and renditions: a full disk stops more than uploads.
RESERVE_BYTES = 256 << 20


class StorageFull(Problem):
    code, status = "storage_full", 507
    detail = "There is no room for this file. Ask the operator to free some space."


class TooLarge(Problem):
    code, status = "too_large", 413
    detail = "This file is larger than uploads may be."


class UnsupportedMedia(Problem):
    code, status = "unsupported_media", 415
    detail = "This is not a video file we can read. Send MP4, MOV, MKV, WebM, TS, AVI, FLV, MPEG, OGG, MXF or WMV."


class SourceLost(Problem):
    code, status = "upload_lost", 410
    detail = "The bytes sent so far are gone from our disk. Start the upload anew."


@dataclass(frozen=True)
class Sources:
    """The folder of all sources. Names are made here, never taken from a client."""

    root: Path
    max_bytes: int

    def new_name(self) -> str:
        return uuid4().hex

    def path(self, name: str) -> Path:
        return self.root / name

    def check_size(self, size_bytes: int) -> None:
        """Raises TooLarge."""
        if size_bytes > self.max_bytes:
            raise TooLarge(f"This file is larger than {self.max_bytes} bytes.", max_bytes=self.max_bytes)

    def check_room(self, size_bytes: int) -> None:
        """Raises StorageFull unless the disk holds it as things stand; writing asks again."""
        if shutil.disk_usage(self.root).free - RESERVE_BYTES < size_bytes:
            raise StorageFull

    def remove(self, name: str) -> None:
        self.path(name).unlink(missing_ok=True)

    def check_container(self, name: str) -> None:
        """Raises UnsupportedMedia."""
        with self.path(name).open("rb") as file:
            check_head(file.read(HEAD_BYTES))


class SourceFile:
    """A source being written from some offset on."""

    def __init__(self, file: Any) -> None:
        self._file = file

    async def write(self, content: bytes | bytearray) -> None:
        """Append all of it; raises StorageFull."""
        disk, done = os.fstatvfs(self._file.fileno()), 0
        if disk.f_bavail * disk.f_frsize < RESERVE_BYTES:
            raise StorageFull
        with memoryview(content) as view, _room():
            while done < len(view):
                done += await self._file.write(view[done:])

    async def sync(self) -> None:
        """Return once everything written would survive a crash of the machine."""
        with _room():
            await asyncio.to_thread(os.fsync, self._file.fileno())

    async def cut(self, offset: int) -> None:
        """Drop everything from `offset` on and go on writing there."""
        await self._file.truncate(offset)
        await self._file.seek(offset)


@asynccontextmanager
async def writing(path: Path, offset: int) -> AsyncIterator[SourceFile]:
    """Open a source to be written from `offset`: whatever lies behind it was never committed and goes.

    Raises SourceLost when fewer bytes are there.
    """
    async with aiofiles.open(path, "r+b", buffering=0, opener=_open_or_make) as file:
        size = await file.seek(0, os.SEEK_END)
        if size < offset:
            raise SourceLost
        source = SourceFile(file)
        if size > offset:
            await source.cut(offset)
        yield source


def check_head(head: bytes) -> None:
    """Raises UnsupportedMedia unless a file that begins with `head` is in a container we take."""
    if container(head) is None:
        raise UnsupportedMedia


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StorageFull from error
        raise


def _open_or_make(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT, 0o640)
