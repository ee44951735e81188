"""`up --demo`: two months of sample traffic for the demo film and for some that are gone, so that dashboards have
something to show. Only for a platform without numbers, and only for days before its first."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from api.analytics import sampling
from api.analytics.money import currency_of
from api.analytics.sample import Crowd, library
from api.database import open_database
from api.settings import Settings

DAYS = 60
FILMS = 12
USERS = 2000
PLAYS = 36
SEED = 20
# Far from the numbers that films and users of this platform will get.
FIRST_FILM = 900_000_000
FIRST_USER = 1_000_000_000


async def fill(settings: Settings, video_id: int, owner_id: int, length_ms: int, price_per_minute: int) -> int:
    """Gives how many playbacks there are now; none when the platform had numbers already."""
    db = await open_database(settings.database_url("analytics"), size=1)
    try:
        if not await sampling.is_empty(db):
            return 0
        films = [replace(film, video_id=FIRST_FILM + film.video_id) for film in library(FILMS, [owner_id], SEED, DAYS)]
        best = max(range(FILMS), key=lambda number: films[number].weight)
        price_micros = price_per_minute * currency_of(settings).minor_micros
        films[best] = replace(
            films[best], video_id=video_id, duration_ms=length_ms, price_micros_per_minute=price_micros, since=-1
        )
        await sampling.know(db, films)
        yesterday = datetime.now(UTC).date() - timedelta(days=1)
        return await sampling.fill(db, Crowd(films, FIRST_USER, USERS, SEED, PLAYS), yesterday, DAYS)
    finally:
        await db.close()
