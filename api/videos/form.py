"""A multipart upload (RFC 7578) as it streams in: text fields in any order, the one file straight to disk."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from api.database import Database
from api.identity import User
from api.problems import InvalidRequest
from api.videos import job, queries_removal, video
from api.videos.bells import Bells
from api.videos.container import HEAD_BYTES
from api.videos.fields import VideoFields
from api.videos.source import SourceFile, Sources, check_head, writing
from api.videos.upload import EmptyUpload

log = structlog.get_logger()

MAX_FIELD_BYTES = 32 << 10
MAX_PARTS = 16
WRITE_BYTES = 1 << 20
# A crash on the way leaves a file without a video; no upload in one request takes this long.
ABANDONED_S = 24 * 3600.0


class BadForm(InvalidRequest):
    detail = "Send multipart/form-data with a title and one file; see errors."


def _refused(field: str, message: str) -> BadForm:
    return BadForm(errors=[{"field": field, "message": message}])


class Form:
    """Give it the body piece by piece. `fields` and `filename` are complete once `ended`."""

    def __init__(self, content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise _refused("body", "must be multipart/form-data")
        self.fields: dict[str, str] = {}
        self.filename: str | None = None
        self.ended = False
        self._parts = 0
        self._header, self._disposition, self._value = b"", b"", b""
        self._name: str | None = None
        self._text = bytearray()
        self._file: list[bytes] = []
        try:
            self._parser = MultipartParser(options[b"boundary"], {
                "on_part_begin": self._on_part_begin,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": self._on_part_data,
                "on_part_end": self._on_part_end,
                "on_end": self._on_end,
            })  # fmt: skip
        except FormParserError as error:
            raise _refused("body", "has a boundary that is too long") from error

    def feed(self, chunk: bytes) -> list[bytes]:
        """The file's bytes in this piece of the body; raises BadForm."""
        self._file = []
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise _refused("body", "is not well-formed multipart/form-data") from error
        return self._file

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise _refused("body", f"has more than {MAX_PARTS} parts")
        self._disposition, self._text = b"", bytearray()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header, self._value = b"", b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = _text(options.get(b"name", b""), "body")
        if b"filename" not in options:
            if not name or name in self.fields or name == "filename":
                raise _refused(name or "body", "is unknown or given twice")
            self._name = name
            return
        if name != "file" or self.filename is not None:
            raise _refused(name or "body", "only one file is taken, in the field named file")
        self._name, self.filename = None, _text(options[b"filename"], "file")

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._name is None:
            self._file.append(data[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > MAX_FIELD_BYTES:
            raise _refused(self._name, "is too long")

    def _on_part_end(self) -> None:
        if self._name is not None:
            self.fields[self._name] = _text(bytes(self._text), self._name)

    def _on_end(self) -> None:
        self.ended = True


def _text(data: bytes, field: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise _refused(field, "is not UTF-8 text") from error


class Received:
    """A form that is here whole, its file on disk under the name `source`."""

    def __init__(self, source: str, removal_id: int) -> None:
        self.source, self.removal_id, self.kept = source, removal_id, False
        self.fields: dict[str, str] = {}


@asynccontextmanager
async def receiving(
    db: Database, sources: Sources, content_type: str, announced_bytes: int, chunks: AsyncIterator[bytes]
) -> AsyncIterator[Received]:
    """Take the whole form; its file goes again at the end of the block unless `keep` was called in it.

    Raises BadForm, EmptyUpload, TooLarge, UnsupportedMedia (with the first bytes) and StorageFull.
    """
    form = Form(content_type)
    sources.check_room(announced_bytes)
    source = sources.new_name()
    received = Received(source, await queries_removal.add_removal(db, source=source, due_s=ABANDONED_S))
    try:
        async with writing(sources.path(source), 0) as file:
            await _take(form, sources, file, chunks)
            await file.sync()
        received.fields = form.fields | {"filename": form.filename or ""}
        yield received
    finally:
        if not received.kept:
            await asyncio.to_thread(sources.remove, source)
            await queries_removal.drop_removals(db, [received.removal_id])


async def keep(db: Database, bells: Bells, user: User, fields: VideoFields, received: Received) -> int:
    """Make a video of it and open its job; gives the video's id."""
    async with db.transaction() as tx:
        video_id = await video.add(tx, user, fields, source=received.source, status="queued")
        await job.open_for(tx, video_id)
        await queries_removal.drop_removals(tx, [received.removal_id])
    received.kept = True
    log.info("upload.finished", video_id=video_id)
    await bells.ring(["interactive"])
    return video_id


async def _take(form: Form, sources: Sources, file: SourceFile, chunks: AsyncIterator[bytes]) -> None:
    buffer, size, head = bytearray(), 0, b""
    async for chunk in chunks:
        for piece in form.feed(chunk):
            buffer += piece
            size += len(piece)
        sources.check_size(size)
        if len(head) < HEAD_BYTES <= size:
            head = bytes(buffer[:HEAD_BYTES])
            check_head(head)
        if len(buffer) >= WRITE_BYTES:
            await file.write(buffer)
            buffer = bytearray()
    if not form.ended or form.filename is None:
        raise _refused("file", "is missing or was cut short")
    if size == 0:
        raise EmptyUpload
    if not head:
        check_head(bytes(buffer[:HEAD_BYTES]))
    await file.write(buffer)
