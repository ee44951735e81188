"""SQL of sample traffic: it is only for a platform without numbers of its own."""

from api.database import Queries


async def is_empty(db: Queries) -> bool:
    """Whether nothing was counted yet."""
    return await db.value("select not exists (select from rollup)")
