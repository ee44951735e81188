"""What a unit opens is there once, however often it is reported; held units are nobody's until somebody asks."""

import asyncio
from typing import Any

import httpx2
import pytest

from api.clients import Clients, NewRendition, NewUnit, Opens, Unit
from tests.conftest import Platform, PlatformMaker
from tests.videos.test_held import ask
from tests.videos.uploading import OWNER, look, posted
from tests.videos.working import FINISHED, PLAN, RENDITIONS, age_leases, plan, problem, sweep, take, work_off, worker

LADDER = ("360p", "720p", "source")
FIRST = [
    NewUnit("copy", "held", ["source"], 0, 20, 0),
    NewUnit("video", "held", ["360p", "720p"], 0, 20, 1),
    NewUnit("audio", "interactive", ["audio-0"], 0, 20, 0),
    NewUnit("survey", "batch", [], 0, 0, 0),
]
OPENS = Opens(
    plan={"kept": True, "more": 1},
    renditions=[NewRendition("audio-1", "audio", 0, 0, 48_000, "mp4a.40.2", "en")],
    units=[NewUnit("audio", "batch", ["audio-1"], 0, 20, 0), NewUnit("extras", "batch", [], 0, 0, 9)],
    adopt=["360p", "720p"],
)


async def surveyed(p: Platform, clients: Clients) -> tuple[int, Unit]:
    """A film whose survey is taken."""
    video_id = await posted(p)
    await plan(clients, FIRST)
    survey = await take(clients, "batch")
    assert survey.kind == "survey"
    return video_id, survey


async def units(p: Platform) -> list[tuple[str, str, str]]:
    """(kind, queue, renditions) of all that is not done, in the order they were opened."""
    rows = await p.db("videos").value(
        "select array_agg(jsonb_build_array(kind, queue, array_to_string(renditions, ' ')) order by id)"
        " from units where state <> 'done'"
    )
    return [tuple(row) for row in rows or []]


OPENED = [
    ("copy", "held", "source"),
    ("video", "batch", "360p 720p"),
    ("audio", "interactive", "audio-0"),
    ("audio", "batch", "audio-1"),
    ("extras", "batch", ""),
]


async def test_a_unit_changes_the_plan_promises_renditions_opens_and_adopts_units(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        video_id, survey = await surveyed(p, clients)
        await clients.units_done(survey, {"bits": 5}, OPENS)
        assert await units(p) == OPENED
        assert (await take(clients)).plan == PLAN | {"kept": True, "more": 1}
    assert {r["name"] for r in (await look(p, video_id))["renditions"]} == {"360p", "720p", "audio-0", "audio-1"}


async def test_a_report_repeated_opens_nothing_again(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        _, survey = await surveyed(p, clients)
        await asyncio.gather(*(clients.units_done(survey, {}, OPENS) for _ in range(4)))
        await clients.units_done(survey, {}, Opens(adopt=["source"]))
    assert await units(p) == OPENED


async def test_a_worker_lost_before_its_report_leaves_all_to_the_next(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        _, lost = await surveyed(p, clients)
        await age_leases(p)
        await sweep(p)
        assert await problem(clients.units_done(lost, {}, OPENS)) == (409, "lease_lost")
        again = await take(clients, "batch")
        assert (again.kind, again.fence) == ("survey", lost.fence + 1)
        await clients.units_done(again, {}, OPENS)
        assert await problem(clients.units_done(lost, {}, OPENS)) == (409, "lease_lost")
    assert await units(p) == OPENED


@pytest.mark.parametrize(
    "unit",
    [
        NewUnit("copy", "batch", ["source"], 19, 21, 0),
        NewUnit("video", "batch", ["1080p", "720p"], 5, 6, 0),
        NewUnit("survey", "batch", [], 0, 0, 0),
        NewUnit("extras", "held", [], 0, 0, 0),
        NewUnit("audio", "batch", [], 0, 20, 0),
        NewUnit("audio", "batch", ["audio-2"], 5, 5, 0),
        NewUnit("finish", "interactive", [], 0, 0, 0),
        NewUnit("audio", "slow", ["audio-2"], 0, 20, 0),
    ],
)
async def test_what_must_not_be_opened_is_refused_whole(unit: NewUnit, platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        _, survey = await surveyed(p, clients)
        before = await units(p)
        opens = Opens(plan={"kept": True}, units=[NewUnit("audio", "batch", ["audio-1"], 0, 20, 0), unit])
        assert await problem(clients.units_done(survey, {}, opens)) == (422, "invalid_request")
        assert await units(p) == before
        assert (await take(clients)).plan == PLAN
        await clients.units_done(survey, {}, OPENS)


async def test_held_units_are_never_claimed_and_keep_no_film_from_its_end(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        video_id, survey = await surveyed(p, clients)
        await clients.units_done(survey, {}, OPENS)
        ended = await work_off(clients)
    assert [unit.kind for unit in ended] == ["audio", "audio", "video", "extras", "finish"]
    assert (await look(p, video_id))["status"] == "ready"


async def test_a_film_waits_for_its_survey_whatever_else_is_done(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        _, survey = await surveyed(p, clients)
        await clients.units_done(await take(clients), {})
        assert await clients.units_claim("interactive", "w1") is None
        await clients.units_done(survey, {})
        assert (await take(clients)).kind == "finish"


async def test_progress_begins_with_the_survey_and_never_sinks(platform: PlatformMaker) -> None:
    p = await platform("videos")
    shown: list[float] = []

    async def see(video_id: int) -> None:
        shown.append((await look(p, video_id))["progress"])

    async with worker(p) as clients:
        video_id, survey = await surveyed(p, clients)
        sound = await take(clients)
        await clients.units_renew(sound, 10, 3.0, 40_000)
        await see(video_id)
        await clients.units_done(
            survey, {}, Opens(adopt=OPENS.adopt, units=[NewUnit("loudness", "batch", [], 0, 20, 0)])
        )
        await see(video_id)
        await clients.units_done(sound, {})
        await see(video_id)
        loudness = await take(clients, "batch")
        await clients.units_done(loudness, {}, Opens(units=OPENS.units))
        await see(video_id)
        lost = await take(clients, "batch")
        await clients.units_renew(lost, 20, 3.0, 80_000)
        await see(video_id)
        await age_leases(p)
        await sweep(p)
        await see(video_id)
        await work_off(clients)
        await see(video_id)
    assert shown == sorted(shown)
    assert [*shown[:3], shown[-1]] == pytest.approx([0, 10 / 60, 20 / 60, 1])


async def test_what_the_final_film_has_not_goes_when_nobody_can_watch_it_any_more(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        video_id = await posted(p)
        source = NewRendition("source", "video", 1920, 1080, 9_000_000, "avc1.640028")
        await clients.units_planned(await take(clients), PLAN, [*RENDITIONS, source], FIRST)
        await clients.units_done(await take(clients, "batch"), {}, Opens(adopt=["360p", "720p"]))
        await clients.units_done(await take(clients), {})
        await clients.units_done(await take(clients, "batch"), {})
        finished: dict[str, Any] = FINISHED | {"drop": ["source", "../../9", "1080p"]}
        await clients.units_done(await take(clients), finished)
    folder = p.settings.path("MEDIA_ROOT") / str(video_id) / "1"
    for name in ("source", "360p"):
        (folder / name).mkdir(parents=True)
    assert [r["name"] for r in (await look(p, video_id))["renditions"]] == ["audio-0", "360p", "720p"]
    await sweep(p)
    assert (folder / "source").exists()
    # Whoever began with it may go on.
    held = "select array_agg(distinct renditions[1]) from units where queue = 'held'"
    assert await p.db("videos").value(held) == ["source"]
    await p.db("videos").run("update removals set due_at = now(), created_at = now() - interval '1 day'")
    await sweep(p)
    assert [path.name for path in folder.iterdir()] == ["360p"]
    assert await p.db("videos").value("select count(*) from removals") == 0


@pytest.mark.parametrize("permanent", [True, False])
async def test_extras_that_cannot_be_made_are_done_without(permanent: bool, platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        video_id = await posted(p)
        units = [NewUnit("extras", "batch", [], 0, 0, 9), NewUnit("video", "interactive", ["360p"], 0, 20, 0)]
        await plan(clients, units)
        await clients.units_done(await take(clients), {})
        for _ in range(1 if permanent else 3):
            extras = await take(clients, "batch")
            await clients.units_fail(extras, "broken", "No pictures.", permanent=permanent)
        await clients.units_fail(extras, "broken", "No pictures.", permanent=permanent)
        assert [unit.kind for unit in await work_off(clients)] == ["finish"]
    assert (await look(p, video_id))["status"] == "ready"


async def test_a_source_that_cannot_be_copied_is_encoded_all_the_same(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        video_id = await posted(p)
        units = [
            NewUnit(kind, "interactive", [name], 0, 20, 0) for kind, name in (("copy", "source"), ("video", "360p"))
        ]
        await plan(clients, units)
        copy = await take(clients)
        assert copy.kind == "copy"
        await clients.units_fail(copy, "damaged", "Invalid data found.", permanent=True)
        assert [unit.kind for unit in await work_off(clients)] == ["video", "finish"]
    assert (await look(p, video_id))["status"] == "ready"


async def test_extras_whose_workers_die_are_done_without(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        video_id = await posted(p)
        await plan(clients, [NewUnit("extras", "batch", [], 0, 0, 9)])
        for _ in range(3):
            await take(clients, "batch")
            await age_leases(p)
            await sweep(p)
        assert [unit.kind for unit in await work_off(clients)] == ["finish"]
    assert (await look(p, video_id))["status"] == "ready"


async def test_reports_requests_pauses_and_sweeps_at_once_do_not_block_each_other(platform: PlatformMaker) -> None:
    """Everybody locks in the same order: whatever comes together, PostgreSQL finds no deadlock, and nobody an error."""
    p = await platform("videos")
    steer, rounds = p.user(OWNER), range(3)
    async with worker(p) as clients:
        for _ in rounds:
            video_id, survey = await surveyed(p, clients)
            job, units = survey.job_id, [survey, await take(clients)]
            requests = [ask(p, video_id, f"{i}-{i * 4000}-{i * 4000 + 4000}.m4s", r) for i in (3, 9) for r in LADDER]
            answers = await asyncio.gather(
                *(clients.units_done(unit, {}, OPENS if unit is survey else None) for unit in units),
                *(p.call("POST", "videos", f"/api/jobs/{job}/{verb}", token=steer) for verb in ("pause", "resume") * 2),
                *(clients.units_claim("batch", "w2") for _ in rounds),
                *(clients.videos_sweep() for _ in rounds),
            )
            assert {a.status_code for a in answers if isinstance(a, httpx2.Response)} == {200}
            cancelled = await p.call("POST", "videos", f"/api/jobs/{job}/cancel", token=steer)
            assert cancelled.status_code == 200
            assert {(await request).status_code for request in requests} <= {404, 503}
