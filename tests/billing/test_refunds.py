"""Refunds: by operators, and by viewers whose player told of a failure; never beyond what a session cost."""

import asyncio
from typing import Any

import pytest

from api.billing.refunds import STALLING, STARTUP_FAILURE, qualifies
from api.clients import Quality
from tests.billing.scenes import CREATOR, OTHER, VIEWER, Scene, check_books, fetched, ledger
from tests.conftest import Platform, PlatformMaker

OPERATOR = 1
COST = 60_000  # micros: one minute at the price of the scenes


async def scene(platform: PlatformMaker, **settings: str) -> Scene:
    made = Scene(await platform("billing", "streaming", **settings))
    await made.deposit()
    return made


async def told_by_player(p: Platform, session: str, wall_s: int = 60, **told: object) -> None:
    """A session as streaming knows it after its end, with what the player told."""
    values = {"startup_ms": None, "stalls": None, "stall_ms": None} | told
    sql = """
        insert into stream_sessions (session_id, video_id, user_id, generation, duration_ms, price_per_minute,
            start_time, is_active, ended_at, end_reason, startup_ms, stalls, stall_ms)
        values (:session, 5, 7, 1, 600000, 6, now() - make_interval(secs => :wall_s), false, now(), 'ended',
            :startup_ms, :stalls, :stall_ms)
    """
    await p.db("streaming").run(sql, session=session, wall_s=wall_s, **values)


async def by_operator(s: Scene, session: str = "s", key: str | None = None, **more: object) -> Any:
    body = {"session_id": session, "reason": "sorry"} | more
    return await s.money("refunds", body, key, user=OPERATOR, role="operator")


async def by_viewer(s: Scene, session: str = "s", reason: str = STARTUP_FAILURE, user: int = VIEWER) -> Any:
    return await s.money("refunds", {"session_id": session, "reason": reason}, user=user)


async def test_an_operator_refunds_a_session_in_full(platform: PlatformMaker) -> None:
    s = await scene(platform)
    await s.finished("s")
    made = await by_operator(s)
    assert made.status_code == 201, made.text
    assert (made.json()["balance"], made.json()["refunded_ms"]) == (1000, 60_000)
    shown = (await s.told("transactions"))["items"][0]
    assert shown == made.json()["transaction"]
    assert (shown["amount_micros"], shown["transaction_type"], shown["session_id"]) == (COST, "refund", "s")
    assert (shown["video_id"], shown["description"]) == (5, "Refund of video 5: sorry")
    assert {k: t for k, _, t in await ledger(s.db) if k in ("creator", "revenue")} == {"creator": 0, "revenue": 0}
    await check_books(s.db)


async def test_refunds_in_parts_come_to_the_whole_and_no_more(platform: PlatformMaker) -> None:
    s = await scene(platform, CREATOR_SHARE_BPS="3333")
    await s.finished("s", price_per_minute=7)
    for _ in range(6):
        assert (await by_operator(s, amount=1)).status_code == 201
    too_much = await by_operator(s, amount=2)
    assert (too_much.status_code, too_much.json()["code"], too_much.json()["refundable"]) == (
        422,
        "refund_too_large",
        1,
    )
    assert (await by_operator(s)).status_code == 201
    assert {k: t for k, _, t in await ledger(s.db) if k in ("creator", "revenue")} == {"creator": 0, "revenue": 0}
    assert (await by_operator(s)).json()["code"] == "nothing_to_refund"
    assert await s.balance_micros() == 10_000_000
    await check_books(s.db)


async def test_concurrent_refunds_give_back_once(platform: PlatformMaker) -> None:
    s = await scene(platform)
    await s.finished("s")
    answers = await asyncio.gather(*(by_operator(s) for _ in range(8)))
    assert sorted(a.status_code for a in answers) == [201] + [409] * 7
    assert await s.balance_micros() == 10_000_000


async def test_what_was_refunded_is_not_charged_again_in_its_watch(platform: PlatformMaker) -> None:
    s = await scene(platform)
    await s.finished("s")
    await by_operator(s)
    await s.start("again")
    await s.log(*(fetched("again", start) for start in range(0, 60_000, 4000)))
    await s.end("again", wall_ms=60_000)
    assert await s.balance_micros() == 10_000_000
    await check_books(s.db)


@pytest.mark.parametrize(
    ("rule", "wall_ms", "startup_ms", "stall_ms", "so"),
    [
        (STARTUP_FAILURE, 60_000, None, None, True),
        (STARTUP_FAILURE, 60_000, 20_001, None, True),
        (STARTUP_FAILURE, 60_000, 20_000, None, False),
        (STARTUP_FAILURE, 120_001, None, None, False),
        (STALLING, 300_000, 500, 30_000, True),
        (STALLING, 300_000, 500, 29_999, False),
        (STALLING, 300_001, 500, 30_000, False),
        (STALLING, 20_000, 500, 10**9, False),
        (STALLING, 600_000, None, None, False),
    ],
)
def test_what_a_player_tells_qualifies(
    rule: str, wall_ms: int, startup_ms: int | None, stall_ms: int | None, so: bool
) -> None:
    assert qualifies(rule, Quality("s", wall_ms, startup_ms, 3, stall_ms)) is so


async def test_a_viewer_is_refunded_a_failed_start(platform: PlatformMaker) -> None:
    s = await scene(platform)
    await s.finished("s")
    await told_by_player(s.p, "s")
    made = await by_viewer(s)
    assert made.status_code == 201, made.text
    assert made.json()["transaction"]["description"] == "Refund of video 5: playback did not start"
    assert await s.balance_micros() == 10_000_000
    assert (await by_viewer(s)).json()["code"] == "nothing_to_refund"


@pytest.mark.parametrize(("stall_ms", "status"), [(40_000, 201), (4_000, 409)])
async def test_a_viewer_is_refunded_heavy_stalling_and_nothing_less(
    platform: PlatformMaker, stall_ms: int, status: int
) -> None:
    s = await scene(platform)
    await s.finished("s")
    await told_by_player(s.p, "s", wall_s=200, startup_ms=900, stalls=9, stall_ms=stall_ms)
    made = await by_viewer(s, reason=STALLING)
    assert made.status_code == status, made.text
    assert await s.balance_micros() == 10_000_000 - (0 if status == 201 else COST)


async def test_a_month_gives_so_many_minutes_and_the_last_of_them_in_part(platform: PlatformMaker) -> None:
    s = await scene(platform, REFUND_MINUTES="3")
    back = []
    for video in range(1, 4):
        name = f"s{video}"
        await s.start(name, video_id=video)
        await s.log(*(fetched(name, start, video=video) for start in range(0, 120_000, 4000)))
        await s.end(name, wall_ms=120_000)
        await told_by_player(s.p, name)
        back.append(await by_viewer(s, name))
    assert [a.status_code for a in back] == [201, 201, 409]
    assert [a.json()["refunded_ms"] for a in back[:2]] == [120_000, 60_000]
    assert (back[2].json()["code"], back[2].json()["minutes"]) == ("refund_limit", 3)
    # An operator is bound by no month, and refunds what is left.
    assert (await by_operator(s, "s2")).json()["refunded_ms"] == 60_000
    await check_books(s.db)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"session_id": "s", "reason": "i do not like it"}, 403, "forbidden"),
        ({"session_id": "s", "reason": STARTUP_FAILURE, "amount": 1}, 403, "forbidden"),
        ({"session_id": "unknown", "reason": STARTUP_FAILURE}, 404, "not_found"),
        ({"session_id": "s"}, 422, "invalid_request"),
        ({"session_id": "s", "reason": ""}, 422, "invalid_request"),
        ({"session_id": "s", "reason": "a\nb"}, 422, "invalid_request"),
        ({"session_id": "s", "reason": "x" * 301}, 422, "invalid_request"),
        ({"session_id": "s", "reason": "ok", "amount": 0}, 422, "invalid_request"),
        ({"session_id": "s", "reason": "ok", "amount": -1}, 422, "invalid_request"),
        ({"session_id": "s\0", "reason": "ok"}, 422, "invalid_request"),
    ],
)
async def test_a_wrong_refund_is_refused(platform: PlatformMaker, body: object, status: int, code: str) -> None:
    s = await scene(platform)
    await s.finished("s")
    await told_by_player(s.p, "s")
    refused = await s.money("refunds", body)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert await s.balance_micros() == 10_000_000 - COST


async def test_a_session_is_refunded_to_its_own_user_after_its_end(platform: PlatformMaker) -> None:
    s = await scene(platform)
    await s.start("s")
    await s.log(fetched("s", 0))
    assert (await by_operator(s)).json()["code"] == "session_not_ended"
    await s.end("s", wall_ms=60_000)
    await told_by_player(s.p, "s")
    assert (await by_viewer(s, user=OTHER)).status_code == 404
    await s.db.run("update hold set ended_at = now() - interval '8 days'")
    assert (await by_viewer(s)).json()["code"] == "not_eligible"
    assert (await by_operator(s)).status_code == 201


async def test_a_refund_costs_the_creator_and_analytics_hears_of_it(platform: PlatformMaker) -> None:
    s = Scene(await platform("billing", "streaming", "analytics"))
    await s.deposit()
    await s.finished("s")
    token = s.p.user(CREATOR)
    await by_operator(s, amount=3)
    path = "/api/billing/revenue/total"
    found = (await s.p.call("GET", "billing", path, token=token)).json()
    assert [found[k] for k in ("gross", "refunds", "net", "creator_share", "platform_share")] == [6, 3, 3, 2, 0]
    assert (await s.sweep())["relayed"] >= 2
    sums = (
        "select json_object_agg(type, amount) from (select type, sum(amount_micros) as amount from event group by 1) e"
    )
    assert await s.p.db("analytics").value(sums) == {"charge": COST, "refund": 30_000}
