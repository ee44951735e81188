"""What analytics knows of videos: asked of the videos service, kept for when it is away."""

import asyncio
from collections.abc import Collection

from api.analytics import queries_video
from api.analytics.queries_video import Video
from api.clients import Clients, VideoFacts
from api.database import Database
from api.identity import User
from api.problems import Forbidden, NotFound, Problem

ASK_AT_ONCE = 100
PATIENCE_S = 2.0  # a page of numbers does not wait longer for fresh titles


async def learn(db: Database, clients: Clients, video_ids: Collection[int] = ()) -> None:
    """Ask about some of the videos seen for the first time, or about these. Raises what `clients` raises."""
    await queries_video.expect_videos(db, video_ids)
    unknown = sorted(video_ids)[:ASK_AT_ONCE] or await queries_video.unknown_videos(db, ASK_AT_ONCE)
    if unknown:
        told = await clients.videos_facts(unknown)
        await _keep(db, told)
        await queries_video.close_videos(db, set(unknown) - {facts.id for facts in told})


async def titled(db: Database, clients: Clients, video_ids: Collection[int]) -> dict[int, Video]:
    """The videos with fresh titles, or with those last heard of when the videos service is away."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            for some in _batches(sorted(video_ids)):
                await _keep(db, await clients.videos_facts(some))
    except (Problem, TimeoutError):
        pass
    return await queries_video.videos(db, video_ids)


async def require_owned(db: Database, clients: Clients, user: User, video_id: int) -> Video:
    """The video, if the user owns it or is an operator; raises NotFound or Forbidden."""
    if not 0 < video_id < 1 << 31:
        raise NotFound("There is no such video.")
    found = (await titled(db, clients, [video_id])).get(video_id)
    if found is None or not found.known:
        fact = await clients.videos_fact(video_id)
        found = Video(fact.id, fact.title, fact.uploaded_by, fact.duration_ms, known=False)
    if not user.is_operator and user.id != found.owner_id:
        raise Forbidden("Only its owner and operators may see a video's numbers.")
    return found


async def _keep(db: Database, told: Collection[VideoFacts]) -> None:
    # Without a duration nothing was published yet; it is asked for again, because views are judged by it.
    rows = [
        Video(facts.id, facts.title, facts.uploaded_by, facts.duration_ms, True, facts.audio_only, facts.bandwidths)
        for facts in told
    ]
    if measured := [video for video in rows if video.duration_ms > 0]:
        await queries_video.save_videos(db, measured)


def _batches(video_ids: list[int]) -> list[list[int]]:
    return [video_ids[i : i + ASK_AT_ONCE] for i in range(0, len(video_ids), ASK_AT_ONCE)]
