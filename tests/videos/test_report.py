"""The report of a finished film: conformance, facts of the source, cost; for its uploader and operators."""

from api.clients import NewUnit
from tests.conftest import Platform, PlatformMaker
from tests.videos.uploading import CHIEF, OWNER, STRANGER, code, posted
from tests.videos.working import FINISHED, PLAN, RENDITIONS, take, worker

UNIT = NewUnit("video", "interactive", ["360p"], 0, 20, 0)


async def finished(p: Platform) -> int:
    """A film of 80 s that took 41.5 s of CPU and fills a megabyte."""
    video_id = await posted(p)
    async with worker(p) as clients:
        probe = await take(clients)
        await clients.units_planned(probe, PLAN | {"facts": {"container": "mp4"}}, RENDITIONS, [UNIT])
        await clients.units_done(await take(clients), {"cpu_s": 40.0})
        finish = FINISHED | {"cpu_s": 1.5, "report": {"findings": 0, "bytes": 1_000_000}}
        await clients.units_done(await take(clients), finish)
    return video_id


async def test_the_report_tells_conformance_source_and_cost(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await finished(p)
    path, token = f"/api/videos/{video_id}/report", p.user(OWNER)
    cost = {"cpu_s": 41.5, "bytes": 1_000_000, "media_s": 80.0, "cpu_s_per_media_s": 0.519}
    told: dict[str, object] = {"conformance": None, "source": {"container": "mp4"}, "cost": cost}
    assert (await p.call("GET", "videos", path, token=token)).json() == told
    report = p.settings.path("MEDIA_ROOT") / str(video_id) / "1" / "report.json"
    report.parent.mkdir(parents=True)
    report.write_text('{"findings": []}')
    told["conformance"] = {"findings": []}
    assert (await p.call("GET", "videos", path, token=p.user(CHIEF, role="operator"))).json() == told


async def test_the_report_is_for_the_uploader_and_operators_alone(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await finished(p)
    path = f"/api/videos/{video_id}/report"
    assert (await p.call("GET", "videos", path)).status_code == 401
    assert code(await p.call("GET", "videos", path, token=p.user(STRANGER))) == (403, "forbidden")
    await p.db("videos").run("update videos set visibility = 'private'")
    assert code(await p.call("GET", "videos", path, token=p.user(STRANGER))) == (404, "not_found")


async def test_there_is_no_report_before_the_film_is_ready(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    for unknown, problem in ((video_id, "no_report"), (999, "not_found")):
        answer = await p.call("GET", "videos", f"/api/videos/{unknown}/report", token=p.user(OWNER))
        assert code(answer) == (404, problem)
