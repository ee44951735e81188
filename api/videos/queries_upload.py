"""Statements about tus uploads, on `streamify_video`."""

from dataclasses import dataclass
from datetime import datetime

from api.database import Queries


@dataclass(frozen=True)
class Upload:
    """An upload with its owner. `expired`: nobody finished it in time."""

    id: str
    video_id: int
    uploaded_by: int
    source: str
    size_bytes: int
    offset_bytes: int
    metadata: str
    expires_at: datetime
    finished: bool
    expired: bool


async def add_upload(
    db: Queries, upload_id: str, *, video_id: int, size_bytes: int, metadata: str, lifetime_s: float
) -> None:
    """A new upload of which no byte is here."""
    await db.run(
        """
        insert into uploads (id, video_id, size_bytes, metadata, expires_at)
        values (:upload_id, :video_id, :size_bytes, :metadata, now() + make_interval(secs => :lifetime_s))
        """,
        upload_id=upload_id,
        video_id=video_id,
        size_bytes=size_bytes,
        metadata=metadata,
        lifetime_s=lifetime_s,
    )


async def upload(db: Queries, upload_id: str) -> Upload | None:
    """One upload."""
    return await db.maybe(
        Upload,
        """
        select u.id, u.video_id, v.uploaded_by, v.source, u.size_bytes, u.offset_bytes, u.metadata, u.expires_at,
            u.finished_at is not null as finished, u.finished_at is null and u.expires_at < now() as expired
        from uploads u join videos v on v.id = u.video_id
        where u.id = :upload_id
        """,
        upload_id=upload_id,
    )


async def take(db: Queries, upload_id: str, writer: str, lease_s: float) -> bool:
    """Make `writer` the one who may write, if nobody else is at it."""
    return bool(
        await db.run(
            """
            update uploads set writer = :writer, lease_until = now() + make_interval(secs => :lease_s)
            where id = :upload_id and (lease_until is null or lease_until < now())
            """,
            upload_id=upload_id,
            writer=writer,
            lease_s=lease_s,
        )
    )


async def commit(
    db: Queries, upload_id: str, writer: str, offset_bytes: int, *, lease_s: float, lifetime_s: float
) -> bool:
    """Bytes before the offset are safe on disk; go on holding the lease. False when another writer took over."""
    return bool(
        await db.run(
            """
            update uploads
            set offset_bytes = :offset_bytes, lease_until = now() + make_interval(secs => :lease_s),
                expires_at = now() + make_interval(secs => :lifetime_s)
            where id = :upload_id and writer = :writer
            """,
            upload_id=upload_id,
            writer=writer,
            offset_bytes=offset_bytes,
            lease_s=lease_s,
            lifetime_s=lifetime_s,
        )
    )


async def free(db: Queries, upload_id: str, writer: str) -> None:
    """Let others write; `writer` may come back with `commit` while nobody did."""
    await db.run(
        "update uploads set lease_until = null where id = :upload_id and writer = :writer",
        upload_id=upload_id,
        writer=writer,
    )


async def finish(db: Queries, upload_id: str, writer: str) -> bool:
    """Every byte is on disk. False when another writer took over."""
    return bool(
        await db.run(
            """
            update uploads set offset_bytes = size_bytes, finished_at = now(), lease_until = null
            where id = :upload_id and writer = :writer and finished_at is null
            """,
            upload_id=upload_id,
            writer=writer,
        )
    )


async def expired_videos(db: Queries, limit: int) -> list[int]:
    """Videos whose upload nobody finished in time."""
    return await db.value(
        """
        select array(
            select video_id from uploads where finished_at is null and expires_at < now()
            order by expires_at limit :limit
        )
        """,
        limit=limit,
    )


async def drop_upload(db: Queries, upload_id: str) -> None:
    """Forget an upload, not its video."""
    await db.run("delete from uploads where id = :upload_id", upload_id=upload_id)


async def drop_finished(db: Queries) -> int:
    """Forget uploads that were finished a day ago: no client asks for their offset any more."""
    return await db.run("delete from uploads where finished_at is not null and expires_at < now()")
