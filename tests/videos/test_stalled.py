"""Units whose worker lives but makes nothing are taken from it and restarted elsewhere."""

import pytest

from api.clients import NewUnit
from tests.conftest import Platform, PlatformMaker
from tests.videos.uploading import look, posted
from tests.videos.working import plan, problem, sweep, take, worker

UNIT = NewUnit("video", "batch", ["360p"], 0, 20, 0)


async def stand_still(p: Platform, seconds: int) -> None:
    """Let nothing have been made for so long."""
    await p.db("videos").run(
        "update units set progressed_at = progressed_at - make_interval(secs => :seconds)", seconds=float(seconds)
    )


@pytest.mark.parametrize(("kind", "seconds", "taken"), [("video", 55, 0), ("video", 65, 1), ("survey", 65, 0),
                                                        ("survey", 605, 1)])  # fmt: skip
async def test_a_unit_that_makes_nothing_is_taken_back(
    kind: str, seconds: int, taken: int, platform: PlatformMaker
) -> None:
    p = await platform("videos")
    await posted(p)
    async with worker(p) as clients:
        await plan(clients, [UNIT if kind == "video" else NewUnit("survey", "batch", [], 0, 0, 0)])
        unit = await take(clients, "batch")
        await clients.units_renew(unit, 1, 1.0, 5000)
        await stand_still(p, seconds)
        assert (await clients.units_renew(unit, 1, 1.0, 5000)).stop is False
        assert (await sweep(p))["leases"] == taken


@pytest.mark.parametrize(("done", "made_ms"), [(2, 5000), (1, 5001)])
async def test_any_progress_keeps_a_unit(done: int, made_ms: int, platform: PlatformMaker) -> None:
    p = await platform("videos")
    await posted(p)
    async with worker(p) as clients:
        await plan(clients, [UNIT])
        unit = await take(clients, "batch")
        await clients.units_renew(unit, 1, 1.0, 5000)
        await stand_still(p, 65)
        await clients.units_renew(unit, done, 1.0, made_ms)
        assert (await sweep(p))["leases"] == 0


async def test_a_stalled_unit_is_restarted_elsewhere_and_its_worker_hears_of_it(platform: PlatformMaker) -> None:
    p = await platform("videos")
    await posted(p)
    async with worker(p) as clients:
        await plan(clients, [UNIT])
        stuck = await take(clients, "batch", "stuck")
        await stand_still(p, 65)
        await sweep(p)
        assert await problem(clients.units_renew(stuck, 1, 1.0)) == (409, "lease_lost")
        assert await clients.units_claim("batch", "stuck") is None
        again = await take(clients, "batch", "other")
        assert (again.id, again.attempt) == (stuck.id, 2)


async def test_where_there_is_no_other_worker_the_same_one_tries_again(platform: PlatformMaker) -> None:
    p = await platform("videos")
    await posted(p)
    async with worker(p) as clients:
        await plan(clients, [UNIT])
        stuck = await take(clients, "batch", "stuck")
        await stand_still(p, 65)
        await sweep(p)
        await p.db("videos").run("update units set shunned_until = shunned_until - interval '10 seconds'")
        assert (await take(clients, "batch", "stuck")).id == stuck.id


async def test_a_unit_that_always_stalls_fails_its_job(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        await plan(clients, [UNIT])
        for number in range(3):
            await take(clients, "batch", f"w{number}")
            await stand_still(p, 65)
            await sweep(p)
    video = await look(p, video_id)
    assert (video["status"], video["error"]["code"]) == ("failed", "stalled")
