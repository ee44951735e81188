"""Money events: counted once, however they come."""

import asyncio
import random
from typing import Any

import httpx2

from tests.conftest import Platform, PlatformMaker

AT_MS = 1_774_824_300_000


def event(number: int, amount_micros: int = 30_000, **changed: Any) -> dict[str, Any]:
    fields = {"id": f"journal:{number}", "type": "charge", "session_id": "s1", "user_id": 7, "video_id": 1}
    fields |= {"creator_id": 100, "amount_micros": amount_micros, "at_ms": AT_MS}
    return fields | changed


async def track(p: Platform, *events: dict[str, Any]) -> httpx2.Response:
    token = p.service_token("analytics", "billing")
    return await p.call("POST", "analytics", "/api/analytics/track", token=token, json={"events": list(events)})


async def revenue_micros(p: Platform) -> tuple[int, int, int]:
    params = {"from": "2026-03-29", "to": "2026-03-29"}
    body = (
        await p.call("GET", "analytics", "/api/analytics/revenue", token=p.user(1, "operator"), params=params)
    ).json()
    return body["total"]["gross_micros"], body["total"]["refunds_micros"], body["total"]["charges"]


async def test_charges_and_refunds_add_up_to_the_micro_unit(platform: PlatformMaker) -> None:
    p = await platform("analytics")
    first = await track(p, event(1, 30_001), event(2, 9_999), event(3, 5_000, type="refund"))
    assert (first.status_code, first.json()) == (202, {"accepted": 3, "repeated": 0})
    assert await revenue_micros(p) == (40_000, 5_000, 2)


async def test_an_event_sent_again_changes_nothing(platform: PlatformMaker) -> None:
    p = await platform("analytics")
    await track(p, event(1), event(1, 77_777))
    again = await track(p, event(1), event(1, 99_999), event(2))
    assert (again.status_code, again.json()) == (202, {"accepted": 1, "repeated": 2})
    assert await revenue_micros(p) == (60_000, 0, 2)


async def test_events_sent_at_once_from_many_sides_count_once(platform: PlatformMaker) -> None:
    p, pick = await platform("analytics"), random.Random(4)
    events = [event(number, video_id=number % 7 + 1) for number in range(200)]
    answers = await asyncio.gather(*(track(p, *pick.sample(events, 150)) for _ in range(12)), track(p, *events))
    assert {one.status_code for one in answers} == {202}
    assert sum(one.json()["accepted"] for one in answers) == 200
    assert await revenue_micros(p) == (200 * 30_000, 0, 200)


async def test_nothing_to_track_is_fine(platform: PlatformMaker) -> None:
    p = await platform("analytics")
    assert (await track(p)).json() == {"accepted": 0, "repeated": 0}


WRONG: list[dict[str, Any]] = [
    {"type": "gift"},
    {"amount_micros": -1},
    {"amount_micros": 1.5},
    {"amount_micros": 1 << 70},
    {"user_id": "7"},
    {"video_id": 0},
    {"at_ms": 1 << 60},
    {"id": ""},
    {"session_id": "a\0b"},
    {"note": "x"},
]


async def test_a_wrong_event_is_refused_with_its_field_and_none_is_counted(platform: PlatformMaker) -> None:
    p = await platform("analytics")
    for wrong in WRONG:
        refused = await track(p, event(1) | wrong, event(2))
        fields = [error["field"] for error in refused.json()["errors"]]
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
        assert fields == [f"events.0.{name}" for name in wrong]
    assert await revenue_micros(p) == (0, 0, 0)


async def test_only_services_may_track(platform: PlatformMaker) -> None:
    p = await platform("analytics")
    for token in (None, p.user(7), p.user(1, "operator"), p.service_token("billing")):
        body = {"events": [event(1)]}
        refused = await p.call("POST", "analytics", "/api/analytics/track", token=token, json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert await revenue_micros(p) == (0, 0, 0)
