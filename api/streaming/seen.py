"""Signs of life: a verdict says that somebody watches. Gathered here and written together, so that no verdict waits."""

import asyncio

import structlog

from api.database import Database
from api.streaming import queries_live

log = structlog.get_logger()

EVERY_S = 5.0


class Seen:
    """Sessions seen since the last writing. A killed process forgets five seconds of them; silence is ninety."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._session_ids: set[str] = set()

    def note(self, session_id: str) -> None:
        self._session_ids.add(session_id)

    async def write(self) -> None:
        """Write what was noted; what cannot be written now is kept for the next time."""
        taken, self._session_ids = self._session_ids, set()
        if not taken:
            return
        try:
            await queries_live.see(self._db, sorted(taken))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with PostgreSQL, it is tried again
            self._session_ids |= taken
            log.warning("seen.unwritten", sessions=len(taken), error=str(error))

    async def keep_writing(self) -> None:
        """For ever, every five seconds."""
        while True:
            await asyncio.sleep(EVERY_S)
            await self.write()
