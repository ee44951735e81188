"""Units: claimed once, under a lease with a fence, ended once, taken back when their worker falls silent."""

import asyncio

import pytest
from redis.asyncio import Redis

from api.clients import NewUnit
from tests.conftest import Platform, PlatformMaker
from tests.videos.uploading import OWNER, code, fields_of, look, posted
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
    work_off,
    worker,
)


async def bells(p: Platform, queue: str) -> int:
    """Bells rung for a queue and not heard yet."""
    async with Redis.from_url(p.settings.text("REDIS_URL")) as redis:
        return int(await redis.llen(f"celery:{queue}"))


async def test_two_claimers_never_get_the_same_unit(platform: PlatformMaker) -> None:
    p = await platform("videos")
    await posted(p)
    async with worker(p) as clients:
        await plan(clients, [NewUnit("video", "batch", ["360p"], i, i + 1, i) for i in range(40)])
        units = await asyncio.gather(*(clients.units_claim("batch", f"w{i}") for i in range(60)))
        claimed = [unit.id for unit in units if unit]
        left = await clients.units_claim("batch", "late")
    assert len(claimed) == len(set(claimed))
    assert len(claimed) == 40 or left is not None


async def test_a_claim_tells_all_a_worker_needs(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        probe = await take(clients)
        assert (probe.kind, probe.video_id, probe.generation, probe.attempt, probe.fence) == (
            "probe",
            video_id,
            1,
            1,
            1,
        )
        assert (probe.plan, probe.renditions, probe.filename, probe.lease_s) == ({}, [], "film.mp4", 15.0)
        await clients.units_planned(probe, PLAN, RENDITIONS, UNITS)
        unit = await take(clients)
        assert (unit.kind, unit.renditions, unit.first_segment, unit.end_segment) == ("video", ["360p"], 0, 2)
        assert unit.plan == PLAN
        assert await clients.units_claim("batch", "b1") is not None
        assert await clients.units_claim("batch", "b1") is None


async def test_a_worker_hears_whether_the_sound_is_to_be_levelled(platform: PlatformMaker) -> None:
    p = await platform("videos")
    music, speech = await posted(p, level_sound="false"), await posted(p)
    changed = await p.call("PUT", "videos", f"/api/videos/{speech}", token=p.user(OWNER), json={"title": "Other"})
    assert changed.status_code == 200
    async with worker(p) as clients:
        assert [((u := await take(clients)).video_id, u.level) for _ in range(2)] == [(music, False), (speech, True)]
        body = {"level_sound": False}
        await p.call("PUT", "videos", f"/api/videos/{speech}", token=p.user(OWNER), json=body)
        await age_leases(p)
        await sweep(p)
        assert [(await take(clients)).level for _ in range(2)] == [False, False]


async def test_units_go_by_rank_then_by_who_runs_least(platform: PlatformMaker) -> None:
    p = await platform("videos")
    film, clip = await posted(p, title="film"), await posted(p, title="clip")
    async with worker(p) as clients:
        for _ in (film, clip):
            await plan(clients, [NewUnit("video", "batch", ["360p"], i, i + 1, i // 2) for i in range(4)])
        order = [(await take(clients, "batch")) for _ in range(8)]
    assert [(u.video_id, u.first_segment) for u in order] == [
        *((film, 0), (clip, 0), (film, 1), (clip, 1)),
        *((film, 2), (clip, 2), (film, 3), (clip, 3)),
    ]


async def test_from_probe_to_ready(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        await plan(clients)
        video = await look(p, video_id)
        assert (video["status"], video["progress"], video["duration_ms"]) == ("playable", 0, 80_000)
        (fact,) = await clients.videos_facts([video_id])
        assert (fact.status, fact.generation, fact.duration_ms) == ("playable", 1, 80_000)
        first = await take(clients)
        await clients.units_renew(first, 1, 3.5)
        assert (await look(p, video_id))["progress"] == pytest.approx(1 / 60)
        await clients.units_done(first, {})
        kinds = [unit.kind for unit in await work_off(clients)]
    assert kinds == ["audio", "video", "video", "finish"]
    assert (await look(p, video_id))["status"] == "ready"


async def test_a_rendition_is_complete_with_its_last_unit(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        await plan(clients)
        for _ in range(3):
            await clients.units_done(await take(clients), {})
    complete = {r["name"]: r["complete"] for r in (await look(p, video_id))["renditions"]}
    assert complete == {"audio-0": True, "360p": True, "720p": False}


async def test_the_last_two_ends_at_once_open_one_finish(platform: PlatformMaker) -> None:
    p = await platform("videos")
    await posted(p)
    async with worker(p) as clients:
        await plan(clients, [NewUnit("video", "interactive", ["360p"], i, i + 1, 0) for i in range(6)])
        units = [await take(clients) for _ in range(6)]
        await asyncio.gather(*(clients.units_done(unit, {}) for unit in units))
        assert (await take(clients)).kind == "finish"
        assert await clients.units_claim("interactive", "w1") is None


async def test_repeating_a_report_is_harmless(platform: PlatformMaker) -> None:
    p = await platform("videos")
    await posted(p)
    async with worker(p) as clients:
        probe = await plan(clients)
        await clients.units_planned(probe, PLAN, RENDITIONS, UNITS)
        unit = await take(clients)
        await clients.units_done(unit, {})
        await clients.units_done(unit, {})
        other = await take(clients)
        await clients.units_fail(other, "broken", "It broke.", permanent=False)
        await clients.units_fail(other, "broken", "It broke.", permanent=False)
    assert await p.db("videos").value("select count(*) from units") == 5
    assert await p.db("videos").value("select attempts from units where id = :id", id=other.id) == 1


async def test_a_lost_lease_changes_nothing(platform: PlatformMaker) -> None:
    p = await platform("videos")
    await posted(p)
    async with worker(p) as clients:
        await plan(clients)
        old = await take(clients, name="slow")
        await age_leases(p)
        assert (await sweep(p))["leases"] == 1
        new = await take(clients, name="quick")
        assert (new.id, new.fence, new.attempt) == (old.id, old.fence + 1, 2)
        for call in (
            clients.units_renew(old, 1, 1.0),
            clients.units_done(old, {}),
            clients.units_fail(old, "broken", "It broke.", permanent=True),
        ):
            assert await problem(call) == (409, "lease_lost")
        assert (await clients.units_renew(new, 1, 1.0)).stop is False


async def test_a_renewed_lease_is_not_swept(platform: PlatformMaker) -> None:
    p = await platform("videos")
    await posted(p)
    async with worker(p) as clients:
        probe = await take(clients)
        await age_leases(p)
        await clients.units_renew(probe, 0, 0.0)
        assert (await sweep(p))["leases"] == 0


async def test_a_unit_that_kills_three_workers_fails_its_job(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        for _ in range(3):
            await take(clients)
            await age_leases(p)
            await sweep(p)
        assert await clients.units_claim("interactive", "w1") is None
    video = await look(p, video_id)
    assert (video["status"], video["error"]["code"]) == ("failed", "worker_lost")


async def test_an_attempt_that_fails_is_tried_three_times(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        for attempt in (1, 2, 3):
            unit = await take(clients)
            assert unit.attempt == attempt
            await clients.units_fail(unit, "broken", "The film broke.", permanent=False)
        assert await clients.units_claim("interactive", "w1") is None
    video = await look(p, video_id)
    assert (video["status"], video["error"]) == ("failed", {"code": "broken", "message": "The film broke."})


async def test_a_unit_given_back_by_a_worker_that_is_shut_down_is_no_attempt(platform: PlatformMaker) -> None:
    p = await platform("videos")
    await posted(p)
    async with worker(p) as clients:
        for _ in range(5):
            unit = await take(clients)
            assert unit.attempt == 1
            await clients.units_fail(unit, "worker_stopped", "The worker was stopped.", permanent=False)


async def test_a_film_without_a_poster_shows_none_and_a_broken_finish_is_refused(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        await plan(clients, [])
        unit = await take(clients)
        assert unit.kind == "finish"
        assert await problem(clients.units_done(unit, {})) == (422, "invalid_request")
        await clients.units_done(unit, FINISHED | {"poster": False})
    video = await look(p, video_id)
    assert (video["status"], video["poster_url"]) == ("ready", None)


async def test_a_permanent_failure_ends_the_job_and_stops_its_other_units(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        await plan(clients)
        one, other = await take(clients), await take(clients)
        await clients.units_fail(one, "no_picture", "There is no picture in this file.", permanent=True)
        assert (await clients.units_renew(other, 1, 1.0)).stop is True
        assert await problem(clients.units_done(other, {})) == (409, "lease_lost")
        assert await clients.units_claim("batch", "w1") is None
    assert (await look(p, video_id))["error"]["code"] == "no_picture"


async def test_a_bell_rings_for_new_units_and_again_when_nobody_comes(platform: PlatformMaker) -> None:
    p = await platform("videos")
    before, others = await bells(p, "interactive"), await bells(p, "batch")
    await posted(p)
    assert await bells(p, "interactive") == before + 1
    async with worker(p) as clients:
        await plan(clients)
        assert await bells(p, "batch") == others + 1
        assert (await sweep(p))["rung"] == 0
        await p.db("videos").run("update units set queued_at = now() - interval '1 minute'")
        await p.db("videos").run("update bells set rung_at = now() - interval '1 minute'")
        assert (await sweep(p))["rung"] == 4
        assert await bells(p, "batch") == others + 2
        assert (await sweep(p))["rung"] == 0


async def test_a_broker_that_is_away_stops_no_upload(platform: PlatformMaker) -> None:
    p = await platform("videos", REDIS_URL="redis://127.0.0.1:9/0")
    video_id = await posted(p)
    assert (await look(p, video_id))["status"] == "queued"


async def test_what_no_worker_of_ours_would_say_is_422(platform: PlatformMaker) -> None:
    p = await platform("videos")
    await posted(p)
    token = p.service_token("videos")
    async with worker(p) as clients:
        probe = await take(clients)
    base = f"/internal/units/{probe.id}"
    for method, path, body, field in (
        ("POST", "/internal/units/claim", {"queue": "slow", "worker": "w"}, "queue"),
        ("PUT", f"{base}/lease", {"fence": 1, "done_segments": -1, "speed": 1}, "done_segments"),
        ("POST", f"{base}/done", {"fence": 1, "result": []}, "result"),
        ("POST", f"{base}/fail", {"fence": 1, "code": "A B", "message": "", "permanent": True}, "code"),
        ("POST", f"{base}/planned", {"fence": 1, "plan": {}, "renditions": [], "units": []}, "plan.duration_ms"),
    ):
        response = await p.call(method, "videos", path, token=token, json=body)
        assert field in fields_of(response)
        assert code(await p.call(method, "videos", path, token=p.user(OWNER), json=body)) == (403, "forbidden")
    done = await p.call("POST", "videos", f"{base}/done", token=token, json={"fence": 1, "result": {}})
    assert code(done) == (409, "wrong_kind")


async def test_workers_show_what_they_run(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        await plan(clients)
        unit = await take(clients, name="fast")
        await clients.units_renew(unit, 1, 2.5)
    response = await p.call("GET", "videos", "/api/workers", token=p.user(1, role="operator"))
    fast, first = response.json()["items"]
    assert (fast["name"], fast["load"], fast["queue"], first["load"]) == ("fast", 1, "interactive", 0)
    assert (fast["units"][0]["video_id"], fast["units"][0]["speed"]) == (video_id, 2.5)
    assert code(await p.call("GET", "videos", "/api/workers", token=p.user(OWNER))) == (403, "forbidden")


async def test_sweeps_at_once_take_a_unit_back_once(platform: PlatformMaker) -> None:
    p = await platform("videos")
    await posted(p)
    async with worker(p) as clients:
        await take(clients)
        await age_leases(p)
        swept = await asyncio.gather(*(clients.videos_sweep() for _ in range(4)))
        assert sum(s["leases"] for s in swept) == 1

        async def claimable() -> object:
            return await clients.units_claim("interactive", "w2")

        await until(claimable)
