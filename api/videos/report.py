"""The report of a finished film: what the conformance gate found, what the source was, what making it cost."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from api.database import Database
from api.identity import User
from api.problems import NotFound
from api.videos import queries_report as queries
from api.videos import video

REPORT = "report.json"


class NoReport(NotFound):
    code = "no_report"
    detail = "There is no report yet: it is written when the video is ready."


async def look(db: Database, media: Path, user: User, video_id: int) -> dict[str, object]:
    """For the uploader and operators. Raises NoVideo, NotYours, NoReport."""
    await video.check_owner(db, user, video_id)
    made = await queries.made(db, video_id)
    if made is None:
        raise NoReport
    media_s = made.duration_ms / 1000
    per_second = round(made.cpu_s / media_s, 3) if media_s else 0.0
    cost = {"cpu_s": made.cpu_s, "bytes": made.bytes, "media_s": media_s, "cpu_s_per_media_s": per_second}
    path = media / str(video_id) / str(made.generation) / REPORT
    return {"conformance": await asyncio.to_thread(_read, path), "source": made.facts, "cost": cost}


def _read(path: Path) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError):
        return None
