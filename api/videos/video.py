"""Videos as people see and change them: who may see which, the catalogue, changing and deleting."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.clients import Clients, VideoFacts
from api.database import Connection, Database
from api.identity import User
from api.problems import Forbidden, NotFound
from api.videos import queries_captions, queries_job, queries_poster, queries_removal, queries_unit
from api.videos import queries_video as queries
from api.videos.fields import VideoChange, VideoFields, base_name, search_patterns, search_text
from api.videos.people import People

MAX_ID = 2**31 - 1


class NoVideo(NotFound):
    detail = "There is no such video."


class NotYours(Forbidden):
    detail = "Only the uploader and operators may do this."


class MayNotUpload(Forbidden):
    detail = "Uploads are open to approved accounts only. Ask the operator."


class Search(BaseModel):
    """The query string of the catalogue."""

    model_config = ConfigDict(extra="forbid")

    query: str = Field(default="", max_length=200)
    category: str = Field(default="", max_length=100)
    uploaded_by: str = Field(default="", pattern="^(self|[0-9]{1,19})?$")
    sort: Literal["newest", "popular", "title", "duration", "price"] = "newest"
    page: int = Field(default=1, ge=1, le=1_000_000)
    per_page: int = Field(default=20, ge=1, le=100)


def may_change(user: User | None, uploaded_by: int) -> bool:
    return user is not None and (user.is_operator or user.id == uploaded_by)


def check_may_upload(user: User, policy: str) -> None:
    """`policy` is the setting UPLOADS; raises MayNotUpload."""
    if policy == "approved" and not user.is_operator:
        raise MayNotUpload


async def add(tx: Connection, user: User, fields: VideoFields, *, source: str, status: str) -> int:
    """A new video, in the caller's transaction; gives its id."""
    return await queries.add_video(
        tx,
        queries.Fields(**fields.model_dump(exclude={"filename"})),
        search_text=search_text(fields.title, fields.description, fields.category),
        filename=base_name(fields.filename),
        uploaded_by=user.id,
        source=source,
        status=status,
    )


async def search(db: Database, people: People, user: User | None, wanted: Search) -> dict[str, object]:
    """One page of the catalogue: what is public and plays; all of one's own; everything for operators."""
    uploaded_by = _uploader(user, wanted.uploaded_by)
    own = uploaded_by is not None and may_change(user, uploaded_by)
    page = queries.Wanted(
        everything=own or (user is not None and user.is_operator),
        patterns=search_patterns(wanted.query.replace("\0", " ")),
        category=wanted.category.replace("\0", " "),
        uploaded_by=uploaded_by,
        sort=wanted.sort,
        skip=(wanted.page - 1) * wanted.per_page,
        limit=wanted.per_page,
    )
    found = await queries.find(db, page)
    items = await shown(db, people, found.ids)
    return {"items": items, "page": wanted.page, "per_page": wanted.per_page, "total": found.total}


def _uploader(user: User | None, text: str) -> int | None:
    if text == "self":
        return user.id if user else 0
    return min(int(text), MAX_ID) if text else None


async def shown(db: Database, people: People, ids: Sequence[int]) -> list[dict[str, object]]:
    """Videos as JSON shows them, in the order of `ids`; unknown ones are left out."""
    found = {video.id: video for video in await queries.videos(db, ids)}
    names = await people.names(video.uploaded_by for video in found.values())
    captions = await _captions(db, found)
    return [view(found[i], names[found[i].uploaded_by], captions[i]) for i in ids if i in found]


async def captions_of(db: Database, video_id: int) -> list[dict[str, object]]:
    """The captions of one video as JSON shows them."""
    found = {video.id: video for video in await queries.videos(db, [video_id])}
    return (await _captions(db, found)).get(video_id, [])


async def _captions(db: Database, found: Mapping[int, queries.Video]) -> dict[int, list[dict[str, object]]]:
    """By video. What is not published yet, or cannot be fetched without a token, has no `url`."""
    shown: dict[int, list[dict[str, object]]] = {video_id: [] for video_id in found}
    for one in await queries_captions.listed(db, list(found)):
        url = _beside(found[one.video_id], f"captions-{one.language}.vtt?v={one.published}") if one.published else None
        shown[one.video_id].append({"language": one.language, "label": one.label, "sdh": one.sdh, "url": url})
    return shown


def _beside(video: queries.Video, file: str) -> str | None:
    """The address of a file beside the film; None for a private one, as an <img> shows no token."""
    return f"/media/{video.id}/{video.generation}/{file}" if video.visibility != "private" else None


async def look(db: Database, people: People, user: User | None, video_id: int) -> dict[str, Any]:
    """One video; a private one is only there for its uploader and operators. Raises NoVideo."""
    found = await shown(db, people, [video_id])
    if not found or not _visible(user, found[0]):
        raise NoVideo
    return found[0] | {"chapters": await queries.chapters(db, video_id)}


def _visible(user: User | None, video: dict[str, Any]) -> bool:
    return video["visibility"] != "private" or may_change(user, video["uploaded_by"])


def view(video: queries.Video, uploader_name: str, captions: list[dict[str, object]]) -> dict[str, object]:
    """The JSON of a video (api.md). Chapters are shown with one video only: a page of them has no bound."""
    fields = vars(video) | {"uploader_name": uploader_name, "captions": captions, "chapters": []}
    code, message = fields.pop("error_code"), fields.pop("error_message")
    fields["error"] = {"code": code, "message": message} if code else None
    poster, storyboard = fields.pop("poster"), fields.pop("storyboard")
    revision = fields.pop("poster_revision")
    del fields["generation"]
    ready, poster_file = video.status == "ready", f"poster-{revision}.jpg" if revision else "poster.jpg"
    fields["poster_url"] = _beside(video, poster_file) if ready and poster else None
    fields["storyboard_url"] = _beside(video, "storyboard.vtt") if ready and storyboard else None
    return fields


async def facts(db: Database, ids: Iterable[int]) -> list[VideoFacts]:
    """For other services; unknown ids are left out."""
    return await queries.facts(db, [i for i in ids if 0 < i <= MAX_ID])


async def is_open(db: Database, video_id: int) -> bool:
    """Whether anybody may look at it who knows of it."""
    return any(found.visibility != "private" for found in await facts(db, [video_id]))


async def check_owner(db: Database, user: User, video_id: int) -> None:
    """Raises NoVideo when the user may not even know of it, NotYours when it is another's."""
    found = await queries.facts(db, [video_id])
    if not found or (found[0].visibility == "private" and not may_change(user, found[0].uploaded_by)):
        raise NoVideo
    if not may_change(user, found[0].uploaded_by):
        raise NotYours


async def change(db: Database, clients: Clients, user: User, video_id: int, wanted: VideoChange) -> None:
    """Only the uploader and operators may. What becomes private is taken from those who are watching.

    Raises Unavailable when streaming is away: repeating the call completes it.
    """
    await check_owner(db, user, video_id)
    async with db.transaction() as tx:
        fields = await queries.lock_fields(tx, video_id)
        if fields is None:
            raise NoVideo
        fields = replace(fields, **wanted.model_dump(exclude_none=True))
        text = search_text(fields.title, fields.description, fields.category)
        await queries.change_video(tx, video_id, fields, text)
    if wanted.visibility == "private":
        await clients.streaming_end_sessions(video_id=video_id)


async def delete(db: Database, user: User, video_id: int) -> int:
    """Only the uploader and operators may. Gives the removal that ends its sessions and deletes its files."""
    await check_owner(db, user, video_id)
    removal_id = await drop(db, video_id)
    if removal_id is None:
        raise NoVideo
    return removal_id


async def drop(db: Database, video_id: int) -> int | None:
    """Delete a video with its job, units and upload; gives the removal of what it leaves behind."""
    async with db.transaction() as tx:
        await queries_unit.lock_units_of_video(tx, video_id)
        await queries_job.lock_job_of_video(tx, video_id)
        poster = await queries_poster.wanted(tx, video_id)
        source = await queries.delete_video(tx, video_id)
        if source is None:
            return None
        if poster is not None and poster.source is not None:
            await queries_removal.add_removal(tx, source=poster.source)
        return await queries_removal.add_removal(tx, video_id=video_id, source=source, sessions_ended=False)


async def count_play(db: Database, video_id: int) -> None:
    """Somebody started to watch; raises NoVideo."""
    if not await queries.count_play(db, video_id):
        raise NoVideo
