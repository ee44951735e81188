"""Removals: files that must go, written down before they are needed and carried out until they are done."""

import asyncio
import contextlib
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from api.database import Database
from api.problems import Problem
from api.videos import queries_removal as queries
from api.videos.queries_removal import Removal
from api.videos.source import Sources

log = structlog.get_logger()

# A worker whose unit is gone hears of it within its lease of 15 s and may leave files behind until then.
SETTLE_S = 60.0
AGAIN_S = 10.0
# Sessions live at most 12 h; what one of them plays stays that long.
STALE_S = 12 * 3600.0
AT_ONCE = 50

EndSessions = Callable[[int], Awaitable[None]]


class Remover:
    """`end_sessions` asks the streaming service to end all sessions of a video."""

    def __init__(self, db: Database, sources: Sources, media: Path, end_sessions: EndSessions) -> None:
        self._db, self._sources, self._media, self._end_sessions = db, sources, media, end_sessions

    async def sweep(self) -> int:
        """Carry out what is due; gives how many were."""
        due = await queries.due(self._db, AT_ONCE)
        for removal_id in due:
            await self.carry_out(removal_id)
        return len(due)

    async def carry_out(self, removal_id: int) -> None:
        """Once; what fails comes due again. Never raises for a disk or service that is away."""
        removal = await queries.begin(self._db, removal_id, SETTLE_S, AGAIN_S)
        if removal is None:
            return
        ended, gone = await self._end(removal), await asyncio.to_thread(self._delete, removal)
        if ended and gone and (removal.settled or removal.video_id is None):
            await queries.drop_removals(self._db, [removal.id])

    async def _end(self, removal: Removal) -> bool:
        if removal.sessions_ended or removal.video_id is None:
            return True
        try:
            await self._end_sessions(removal.video_id)
        except Problem as problem:
            log.warning("removal.sessions", video_id=removal.video_id, error=str(problem))
            return False
        await queries.sessions_ended(self._db, removal.id)
        return True

    def _delete(self, removal: Removal) -> bool:
        try:
            if removal.source is not None:
                self._sources.remove(removal.source)
            if removal.video_id is not None:
                parts = [str(removal.video_id)]
                parts += [str(part) for part in (removal.generation, removal.rendition) if part is not None]
                _remove_tree(self._media.joinpath(*parts))
        except OSError as error:
            log.warning("removal.files", video_id=removal.video_id, error=str(error))
            return False
        return True


def _remove_tree(folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)
