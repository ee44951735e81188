"""Many devices on one wallet, all at once: it is never overdrawn, and what is charged is what was paid in."""

import asyncio
from typing import Any

from tests.billing.scenes import CREATOR, VIEWER, Scene, check_books, played
from tests.conftest import Platform, PlatformMaker

DEVICES = 64
OPERATOR = 1


class Crowd(Scene):
    """Viewers whose lines reach the log one batch after the other, as an nginx writes them."""

    def __init__(self, p: Platform) -> None:
        super().__init__(p)
        self.line = asyncio.Lock()


async def watch(s: Crowd, device: int) -> int:
    """One device: start, watch two minutes of a film of its own, hear how the money stands, end. Gives its cost."""
    session, video = f"device-{device}", 100 + device
    started = await s.try_start(session, video_id=video)
    if started.status_code == 402:
        return 0
    assert started.status_code == 201, started.text
    for start in range(0, 120_000, 40_000):
        async with s.line:
            await s.log(*played(session, start, start + 40_000, video=video))
        await s.hold(session)
    return (await s.end(session, wall_ms=120_000)).charged_micros


async def test_sixty_four_devices_never_overdraw_one_wallet(platform: PlatformMaker) -> None:
    s = Crowd(await platform("billing"))
    await s.deposit(amount=240)  # forty minutes; the devices want 128

    async def disturb(turn: int) -> Any:
        """What else happens to a wallet meanwhile."""
        await s.deposit(amount=100)
        body = {"user_id": VIEWER, "amount": -30, "reason": f"turn {turn}"}
        return await s.money("adjustments", body, user=OPERATOR, role="operator")

    disturbing = asyncio.gather(*(disturb(turn) for turn in range(4)))
    costs: list[int] = await asyncio.gather(*(watch(s, device) for device in range(DEVICES)))
    await disturbing
    await check_books(s.db)
    taken = await s.db.value("select -coalesce(sum(amount_micros), 0)::bigint from transactions where amount < 0 "
        "and transaction_type = 'adjustment'")  # fmt: skip
    assert sum(costs) + taken + await s.balance_micros() == 6_400_000
    assert await s.total("creator") + await s.total("revenue") == sum(costs)
    assert await s.db.value("select held_micros from account where kind = 'wallet'") == 0
    lowest = await s.db.value("select min(balance_after) from entry where balance_after is not null")
    assert lowest >= 0
    assert await s.db.value("select count(*) from account where kind = 'creator'") == 1
    assert (await s.told("earnings", CREATOR))["pending"] == sum(costs) * 8 // 10 // 10_000
