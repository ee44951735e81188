"""Jobs as operators and uploaders see and steer them."""

from typing import Any

import httpx2

from tests.conftest import Platform, PlatformMaker
from tests.videos.uploading import CHIEF, OWNER, STRANGER, code, fields_of, look, posted
from tests.videos.working import plan, problem, sweep, take, work_off, worker

FIELDS = {
    *("id", "video", "state", "priority", "progress", "units", "media_ms", "speed", "attempts", "error"),
    *("queued_at", "started_at", "finished_at", "eta_ms", "workers"),
}


async def jobs(p: Platform, query: str = "") -> list[dict[str, Any]]:
    response = await p.call("GET", "videos", f"/api/jobs{query}", token=p.user(CHIEF, role="operator"))
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.json()["items"]
    return items


async def steer(p: Platform, job_id: object, verb: str, token: str | None) -> httpx2.Response:
    return await p.call("POST", "videos", f"/api/jobs/{job_id}/{verb}", token=token)


async def test_operators_watch_a_job_from_queued_to_done(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p, title="Sea")
    (job,) = await jobs(p)
    assert set(job) == FIELDS
    assert (job["state"], job["video"], job["progress"]) == ("queued", {"id": video_id, "title": "Sea"}, 0)
    assert (job["started_at"], job["eta_ms"], job["attempts"], job["workers"]) == (None, None, 1, [])
    async with worker(p) as clients:
        await plan(clients)
        unit = await take(clients, name="fast")
        await clients.units_renew(unit, 1, 4.0)
        (job,) = await jobs(p)
        assert (job["state"], job["media_ms"], job["speed"], job["workers"]) == ("running", 80_000, 4.0, ["fast"])
        assert job["units"] == {"total": 5, "done": 1, "running": 1, "failed": 0}
        assert job["eta_ms"] > 0
        await clients.units_done(unit, {})
        await work_off(clients)
    (job,) = await jobs(p)
    assert (job["state"], job["progress"], job["eta_ms"], job["speed"]) == ("done", 1, None, 0)
    assert job["units"] == {"total": 6, "done": 6, "running": 0, "failed": 0}
    assert job["finished_at"] > job["started_at"]


async def test_jobs_are_listed_by_state_and_page_for_operators_alone(platform: PlatformMaker) -> None:
    p = await platform("videos")
    for title in "abc":
        await posted(p, title=title)
    async with worker(p) as clients:
        await take(clients)
    assert [job["video"]["title"] for job in await jobs(p)] == ["c", "b", "a"]
    assert [job["video"]["title"] for job in await jobs(p, "?state=running")] == ["a"]
    assert [job["video"]["title"] for job in await jobs(p, "?page=2&per_page=2")] == ["a"]
    assert code(await p.call("GET", "videos", "/api/jobs", token=p.user(OWNER))) == (403, "forbidden")
    assert (await p.call("GET", "videos", "/api/jobs")).status_code == 401
    wrong = await p.call("GET", "videos", "/api/jobs?state=lost", token=p.user(CHIEF, role="operator"))
    assert fields_of(wrong) == {"state"}


async def test_an_uploader_finds_the_job_of_a_video(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)

    async def asked(token: str | None, video: int = video_id) -> httpx2.Response:
        return await p.call("GET", "videos", f"/api/videos/{video}/job", token=token)

    own = await asked(p.user(OWNER))
    assert (own.status_code, own.json()) == (200, (await jobs(p))[0])
    assert (await asked(p.user(CHIEF, role="operator"))).json()["id"] == own.json()["id"]
    assert code(await asked(p.user(STRANGER))) == (403, "forbidden")
    assert (await asked(None)).status_code == 401
    assert (await asked(p.user(OWNER), video_id + 1)).status_code == 404


async def test_a_cancelled_job_stops_its_workers_and_fails_its_video(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    (job,) = await jobs(p)
    async with worker(p) as clients:
        await plan(clients)
        unit = await take(clients)
        cancelled = await steer(p, job["id"], "cancel", p.user(OWNER))
        assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
        assert (await clients.units_renew(unit, 1, 1.0)).stop is True
        assert await clients.units_claim("interactive", "w1") is None
    video = await look(p, video_id)
    assert (video["status"], video["error"]["code"]) == ("failed", "cancelled")
    assert code(await steer(p, job["id"], "cancel", p.user(OWNER))) == (409, "job_ended")


async def test_a_failed_job_is_tried_again_into_the_next_generation(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    (job,) = await jobs(p)
    async with worker(p) as clients:
        await plan(clients)
        old = await take(clients)
        await clients.units_fail(await take(clients), "broken", "It broke.", permanent=True)
        retried = await steer(p, job["id"], "retry", p.user(CHIEF, role="operator"))
        assert (retried.json()["state"], retried.json()["attempts"], retried.json()["error"]) == ("queued", 2, None)
        assert (await clients.units_renew(old, 1, 1.0)).stop is True
        assert await problem(clients.units_done(old, {})) == (409, "lease_lost")
        assert (await look(p, video_id))["status"] == "queued"
        assert (await plan(clients)).generation == 2
        await work_off(clients)
    video = await look(p, video_id)
    assert (video["status"], video["error"]) == ("ready", None)
    assert video["poster_url"] == f"/media/{video_id}/2/poster.jpg"
    assert code(await steer(p, job["id"], "retry", p.user(OWNER))) == (409, "job_live")


async def test_the_files_of_a_failed_generation_stay_for_its_viewers_and_go_later(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    folder = p.settings.path("MEDIA_ROOT") / str(video_id)
    for generation in ("1", "2"):
        (folder / generation / "360p").mkdir(parents=True)
    async with worker(p) as clients:
        await clients.units_fail(await take(clients), "broken", "It broke.", permanent=True)
    await sweep(p)
    assert (folder / "1").exists()
    await p.db("videos").run("update removals set due_at = now(), created_at = now() - interval '1 day'")
    await sweep(p)
    assert not (folder / "1").exists()
    assert (folder / "2").exists()
    assert await p.db("videos").value("select count(*) from removals") == 0


async def test_strangers_steer_nothing(platform: PlatformMaker) -> None:
    p = await platform("videos")
    await posted(p)
    (job,) = await jobs(p)
    for verb in ("cancel", "retry"):
        assert code(await steer(p, job["id"], verb, p.user(STRANGER))) == (403, "forbidden")
        assert (await steer(p, job["id"], verb, None)).status_code == 401
        for unknown in (999, 10**12):
            assert code(await steer(p, unknown, verb, p.user(OWNER))) == (404, "not_found")
