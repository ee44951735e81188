"""Uploads: sources that arrive in pieces. Begun with a video, finished with the last byte, gone after a quiet day."""

import asyncio
from uuid import uuid4

import structlog

from api.database import Database
from api.identity import User
from api.problems import Forbidden, NotFound, Problem
from api.videos import job, queries_removal, queries_video, video
from api.videos import queries_upload as queries
from api.videos.bells import Bells
from api.videos.fields import VideoFields
from api.videos.queries_upload import Upload
from api.videos.source import Sources, UnsupportedMedia

log = structlog.get_logger()

LIFETIME_S = 24 * 3600.0
AT_ONCE = 50


class NoUpload(NotFound):
    detail = "There is no such upload. It was finished long ago, ended, or never begun."


class NotYourUpload(Forbidden):
    detail = "This upload was begun by another account."


class UploadExpired(Problem):
    code, status = "upload_expired", 410
    detail = "This upload was left alone for a day and has expired. Start it anew."


class EmptyUpload(Problem):
    code, status = "empty_upload", 422
    detail = "This file is empty: it has no bytes to upload."


async def begin(
    db: Database, sources: Sources, user: User, *, fields: VideoFields, size_bytes: int, metadata: str
) -> Upload:
    """Open an upload and its video; raises EmptyUpload, TooLarge and StorageFull."""
    if size_bytes == 0:
        raise EmptyUpload
    sources.check_size(size_bytes)
    sources.check_room(size_bytes)
    upload_id, source = uuid4().hex, sources.new_name()
    async with db.transaction() as tx:
        video_id = await video.add(tx, user, fields, source=source, status="uploading")
        await queries.add_upload(
            tx, upload_id, video_id=video_id, size_bytes=size_bytes, metadata=metadata, lifetime_s=LIFETIME_S
        )
    log.info("upload.begun", upload_id=upload_id, video_id=video_id, bytes=size_bytes)
    return await look(db, user, upload_id)


async def look(db: Database, user: User, upload_id: str) -> Upload:
    """An upload of this user; raises NoUpload, NotYourUpload, UploadExpired."""
    found = await queries.upload(db, upload_id)
    if found is None:
        raise NoUpload
    if found.uploaded_by != user.id:
        raise NotYourUpload
    if found.expired:
        raise UploadExpired
    return found


async def finish(db: Database, bells: Bells, sources: Sources, upload: Upload, writer: str) -> bool:
    """Every byte is on disk: open the job, or refuse what is not a video. False when another writer took over."""
    try:
        await asyncio.to_thread(sources.check_container, upload.source)
    except UnsupportedMedia as problem:
        return await _refuse(db, upload, writer, problem)
    async with db.transaction() as tx:
        await queries_video.lock_fields(tx, upload.video_id)
        if not await queries.finish(tx, upload.id, writer):
            return False
        await job.open_for(tx, upload.video_id)
    log.info("upload.finished", upload_id=upload.id, video_id=upload.video_id, bytes=upload.size_bytes)
    await bells.ring(["interactive"])
    return True


async def _refuse(db: Database, upload: Upload, writer: str, problem: Problem) -> bool:
    async with db.transaction() as tx:
        await queries_video.lock_fields(tx, upload.video_id)
        if not await queries.finish(tx, upload.id, writer):
            return False
        await queries_video.fail_video(tx, upload.video_id, problem.code, problem.detail)
        await queries_removal.add_removal(tx, source=upload.source)
    log.info("upload.refused", upload_id=upload.id, video_id=upload.video_id, code=problem.code)
    return True


async def terminate(db: Database, user: User, upload_id: str) -> int | None:
    """The uploader gives up: gives the removal of what is there. A finished upload is forgotten, its video stays."""
    upload = await look(db, user, upload_id)
    if upload.finished:
        await queries.drop_upload(db, upload_id)
        return None
    return await video.drop(db, upload.video_id)


async def expire(db: Database) -> int:
    """Drop uploads that nobody finished within a day, and their videos; gives how many."""
    await queries.drop_finished(db)
    stale = await queries.expired_videos(db, AT_ONCE)
    for video_id in stale:
        await video.drop(db, video_id)
    return len(stale)
