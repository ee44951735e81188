"""Adding a tally to the stored numbers; the audience and `track` both come here."""

from api.analytics import queries_rollup
from api.analytics.tally import Tally
from api.database import Connection


async def add(tx: Connection, tally: Tally) -> None:
    """Add to all grains, always in this order of tables, so that writers never wait for each other in a ring."""
    if sums := tally.sums():
        await queries_rollup.add_sums(tx, sums)
    if viewers := tally.viewers():
        await queries_rollup.add_viewers(tx, viewers)
    if steps := tally.steps():
        await queries_rollup.add_retention(tx, steps)
