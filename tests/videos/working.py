"""A worker's calls for the tests of videos, through `api.clients` as a real worker makes them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from api.clients import Clients, NewRendition, NewUnit, Unit
from api.problems import Problem
from tests.conftest import Platform

SEGMENTS = 20
PLAN = {"duration_ms": 80_000, "segments": SEGMENTS}
RENDITIONS = [
    NewRendition("360p", "video", 640, 360, 800_000, "avc1.64001e"),
    NewRendition("720p", "video", 1280, 720, 2_800_000, "avc1.64001f"),
    NewRendition("audio-0", "audio", 0, 0, 128_000, "mp4a.40.2", "en"),
]
FINISHED = {
    "poster": True,
    "renditions": [{"name": "360p", "bandwidth": 700_000, "codecs": "avc1.64001e"}],
    "report": {"findings": 0},
}
UNITS = [
    NewUnit("video", "interactive", ["360p"], 0, 2, 0),
    NewUnit("video", "interactive", ["360p"], 2, SEGMENTS, 1),
    NewUnit("audio", "interactive", ["audio-0"], 0, SEGMENTS, 0),
    NewUnit("video", "batch", ["720p"], 0, SEGMENTS, 0),
]


@contextlib.asynccontextmanager
async def worker(p: Platform) -> AsyncIterator[Clients]:
    async with Clients(p.settings, caller="worker") as clients:
        yield clients


async def take(clients: Clients, queue: str = "interactive", name: str = "w1") -> Unit:
    """A unit there must be."""
    unit = await clients.units_claim(queue, name)
    assert unit is not None
    return unit


async def plan(clients: Clients, units: list[NewUnit] | None = None) -> Unit:
    """Claim the probe there must be and end it; gives it."""
    probe = await take(clients)
    assert probe.kind == "probe"
    await clients.units_planned(probe, PLAN, RENDITIONS, UNITS if units is None else units)
    return probe


async def work_off(clients: Clients) -> list[Unit]:
    """Claim and end everything there is."""
    ended = []
    for queue in ("interactive", "batch", "interactive"):
        while unit := await clients.units_claim(queue, "w1"):
            await clients.units_done(unit, FINISHED if unit.kind == "finish" else {})
            ended.append(unit)
    return ended


async def problem(call: Awaitable[object]) -> tuple[int, str]:
    """Status and code of the problem a call ends in."""
    try:
        await call
    except Problem as error:
        return error.status, error.code
    raise AssertionError("the call went well")


async def until(condition: Callable[[], Awaitable[object]], seconds: float = 10) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.02)


async def age_leases(p: Platform) -> None:
    """Let every lease have run out."""
    await p.db("videos").run("update units set lease_until = now() - interval '1 s' where state = 'running'")


async def sweep(p: Platform) -> dict[str, int]:
    async with worker(p) as clients:
        return await clients.videos_sweep()
