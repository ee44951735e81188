"""A worker and its lease: what it hears while it works, what it gives back. Its work lasts as long as a test likes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from api.clients import Clients, NewUnit, Unit
from tests.conftest import Platform, PlatformMaker
from tests.videos.test_held import ask
from tests.videos.uploading import OWNER, posted
from tests.videos.working import FINISHED, plan, take, until, worker
from workers.shop import Progress, Shop, open_shop
from workers.transcode import do, work_off

SOUND = NewUnit("audio", "interactive", ["audio-0"], 0, 100, 0)


@dataclass
class Work:
    """The body of a unit that lasts until it is let go."""

    begun: list[str] = field(default_factory=list)
    progress: Progress = field(default_factory=Progress)
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    ended: str = ""
    result: dict[str, Any] = field(default_factory=dict)

    async def __call__(self, shop: Shop, unit: Unit, progress: Progress) -> dict[str, Any]:
        self.begun.append(unit.kind)
        self.progress = progress
        try:
            await self.enough.wait()
        except asyncio.CancelledError:
            self.ended = "killed"
            raise
        self.ended = "well"
        return self.result


@asynccontextmanager
async def at_work(p: Platform, clients: Clients, work: Work) -> AsyncIterator[tuple[int, Unit, asyncio.Task[None]]]:
    """A worker that has just begun the sound of a film."""
    video_id = await posted(p)
    await plan(clients, [SOUND])
    unit = await take(clients)
    shop = open_shop(p.settings, "interactive")
    doing = asyncio.create_task(do(clients, shop, unit, asyncio.Event(), 0.05, kinds={"audio": work}))
    try:
        yield video_id, unit, doing
    finally:
        work.enough.set()
        await asyncio.wait_for(doing, 10)


async def row(p: Platform, unit: Unit) -> tuple[str, int, int, int]:
    """State, attempts, end and what is made of a unit."""
    columns = "state, attempts, end_segment, made_ms"
    found = await p.db("videos").value(
        f"select jsonb_build_array({columns}) from units where id = :unit_id", unit_id=unit.id
    )
    return tuple(found)


async def test_what_the_encoder_has_made_is_told(platform: PlatformMaker) -> None:
    p, work = await platform("videos"), Work()
    async with worker(p) as clients, at_work(p, clients, work) as (_, unit, _):

        async def told() -> bool:
            work.progress.reach(12.5)
            return await row(p, unit) == ("running", 1, 100, 12_500)

        await until(told)


async def test_a_worker_hears_where_its_unit_ends_and_what_follows_is_given_to_another(platform: PlatformMaker) -> None:
    p, work = await platform("videos"), Work()
    async with worker(p) as clients, at_work(p, clients, work) as (video_id, unit, _):
        request = ask(p, video_id, "50-200000-204000.m4s", "audio-0")

        async def other() -> Unit | None:
            found = await clients.units_claim("interactive", "other")
            assert found is None or (work.progress.end_segment, found.first_segment) == (50, 50)
            return found

        await until(other)
        assert (await row(p, unit))[0] == "running"
        request.cancel()
    assert (await row(p, unit))[:3] == ("done", 1, 50)


async def test_a_pause_stops_the_encoder_and_gives_the_unit_back(platform: PlatformMaker) -> None:
    p, work = await platform("videos"), Work()
    async with worker(p) as clients, at_work(p, clients, work) as (_, unit, doing):
        await p.call("POST", "videos", f"/api/jobs/{unit.job_id}/pause", token=p.user(OWNER))
        await asyncio.wait_for(doing, 5)
        assert work.ended == "killed"
        assert (await row(p, unit))[:2] == ("queued", 0)


async def test_a_cancelled_job_stops_its_encoder_too(platform: PlatformMaker) -> None:
    p, work = await platform("videos"), Work()
    async with worker(p) as clients, at_work(p, clients, work) as (_, unit, doing):
        await p.call("POST", "videos", f"/api/jobs/{unit.job_id}/cancel", token=p.user(OWNER))
        await asyncio.wait_for(doing, 5)
        assert work.ended == "killed"


@pytest.mark.parametrize("kinds", [["loudness", "audio", "video"], ["finish", "video"]])
async def test_sound_and_publication_are_made_beside_the_pictures_of_any_queue(
    kinds: list[str], platform: PlatformMaker
) -> None:
    p, work = await platform("videos"), Work(result=FINISHED)
    await posted(p)
    async with worker(p) as clients:
        renditions = {"audio": ["audio-0"], "video": ["360p"]}
        opened = ["extras" if kind == "finish" else kind for kind in kinds]  # nobody may open a finish
        await plan(
            clients, [NewUnit(kind, "batch", renditions.get(kind, []), 0, 9, n) for n, kind in enumerate(opened)]
        )
        await p.db("videos").run("update units set kind = 'finish' where kind = 'extras'")
        stop, shop = asyncio.Event(), open_shop(p.settings, "batch")
        working = asyncio.create_task(work_off(clients, shop, "batch", stop, kinds=dict.fromkeys(kinds, work)))

        async def all_at_once() -> bool:
            assert not working.done()
            return work.begun == kinds

        await until(all_at_once)
        work.enough.set()
        await asyncio.wait_for(working, 10)
    assert await p.db("videos").value("select count(*) from units where kind = 'finish'") == 1
