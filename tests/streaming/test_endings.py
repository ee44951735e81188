"""How sessions end: by silence, by withdrawal, by their viewer; and that the bill is asked for until it comes."""

import pytest

from tests.conftest import Platform, PlatformMaker
from tests.streaming.playback import VIDEO, VIEWER, add_session, column
from tests.streaming.test_starting import add_video


async def sweep(p: Platform) -> dict[str, int]:
    answer = await p.call("POST", "streaming", "/internal/sweep", token=p.service_token("streaming", "sweep"))
    assert answer.status_code == 200
    found: dict[str, int] = answer.json()
    return found


async def test_a_session_silent_for_ninety_seconds_is_ended_as_of_its_last_sign(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    silent, quiet = await add_session(p, age_s=300, silent_s=91), await add_session(p, age_s=300, silent_s=89)
    assert (await sweep(p))["ended"] == 1
    assert await column(p, silent, "array[is_active::text, end_reason]") == ["false", "silent"]
    assert await column(p, silent, "ended_at = last_seen") is True
    assert await column(p, quiet, "is_active") is True
    assert (await sweep(p))["ended"] == 0


async def test_a_bill_that_billing_could_not_take_is_put_off_and_kept(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    sessions = [await add_session(p, silent_s=100) for _ in range(3)]
    assert await sweep(p) == {"ended": 3, "settled": 0}
    tries = [await column(p, session, "settle_tries") for session in sessions]
    assert sorted(str(n) for n in tries) == ["0", "0", "1"]  # one failure says that billing is away
    later = "select count(*) from stream_sessions where settled_at is null and settle_after > now()"
    assert await p.db("streaming").value(later) == 1


async def test_the_viewer_can_end_even_while_billing_is_away(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    session = await add_session(p)
    for _ in range(2):
        path, body = f"/api/stream/end/{session}", {"position_ms": 30_000}
        answer = await p.call("POST", "streaming", path, json=body, token=p.user(VIEWER))
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert await column(p, session, "array[is_active::text, end_reason]") == ["false", "ended"]
    assert await p.db("streaming").value("select position_ms from resume_positions") == 30_000


async def test_withdrawing_a_video_ends_its_live_sessions_alone(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    gone, other = await add_session(p), await add_session(p, video_id=8)
    body, service = {"video_id": VIDEO, "user_id": None}, p.service_token("streaming", "videos")
    answer = await p.call("POST", "streaming", "/internal/sessions/end", json=body, token=service)
    assert (answer.status_code, answer.json()) == (200, {"ended": 1})
    assert await column(p, gone, "end_reason") == "withdrawn"
    assert await column(p, other, "is_active") is True


async def test_disabling_a_user_ends_their_live_sessions_alone(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    gone, other = await add_session(p, user_id=5), await add_session(p)
    body, service = {"video_id": None, "user_id": 5}, p.service_token("streaming", "auth")
    await p.call("POST", "streaming", "/internal/sessions/end", json=body, token=service)
    assert [await column(p, s, "is_active") for s in (gone, other)] == [False, True]


async def test_a_disabled_user_starts_nothing_while_an_access_token_from_before_lives(platform: PlatformMaker) -> None:
    p = await platform("streaming", "videos", "billing")
    path, service = f"/api/stream/start/{await add_video(p, price_per_minute=0)}", p.service_token("streaming", "auth")
    assert (await p.call("POST", "streaming", path, token=p.user(VIEWER))).status_code == 201
    for _ in range(2):
        await p.call("POST", "streaming", "/internal/sessions/end", json={"user_id": VIEWER}, token=service)
    answer = await p.call("POST", "streaming", path, token=p.user(VIEWER))
    assert (answer.status_code, answer.json()["code"]) == (403, "account_disabled")
    assert (await p.call("POST", "streaming", path, token=p.user(VIEWER + 1))).status_code == 201
    await p.db("streaming").run("update revoked_users set revoked_at = revoked_at - interval '15 minutes'")
    assert (await p.call("POST", "streaming", path, token=p.user(VIEWER))).status_code == 201


async def test_a_withdrawal_that_names_nobody_ends_nothing(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    session, service = await add_session(p), p.service_token("streaming", "videos")
    for body in ({}, {"video_id": None, "user_id": None}, {"video_id": 0}, {"video_id": 2**63}, {"everything": True}):
        answer = await p.call("POST", "streaming", "/internal/sessions/end", json=body, token=service)
        assert answer.status_code == 422
    assert await column(p, session, "is_active") is True


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/internal/sessions/end"),
        ("PUT", "/internal/sessions/" + "f" * 32 + "/spent"),
        ("POST", "/internal/sweep"),
    ],
)
async def test_internal_calls_are_for_services(platform: PlatformMaker, method: str, path: str) -> None:
    p = await platform("streaming")
    for shown in (None, p.user(1, "operator"), p.service_token("billing")):
        answer = await p.call(method, "streaming", path, json={}, token=shown)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_the_health_of_the_platform_names_every_service(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    answer = await p.call("GET", "streaming", "/internal/health-summary")
    # Of the others only auth's place is taken here, by a page of keys that has no /health.
    expected = {"auth": "degraded", "videos": "down", "streaming": "ok", "billing": "down", "analytics": "down"}
    assert (answer.status_code, answer.json()) == (503, {"status": "degraded", "services": expected})
