"""A job is paused, resumed and put before or behind others: exactly, at any moment."""

import asyncio
from typing import Any

import httpx2
import pytest

from api.clients import NewUnit
from tests.conftest import Platform, PlatformMaker
from tests.videos.test_held import ask
from tests.videos.uploading import CHIEF, OWNER, STRANGER, code, fields_of, look, posted
from tests.videos.working import (
    FINISHED,
    PLAN,
    RENDITIONS,
    UNITS,
    age_leases,
    plan,
    problem,
    sweep,
    take,
    until,
    worker,
)

STOPPED = ("worker_stopped", "The worker was stopped; another one goes on.")


async def steer(p: Platform, verb: str, user: int = OWNER, role: str = "user", job: int = 1) -> httpx2.Response:
    return await p.call("POST", "videos", f"/api/jobs/{job}/{verb}", token=p.user(user, role=role))


async def state(p: Platform, verb: str) -> str:
    """Of the job, after this."""
    response = await steer(p, verb)
    assert response.status_code == 200, response.text
    return str(response.json()["state"])


async def put(p: Platform, body: Any, job: int = 1, user: int = OWNER, role: str = "user") -> httpx2.Response:
    return await p.call("PUT", "videos", f"/api/jobs/{job}", token=p.user(user, role=role), json=body)


async def test_nothing_of_a_paused_job_is_claimed_until_it_is_resumed(platform: PlatformMaker) -> None:
    p = await platform("videos")
    await posted(p)
    async with worker(p) as clients:
        assert [await state(p, verb) for verb in ("pause", "pause")] == ["paused", "paused"]
        assert await clients.units_claim("interactive", "w1") is None
        assert [await state(p, verb) for verb in ("resume", "resume")] == ["queued", "queued"]
        await plan(clients)
        assert await state(p, "pause") == "paused"
        assert await clients.units_claim("interactive", "w1") is None
        assert await clients.units_claim("batch", "w1") is None
        assert await state(p, "resume") == "running"
        await take(clients)


async def test_a_worker_at_a_paused_job_gives_its_unit_back_and_it_is_no_attempt(platform: PlatformMaker) -> None:
    p = await platform("videos")
    await posted(p)
    async with worker(p) as clients:
        await plan(clients)
        for _ in range(5):
            unit = await take(clients)
            assert (unit.attempt, (await clients.units_renew(unit, 1, 1.0)).stop) == (1, False)
            await state(p, "pause")
            assert (await clients.units_renew(unit, 1, 1.0)).stop is True
            await clients.units_fail(unit, *STOPPED, permanent=False)
            await state(p, "resume")


async def test_what_ends_while_its_job_is_paused_has_ended_well(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        probe = await take(clients)
        await state(p, "pause")
        await clients.units_planned(probe, PLAN, RENDITIONS, UNITS[:1])
        assert (await look(p, video_id))["status"] == "playable"
        assert await clients.units_claim("interactive", "w1") is None
        await state(p, "resume")
        unit = await take(clients)
        await state(p, "pause")
        await clients.units_done(unit, {})
        assert await clients.units_claim("interactive", "w1") is None
        await state(p, "resume")
        finish = await take(clients)
        await state(p, "pause")
        await clients.units_done(finish, FINISHED)
    assert (await look(p, video_id))["status"] == "ready"
    assert code(await steer(p, "resume")) == (409, "job_ended")


async def test_a_finish_given_back_by_a_pause_is_done_later(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        await plan(clients, [])
        finish = await take(clients)
        await state(p, "pause")
        assert (await clients.units_renew(finish, 0, 0.0)).stop is True
        await clients.units_fail(finish, *STOPPED, permanent=False)
        await state(p, "resume")
        await clients.units_done(await take(clients), FINISHED)
    assert (await look(p, video_id))["status"] == "ready"


async def test_a_worker_that_dies_during_a_pause_leaves_its_unit_to_others(platform: PlatformMaker) -> None:
    p = await platform("videos")
    await posted(p)
    async with worker(p) as clients:
        await plan(clients)
        unit = await take(clients)
        await state(p, "pause")
        await age_leases(p)
        assert (await sweep(p))["leases"] == 1
        assert await problem(clients.units_done(unit, {})) == (409, "lease_lost")
        await state(p, "resume")
        assert (await take(clients)).id == unit.id


async def test_pauses_and_claims_at_once_leave_no_unit_running_unheard(platform: PlatformMaker) -> None:
    p = await platform("videos")
    await posted(p)
    async with worker(p) as clients:
        await plan(clients, [NewUnit("video", "batch", ["360p"], i, i + 1, i) for i in range(30)])
        for _ in range(5):
            pausing = asyncio.create_task(steer(p, "pause"))
            units = await asyncio.gather(*(clients.units_claim("batch", f"w{n}") for n in range(4)))
            assert (await pausing).status_code == 200
            for unit in filter(None, units):
                assert (await clients.units_renew(unit, 0, 0.0)).stop is True
                await clients.units_fail(unit, *STOPPED, permanent=False)
            assert await clients.units_claim("batch", "late") is None
            await state(p, "resume")
    assert await p.db("videos").value("select max(attempts) from units where kind = 'video'") == 0


async def test_a_claim_that_began_before_a_pause_and_would_end_after_it_gets_nothing(platform: PlatformMaker) -> None:
    p = await platform("videos")
    await posted(p)

    async def waiting() -> object:
        sql = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        return await p.db("videos").value(sql)

    async with worker(p) as clients:
        async with p.db("videos").transaction() as tx:
            await tx.run("update jobs set state = 'paused'")
            claiming = asyncio.create_task(clients.units_claim("interactive", "w1"))
            await until(waiting)
        assert await claiming is None
        await state(p, "resume")
        assert (await take(clients)).attempt == 1


async def test_a_segment_of_a_paused_job_is_refused_at_once(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        await plan(clients)
        await take(clients)
    await state(p, "pause")
    for index in (0, 7):
        response = await ask(p, video_id, f"{index}-{index * 4000}-{index * 4000 + 4000}.m4s")
        assert code(response) == (503, "not_ready")
        assert response.elapsed.total_seconds() < 2
        assert int(response.headers["retry-after"]) > 1


async def test_a_paused_job_is_cancelled_and_tried_again_like_any(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    folder = p.settings.path("MEDIA_ROOT") / str(video_id) / "1"
    async with worker(p) as clients:
        await plan(clients)
        (folder / "360p").mkdir(parents=True)
        assert [await state(p, verb) for verb in ("pause", "cancel")] == ["paused", "cancelled"]
        assert not folder.exists()
        assert [code(await steer(p, verb)) for verb in ("pause", "resume")] == [(409, "job_ended")] * 2
        assert await state(p, "retry") == "queued"
        assert (await plan(clients)).generation == 2


async def test_jobs_of_higher_priority_go_first(platform: PlatformMaker) -> None:
    p = await platform("videos")
    videos = [await posted(p, title=title) for title in "abc"]
    assert (await put(p, {"priority": -5})).json()["priority"] == -5
    assert (await put(p, {"priority": 100}, job=3, user=CHIEF, role="operator")).json()["priority"] == 100
    async with worker(p) as clients:
        assert [(await take(clients)).video_id for _ in range(3)] == [videos[2], videos[1], videos[0]]


async def test_a_viewer_who_waits_goes_before_any_priority(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    await put(p, {"priority": -100})
    async with worker(p) as clients:
        await plan(clients)
        await posted(p)
        request = ask(p, video_id, "9-36000-40000.m4s")
        while not await p.db("videos").value("select count(*) from units where held_until > now()"):
            await asyncio.sleep(0.02)
        assert (await take(clients)).first_segment == 9
        request.cancel()


@pytest.mark.parametrize(
    ("body", "field"),
    [({"priority": 101}, "priority"), ({"priority": -101}, "priority"), ({"priority": "1"}, "priority"),
     ({}, "priority"), ({"priority": 1, "state": "done"}, "state")],
)  # fmt: skip
async def test_a_priority_is_a_number_in_bounds(body: dict[str, object], field: str, platform: PlatformMaker) -> None:
    p = await platform("videos")
    await posted(p)
    assert fields_of(await put(p, body, user=CHIEF, role="operator")) == {field}


async def test_only_operators_put_jobs_before_those_of_others(platform: PlatformMaker) -> None:
    p = await platform("videos")
    await posted(p)
    assert code(await put(p, {"priority": 1})) == (403, "forbidden")
    assert (await put(p, {"priority": 0})).status_code == 200
    assert code(await put(p, {"priority": 0}, user=STRANGER)) == (403, "forbidden")
    assert code(await put(p, {"priority": 0}, job=999)) == (404, "not_found")
    for verb in ("pause", "resume"):
        assert code(await steer(p, verb, STRANGER)) == (403, "forbidden")
        assert code(await steer(p, verb, job=10**12)) == (404, "not_found")
        assert (await p.call("POST", "videos", f"/api/jobs/1/{verb}")).status_code == 401
        assert (await steer(p, verb, CHIEF, "operator")).status_code == 200
