"""One PATCH of an upload: takes the bytes, puts them on disk, and commits the offset of what is safe there.

Only the holder of the upload's lease writes. It is held while bytes come and freed when they stop, so that a browser
that lost its line goes on over a new one at once, while of two clients that really send at the same time one gets 423.
The lease is in the row: replicas and killed processes are no special case.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from uuid import uuid4

from api.database import Database
from api.problems import Problem
from api.videos import queries_upload as queries
from api.videos import upload as uploads
from api.videos.bells import Bells
from api.videos.queries_upload import Upload
from api.videos.source import SourceFile, Sources, StorageFull, TooLarge, writing
from api.videos.tus import Checksum, ChecksumMismatch

WRITE_BYTES = 1 << 20
COMMIT_BYTES = 8 << 20
COMMIT_S = 1.0
LEASE_S = 3.0
# How long a PATCH waits for one before it: more than the lease of a killed process.
PATIENCE_S = 4.0
ASK_EVERY_S = 0.1
# No byte for this long frees the lease, for the longer time ends the request.
QUIET_S = 0.5
SILENT_S = 60.0


class OffsetConflict(Problem):
    code, status = "offset_conflict", 409
    detail = "The upload does not go on at this offset. Ask for the offset with HEAD and continue from there."


class UploadLocked(Problem):
    code, status = "upload_locked", 423
    detail = "Another request is sending this upload right now."


class Silent(Problem):
    code, status = "silent", 408
    detail = "No byte came for a minute. Ask for the offset with HEAD and continue from there."


class Patch:
    """`file` is open at the committed offset, and `writer` holds the lease."""

    def __init__(self, db: Database, upload: Upload, file: SourceFile, writer: str, checksum: Checksum | None) -> None:
        self._db, self._upload, self._file, self._writer, self._checksum = db, upload, file, writer, checksum
        self._hash = hashlib.new(checksum.algorithm, usedforsecurity=False) if checksum else None
        self._buffer = bytearray()
        self._committed = self._written = upload.offset_bytes
        self._committed_at = time.monotonic()
        self._resting = False

    @property
    def offset(self) -> int:
        """Where the next byte belongs."""
        return self._written + len(self._buffer)

    async def take(self, chunk: bytes) -> None:
        """Raises TooLarge beyond the announced length, UploadLocked when somebody took over, StorageFull."""
        if self.offset + len(chunk) > self._upload.size_bytes:
            raise TooLarge("More bytes came than the upload was announced with.")
        if self._resting:
            await self._say(self._committed)
        self._buffer += chunk
        if self._hash is not None:
            self._hash.update(chunk)
        if len(self._buffer) >= WRITE_BYTES:
            await self._write()
        if self._written - self._committed >= COMMIT_BYTES or time.monotonic() - self._committed_at >= COMMIT_S:
            await self.commit()

    async def commit(self) -> None:
        """What was taken is on disk and counts; the last byte not before `finish`, checked bytes not before `check`."""
        await self._write()
        if self._hash is not None or self._written == self._upload.size_bytes:
            await self._say(self._committed)
        else:
            await self._file.sync()
            await self._say(self._written)

    async def rest(self) -> None:
        """Nothing comes: commit, and let others write."""
        if not self._resting:
            await self.commit()
            await queries.free(self._db, self._upload.id, self._writer)
            self._resting = True

    async def check(self) -> None:
        """Compare with the checksum; raises ChecksumMismatch with the bytes dropped."""
        if self._checksum is None or self._hash is None:
            return
        await self._write()
        if not self._checksum.matches(self._hash.digest()):
            await self._file.cut(self._committed)
            self._written = self._committed
            raise ChecksumMismatch
        self._hash = None

    async def _write(self) -> None:
        buffer, self._buffer = self._buffer, bytearray()
        await self._file.write(buffer)
        self._written += len(buffer)

    async def _say(self, offset: int) -> None:
        held = await queries.commit(
            self._db, self._upload.id, self._writer, offset, lease_s=LEASE_S, lifetime_s=uploads.LIFETIME_S
        )
        if not held:
            raise UploadLocked
        self._committed, self._committed_at, self._resting = offset, time.monotonic(), False


async def receive(
    db: Database,
    bells: Bells,
    sources: Sources,
    upload: Upload,
    *,
    offset: int,
    chunks: AsyncIterator[bytes],
    checksum: Checksum | None,
) -> int:
    """Take the bytes of one request from `offset` on, until they end or the client goes; gives the new offset.

    Raises OffsetConflict, UploadLocked, ChecksumMismatch, TooLarge, StorageFull; what was committed stays.
    """
    writer = uuid4().hex
    upload = await _acquire(db, upload, writer)
    try:
        if offset != upload.offset_bytes:
            raise OffsetConflict(offset=upload.offset_bytes)
        if upload.offset_bytes == upload.size_bytes:
            return offset
        async with writing(sources.path(upload.source), offset) as file:
            patch = Patch(db, upload, file, writer, checksum)
            await _pump(patch, chunks)
            await file.sync()
        if patch.offset == upload.size_bytes and not await uploads.finish(db, bells, sources, upload, writer):
            raise UploadLocked
        return patch.offset
    finally:
        await queries.free(db, upload.id, writer)


async def _acquire(db: Database, upload: Upload, writer: str) -> Upload:
    deadline = time.monotonic() + PATIENCE_S
    while not await queries.take(db, upload.id, writer, LEASE_S):
        if time.monotonic() >= deadline:
            raise UploadLocked(retry_after=1)
        await asyncio.sleep(ASK_EVERY_S)
    found = await queries.upload(db, upload.id)
    if found is None:
        raise uploads.NoUpload
    return found


async def _pump(patch: Patch, chunks: AsyncIterator[bytes]) -> None:
    """Every chunk into the patch; what fitted before an error counts too."""
    try:
        async with aclosing(_with_rests(patch, chunks)) as arriving:
            async for chunk in arriving:
                await patch.take(chunk)
        await patch.check()
    except (TooLarge, StorageFull):
        await patch.commit()
        raise
    await patch.commit()


async def _with_rests(patch: Patch, chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """The chunks, and a rest of the patch while none comes; raises Silent."""
    quiet_since, coming = time.monotonic(), None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(chunks, b""))
            if not (await asyncio.wait({coming}, timeout=QUIET_S))[0]:
                await patch.rest()
                if time.monotonic() - quiet_since >= SILENT_S:
                    raise Silent
                continue
            chunk, coming, quiet_since = coming.result(), None, time.monotonic()
            if not chunk:
                return
            yield chunk
    finally:
        if coming is not None:
            coming.cancel()
