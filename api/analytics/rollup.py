"""Adding a tally to the stored numbers; the audience and `track` both come here."""

from api.analytics import queries_rollup
from api.analytics.tally import Tally
from api.database import Connection


async def add(tx: Connection, tally: Tally) -> None:
    """Add to all grains, always in this order of tables, so that writers never wait for each other in a ring."""
    if sums := tally.sums():
        await queries_rollup.add_sums(tx, sums)
        if risen := [bucket for bucket, amounts in sums if bucket.grain_min == 1 and amounts["viewer_minutes"]]:
            await queries_rollup.raise_peaks(tx, risen)
    if qualities := tally.qualities():
        await queries_rollup.add_quality(tx, qualities)
    if parts := tally.parts():
        await queries_rollup.add_parts(tx, parts)
    if viewers := tally.viewers():
        await queries_rollup.add_viewers(tx, viewers)
    if part_viewers := tally.part_viewers():
        await queries_rollup.add_part_viewers(tx, part_viewers)
    if steps := tally.steps():
        await queries_rollup.add_retention(tx, steps)
