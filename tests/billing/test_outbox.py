"""What billing tells the others: after the commit, until it is heard, the last word last."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.billing import outbox, queries_log
from api.clients import Clients
from tests.billing.scenes import CREATOR, NOW_MS, VIDEO, VIEWER, Scene, played, until
from tests.conftest import Platform, PlatformMaker

Told = list[tuple[str, Any]]


class Ear:
    """Listens where analytics or streaming would; `away` makes it answer 503."""

    def __init__(self) -> None:
        self.told: Told = []
        self.away = False

    async def hear(self, request: Request) -> Response:
        if self.away:
            return Response(status_code=503)
        self.told.append((request.url.path, await request.json()))
        return Response(status_code=204)


def stood(ear: Ear) -> list[tuple[bool, bool]]:
    """What streaming heard of the one session: is it spent, is it final?"""
    return [(word["spent"], word["final"]) for _, word in ear.told]


@asynccontextmanager
async def listening(p: Platform, service: str, ear: Ear) -> AsyncIterator[None]:
    app = Starlette(routes=[Route("/{path:path}", ear.hear, methods=["POST", "PUT"])])
    port = urlsplit(p.settings.service_url(service)).port or 0
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None))
    task = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await until(started)
    yield
    server.should_exit = True
    await task


async def charged(platform: PlatformMaker) -> Scene:
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=100)
    await scene.start("s", price_per_minute=60)
    await scene.log(*played("s", 0, 40_000))
    return scene


async def test_analytics_hears_of_each_charge_once_it_listens(platform: PlatformMaker) -> None:
    scene, ear = await charged(platform), Ear()
    assert (await scene.sweep())["relayed"] == 0
    async with listening(scene.p, "analytics", ear):
        ear.away = True
        assert (await scene.sweep())["relayed"] == 0
        ear.away = False
        await scene.end("s", 30_000)
        assert [(await scene.sweep())["relayed"], (await scene.sweep())["relayed"]] == [2, 0]
    (path, first), (_, second) = ear.told
    assert path == "/api/analytics/track"
    who = {"session_id": "s", "user_id": VIEWER, "video_id": VIDEO, "creator_id": CREATOR}
    [charge], [refund] = first["events"], second["events"]
    at_ms = NOW_MS + 36_000
    assert charge == who | {"id": charge["id"], "type": "charge", "amount_micros": 400_000, "at_ms": at_ms}
    assert refund == who | {"id": refund["id"], "type": "refund", "amount_micros": 100_000, "at_ms": refund["at_ms"]}
    assert charge["id"] != refund["id"]


async def test_streaming_hears_when_a_session_is_spent_and_when_it_may_go_on(platform: PlatformMaker) -> None:
    scene, ear = await charged(platform), Ear()
    assert (await scene.sweep())["told"] == 0
    await scene.log(*played("s", 40_000, 100_000))
    # Nobody listens yet: the news waits.
    assert (await scene.sweep())["told"] == 0
    async with listening(scene.p, "streaming", ear):
        assert [(await scene.sweep())["told"], (await scene.sweep())["told"]] == [1, 0]
        await scene.deposit(amount=100)
        await scene.log(*played("s", 100_000, 200_000))
        await scene.end("s", 200_000)
        assert (await scene.sweep())["told"] == 0
    assert {path for path, _ in ear.told} == {"/internal/sessions/s/spent"}
    # A minute and forty seconds are less than the two minutes a session holds.
    assert stood(ear) == [(True, True), (False, True)]
    assert [word["word"] for _, word in ear.told] == sorted({word["word"] for _, word in ear.told})


async def test_streaming_hears_when_a_session_is_nearly_spent_and_when_it_is_no_more(platform: PlatformMaker) -> None:
    scene, ear = Scene(await platform("billing")), Ear()
    async with listening(scene.p, "streaming", ear):
        await scene.deposit(amount=150)
        await scene.start("s", price_per_minute=60)
        await scene.log(*played("s", 0, 24_000))
        assert [(await scene.sweep())["told"] for _ in range(2)] == [0, 0]
        await scene.log(*played("s", 24_000, 40_000))
        assert [(await scene.sweep())["told"] for _ in range(2)] == [1, 0]
        await scene.deposit(amount=100)
        await scene.deposit(amount=100)
    assert stood(ear) == [(False, True), (False, False)]


async def test_what_costs_nothing_is_never_nearly_spent(platform: PlatformMaker) -> None:
    scene, ear = Scene(await platform("billing")), Ear()
    async with listening(scene.p, "streaming", ear):
        await scene.start("s", price_per_minute=0)
        await scene.log(*played("s", 0, 400_000))
        assert (await scene.sweep())["told"] == 0
    assert ear.told == []


async def test_the_real_streaming_service_refuses_and_allows_again(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing", "streaming"))
    streaming = scene.p.db("streaming")
    await scene.deposit(amount=100)
    await scene.start("s", price_per_minute=60)
    sql = """insert into stream_sessions (session_id, video_id, user_id, generation, duration_ms, price_per_minute)
             values ('s', :video, :user, 1, 600000, 60)"""
    await streaming.run(sql, video=VIDEO, user=VIEWER)
    await scene.log(*played("s", 0, 100_000))
    spent = "select array[spent, final] from stream_sessions where session_id = 's'"
    assert await streaming.value(spent) == [False, False]
    await scene.sweep()
    assert await streaming.value(spent) == [True, True]
    await scene.deposit(amount=100)
    assert await streaming.value(spent) == [False, True]
    await scene.deposit(amount=100)
    assert await streaming.value(spent) == [False, False]


async def test_the_real_analytics_service_counts_what_was_charged(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing", "analytics"))
    await scene.deposit()
    await scene.start("s")
    await scene.log(*played("s", 0, 40_000))
    await scene.end("s", 30_000)
    assert (await scene.sweep())["relayed"] == 2
    sql = "select sum(case type when 'charge' then amount_micros else -amount_micros end)::bigint from event"
    assert await scene.p.db("analytics").value(sql) == 30_000 == -await scene.balance_micros() + 10_000_000


async def test_many_tellers_leave_the_last_word_last(platform: PlatformMaker) -> None:
    scene, ear = await charged(platform), Ear()
    async with listening(scene.p, "streaming", ear), Clients(scene.p.settings, caller="tests") as clients:
        for start_ms in (40_000, 140_000, 240_000):
            await scene.log(*played("s", start_ms, start_ms + 100_000))
            tellers = [outbox.tell_spent(scene.db, clients) for _ in range(4)]
            await asyncio.gather(*tellers, scene.deposit(amount=100))
    assert stood(ear)[-1] == (False, True)
    assert await scene.db.value("select (spent_told, final_told) = (false, true) from hold") is True


async def test_a_session_whose_start_is_not_finished_is_told_again(platform: PlatformMaker) -> None:
    scene = Scene(await platform("billing", "streaming"))
    streaming = scene.p.db("streaming")
    await scene.deposit(amount=100)
    await scene.start("s", price_per_minute=100)
    # A reload takes the only minute over before streaming has opened the session it replaces.
    await scene.start("reload", price_per_minute=100)
    assert (await scene.sweep())["told"] == 0
    sql = """insert into stream_sessions (session_id, video_id, user_id, generation, duration_ms, price_per_minute)
             values ('s', :video, :user, 1, 600000, 100)"""
    await streaming.run(sql, video=VIDEO, user=VIEWER)
    assert (await scene.sweep())["told"] == 1
    assert await streaming.value("select spent from stream_sessions where session_id = 's'") is True
    # One that streaming never opens is given up with its hold.
    await scene.db.run("update hold set spent_told = false, final_told = false, expires_at = null")
    assert await queries_log.untold(scene.db, None, 100) == []
