"""A worker: claims units of its queue until none is left, keeps their leases while it works, reports how they ended.

The row of the unit is the truth. A worker that loses a lease kills its encoder and forgets the unit; told to stop, it
gives the unit back. Segments it has published stay, as they are whole and those of any other attempt would be as good.
"""

import asyncio
import errno
import os
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import structlog

from api.clients import Clients, Unit
from api.problems import Problem
from api.queue import QueueName
from api.settings import Settings
from media.encoder import Failed
from media.probe import Refused
from workers.encode import encode_span
from workers.extras import make_poster
from workers.finish import extras_film, finish_film
from workers.probe import Planned, index_film, plan_film
from workers.shop import Done, Progress, Shop, open_shop
from workers.signals import stop_event
from workers.survey import survey_pictures, survey_sound
from workers.way import Way, is_awaited

log = structlog.get_logger()

# A lease is also the way a worker hears: of a pause, a cancel, a viewer who waits for a later part of its unit.
RENEW_EVERY_S = 1.0
LOOK_EVERY_S = 0.15
LAST_WORDS_S = 3.0
# One thread each, and minutes for a long film: done beside the pictures of others, not before them.
MOST_BESIDE = 3
BESIDE = ("index", "audio", "loudness", "finish", "captions")
STOPPED = Failed("worker_stopped", "The worker was stopped; another one goes on.")

Outcome = Planned | Done | Failed
Work = Callable[[Shop, Unit, Progress], Awaitable[Planned | Done | dict[str, Any]]]
KINDS: dict[str, Work] = {
    "probe": plan_film,
    "index": index_film,
    "video": encode_span,
    "audio": encode_span,
    "copy": encode_span,
    "survey": survey_pictures,
    "loudness": survey_sound,
    "extras": extras_film,
    "finish": finish_film,
    "captions": finish_film,
    "poster": make_poster,
}


async def run(settings: Settings, queue: QueueName) -> bool:
    """Work until nothing is left in the queue; True when a signal ended it before."""
    stop = stop_event()
    shop = open_shop(settings, queue)
    shop.drop_stale()
    with Way.of(shop.way, interactive=queue == "interactive") as way:
        async with Clients(settings, caller="worker") as clients:
            await work_off(clients, shop, queue, stop, way=way)
    return stop.is_set()


async def work_off(
    clients: Clients,
    shop: Shop,
    queue: QueueName,
    stop: asyncio.Event,
    *,
    kinds: Mapping[str, Work] = KINDS,
    way: Way | None = None,
) -> None:
    """Claim and do units until there is none; `stop` gives the running ones back."""
    beside: set[asyncio.Task[None]] = set()
    way = way or Way()
    async with asyncio.TaskGroup() as group:

        def start(unit: Unit) -> asyncio.Task[None]:
            task = group.create_task(do(clients, shop, unit, stop, kinds=kinds, way=way))
            beside.add(task)
            task.add_done_callback(beside.discard)
            return task

        while not stop.is_set():
            unit = await _claim(clients, queue)
            if unit is None and not beside:
                return
            if unit is None:
                await asyncio.wait(beside, timeout=LOOK_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
                continue
            task = start(unit)
            if unit.kind in BESIDE and len(beside) <= MOST_BESIDE:
                continue
            while not task.done():
                await asyncio.wait({task}, timeout=LOOK_EVERY_S if queue == "interactive" else None)
                # A viewer who waits does not wait for what nobody has asked for.
                if (
                    len(beside) <= MOST_BESIDE
                    and not task.done()
                    and (wanted := await _claim(clients, queue, held=True))
                ):
                    start(wanted)


async def _claim(clients: Clients, queue: QueueName, *, held: bool = False) -> Unit | None:
    try:
        return await clients.units_claim(queue, f"{queue}-{os.getpid()}@{socket.gethostname()}", held=held)
    except Problem as problem:
        # The sweeper rings again.
        log.warning("claim.failed", queue=queue, reason=problem.detail)
        return None


async def do(
    clients: Clients,
    shop: Shop,
    unit: Unit,
    stop: asyncio.Event,
    renew_every_s: float = RENEW_EVERY_S,
    *,
    kinds: Mapping[str, Work] = KINDS,
    way: Way | None = None,
) -> None:
    """One unit, from claim to report, until its lease is lost, or until told to stop: given back. Never raises."""
    log.info("unit.started", unit=unit.id, kind=unit.kind, video=unit.video_id, renditions=unit.renditions)
    progress = Progress(end_segment=unit.end_segment)
    tools = replace(shop, clients=clients)
    working = asyncio.create_task(_done(kinds[unit.kind], tools, unit, progress, way or Way()))
    keeping = asyncio.create_task(_keep_lease(clients, unit, progress, renew_every_s))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, keeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await _report(clients, unit, working.result(), unit.lease_s)
        elif stopping.done() or (keeping.exception() is None and keeping.result()):
            await _end(working)
            await _report(clients, unit, STOPPED, LAST_WORDS_S)
    finally:
        for task in (working, keeping, stopping):
            await _end(task)


async def _end(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _done(work: Work, shop: Shop, unit: Unit, progress: Progress, way: Way) -> Outcome:
    """What came of the work, with what it cost; anything that goes wrong becomes a Failed."""
    try:
        # A film's index is waited for, yet nothing can be sought before its first picture is there.
        async with way.taken(progress, awaited=is_awaited(unit), second=unit.kind == "index") as reins:
            came = await work(replace(shop, reins=reins), unit, progress)
    except Exception as error:  # noqa: BLE001 - whatever it is, the unit ends in words
        return _failed(error, unit)
    if isinstance(came, Planned):
        return came
    done = came if isinstance(came, Done) else Done(came)
    return replace(done, result=done.result | {"cpu_s": shop.cost.take()})


def _failed(error: Exception, unit: Unit) -> Failed:
    """Why, in words for the uploader; what nobody expected is logged whole."""
    if isinstance(error, Failed):
        return error
    if isinstance(error, Refused):
        return Failed(error.code, error.message, permanent=True)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Failed("storage_full", "The disk of the media store is full.")
    log.error("unit.failed", unit=unit.id, exc_info=error)
    if isinstance(error, OSError):
        return Failed("storage_failed", f"The media store does not work: {error.strerror}.")
    return Failed("internal_error", "Preparing this video failed on our side.")


async def _keep_lease(clients: Clients, unit: Unit, progress: Progress, every_s: float) -> bool:
    """Return when the unit is not to be gone on with: True when told so, False when its lease is lost.

    That is also the case when the videos service has not been heard of for as long as the lease lasts.
    """
    renewed = time.monotonic()
    while time.monotonic() < renewed + unit.lease_s:
        await asyncio.sleep(every_s)
        asked = time.monotonic()
        try:
            if await _renew(clients, unit, progress):
                log.info("unit.stopped", unit=unit.id)
                return True
        except Problem as problem:
            if problem.code == "lease_lost":
                break
            log.warning("lease.unheard", unit=unit.id, reason=problem.detail)
            continue
        renewed = asked
    log.info("unit.dropped", unit=unit.id)
    return False


async def _renew(clients: Clients, unit: Unit, progress: Progress) -> bool:
    """Tell how far it is, hear how far it is to go, and say that this was heard; gives whether to stop."""
    while True:
        told = progress.end_segment
        lease = await clients.units_renew(unit, progress.segments, progress.speed, progress.made_ms, told)
        progress.end_segment = min(told, lease.end_segment)
        if lease.stop or progress.end_segment == told:
            return lease.stop


async def _report(clients: Clients, unit: Unit, outcome: Outcome, patience_s: float) -> None:
    """Say how a unit ended, again and again while the videos service is away; a lost lease ends it too."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            await _tell(clients, unit, outcome)
            return
        except Problem as problem:
            log.warning("report.failed", unit=unit.id, code=problem.code, reason=problem.detail)
            if problem.status != 503 or time.monotonic() > deadline:
                return
        await asyncio.sleep(1)


async def _tell(clients: Clients, unit: Unit, outcome: Outcome) -> None:
    if isinstance(outcome, Planned):
        await clients.units_planned(unit, outcome.plan, outcome.renditions, outcome.units)
    elif isinstance(outcome, Failed):
        log.warning("unit.ended", unit=unit.id, kind=unit.kind, code=outcome.code, reason=outcome.message)
        await clients.units_fail(unit, outcome.code, outcome.message, permanent=outcome.permanent)
    else:
        await clients.units_done(unit, outcome.result, outcome.opens)
        log.info("unit.done", unit=unit.id, kind=unit.kind, video=unit.video_id)
