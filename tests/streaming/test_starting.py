"""Starting, watching and ending, with the real videos and billing services beside."""

import asyncio
import uuid
from typing import Any

import pytest

from api.streaming import token
from tests.conftest import Platform, PlatformMaker
from tests.streaming.playback import VIEWER, column

OWNER, OPERATOR = 5, 1


async def add_video(p: Platform, **more: object) -> int:
    """A ready public film of ten minutes at 60 a minute, generation 3; `more` sets other columns."""
    row = {"status": "ready", "visibility": "public", "price_per_minute": 60, "generation": 3, "error_code": None}
    row["preview_ms"] = 0
    return int(
        await p.db("videos").value(
            """
            insert into videos (title, filename, uploaded_by, duration_ms, source, search_text,
                status, visibility, price_per_minute, generation, error_code, preview_ms)
            values ('A film', 'film.mp4', :owner, 600000, :source, 'a film',
                :status, :visibility, :price_per_minute, :generation, :error_code, :preview_ms)
            returning id
            """,
            owner=OWNER,
            source=uuid.uuid4().hex,
            **(row | more),
        )
    )


async def deposit(p: Platform, amount: int, user_id: int = VIEWER) -> None:
    headers = {"idempotency-key": uuid.uuid4().hex}
    body, shown = {"amount": amount}, p.user(user_id)
    answer = await p.call("POST", "billing", "/api/billing/deposit", json=body, headers=headers, token=shown)
    assert answer.status_code == 201, answer.text


async def start(p: Platform, video_id: int, user_id: int = VIEWER, role: str = "user") -> Any:
    return await p.call("POST", "streaming", f"/api/stream/start/{video_id}", token=p.user(user_id, role))


async def everything(platform: PlatformMaker, **overrides: str) -> Platform:
    return await platform("streaming", "billing", "videos", **overrides)


async def test_a_start_gives_all_that_a_player_needs(platform: PlatformMaker) -> None:
    p = await everything(platform)
    await deposit(p, 1000)
    video = await add_video(p)
    answer = await start(p, video)
    assert answer.status_code == 201
    body = answer.json()
    assert (body["video_id"], body["price_per_minute"], body["balance"]) == (video, 60, 1000)
    assert (body["resume_position_ms"], body["heartbeat_interval_ms"]) == (0, 15_000)
    assert body["minutes_left"] == pytest.approx(1000 / 60)
    text = body["url"].removeprefix("/v/").removesuffix(f"/{video}/3/master.m3u8")
    read = token.parse(token.make_signer(p.settings.secret("TOKEN_SECRET")), text)
    assert (read.session_id, read.video_id) == (body["session_id"], video)
    assert body["expires_at"] == read.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert await p.db("videos").value("select view_count from videos") == 1


async def test_without_money_for_a_minute_nothing_starts(platform: PlatformMaker) -> None:
    p = await everything(platform)
    await deposit(p, 100)
    answer = await start(p, await add_video(p, price_per_minute=101))
    assert (answer.status_code, answer.json()["code"]) == (402, "insufficient_balance")
    assert (answer.json()["balance"], answer.json()["required"]) == (100, 101)
    assert await p.db("streaming").value("select count(*) from stream_sessions") == 0


@pytest.mark.parametrize(
    ("user_id", "role", "price"), [(OWNER, "user", 60), (OPERATOR, "operator", 60), (9, "user", 0)]
)
async def test_owners_operators_and_viewers_of_free_films_need_no_money(
    platform: PlatformMaker, user_id: int, role: str, price: int
) -> None:
    p = await everything(platform)
    answer = await start(p, await add_video(p, price_per_minute=price), user_id, role)
    assert (answer.status_code, answer.json()["minutes_left"]) == (201, None)


@pytest.mark.parametrize("missing", [99, 2**31, 10**30, 0])
async def test_a_video_that_does_not_exist_is_not_found(platform: PlatformMaker, missing: int) -> None:
    p = await everything(platform)
    assert (await start(p, missing)).status_code == 404
    assert (await p.call("POST", "streaming", "/api/stream/start/x", token=p.user(VIEWER))).status_code == 404


async def test_a_private_video_starts_for_its_owner_and_operators_alone(platform: PlatformMaker) -> None:
    p = await everything(platform)
    video = await add_video(p, visibility="private", price_per_minute=0)
    assert (await start(p, video)).status_code == 404
    assert (await start(p, video, OWNER)).status_code == 201
    assert (await start(p, video, OPERATOR, "operator")).status_code == 201
    assert (await start(p, await add_video(p, visibility="unlisted", price_per_minute=0))).status_code == 201


@pytest.mark.parametrize("state", ["uploading", "queued", "failed"])
async def test_a_video_that_cannot_play_yet_is_refused_before_any_money_is_held(
    platform: PlatformMaker, state: str
) -> None:
    p = await everything(platform)
    error = "broken" if state == "failed" else None
    answer = await start(p, await add_video(p, status=state, generation=0, error_code=error), OWNER)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_playable")
    assert await p.db("billing").value("select count(*) from hold") == 0
    assert (await start(p, await add_video(p, status="playable"), OWNER)).status_code == 201


async def test_three_screens_at_a_time_and_an_end_makes_room(platform: PlatformMaker) -> None:
    p = await everything(platform)
    video = await add_video(p, price_per_minute=0)
    sessions = [(await start(p, video)).json()["session_id"] for _ in range(3)]
    answer = await start(p, video)
    assert (answer.status_code, answer.json()["code"], answer.json()["limit"]) == (409, "too_many_sessions", 3)
    assert (await start(p, video, 9)).status_code == 201
    ended = await p.call("POST", "streaming", f"/api/stream/end/{sessions[0]}", token=p.user(VIEWER))
    assert ended.status_code == 200
    assert (await start(p, video)).status_code == 201


async def test_many_starts_at_once_never_pass_the_limit_and_leave_no_hold_behind(platform: PlatformMaker) -> None:
    p = await everything(platform, MAX_SESSIONS="2")
    await deposit(p, 100_000)
    video = await add_video(p)
    answers = await asyncio.gather(*(start(p, video) for _ in range(24)))
    assert sorted(a.status_code for a in answers) == [201] * 2 + [409] * 22
    assert await p.db("streaming").value("select count(*) from stream_sessions where is_active") == 2
    assert await p.db("billing").value("select count(*) from hold where state = 'open'") == 2


async def test_a_heartbeat_answers_with_billings_figures(platform: PlatformMaker) -> None:
    p = await everything(platform)
    await deposit(p, 1000)
    session = (await start(p, await add_video(p))).json()["session_id"]
    path, body = f"/api/stream/heartbeat/{session}", {"position_ms": 12_000, "playing": True}
    answer = await p.call("PUT", "streaming", path, json=body, token=p.user(VIEWER))
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "is_active": True,
            "balance": 1000,
            "charged": 0,
            "delivered_ms": 0,
            "minutes_left": pytest.approx(1000 / 60),
            "low_balance": False,
            "final": False,
            "limited": False,
        },
    )


async def test_a_session_stopped_by_the_daily_limit_is_told_so(platform: PlatformMaker) -> None:
    p = await everything(platform)
    await deposit(p, 1000)
    limits = await p.call("PUT", "billing", "/api/billing/limits", json={"daily_limit": 60}, token=p.user(VIEWER))
    assert limits.status_code == 200
    session = (await start(p, await add_video(p))).json()["session_id"]
    body, service = {"session_id": session, "seen_ms": 60_000}, p.service_token("billing", "streaming")
    assert (await p.call("POST", "billing", "/api/billing/charge", json=body, token=service)).status_code == 200
    path = f"/api/stream/heartbeat/{session}"
    answer = await p.call("PUT", "streaming", path, json={"position_ms": 5}, token=p.user(VIEWER))
    assert (answer.status_code, answer.json()["code"], answer.json()["balance"]) == (402, "daily_limit", 940)
    await p.call("PUT", "billing", "/api/billing/limits", json={"daily_limit": None}, token=p.user(VIEWER))
    assert (await p.call("PUT", "streaming", path, json={"position_ms": 5}, token=p.user(VIEWER))).status_code == 200


async def test_a_preview_starts_without_money_and_its_heartbeats_ask_for_none(platform: PlatformMaker) -> None:
    p = await everything(platform)
    started = await start(p, await add_video(p, preview_ms=8000))
    assert (started.status_code, started.json()["preview_ms"], started.json()["minutes_left"]) == (201, 8000, 0)
    session = started.json()["session_id"]
    assert [await column(p, session, name) for name in ("spent", "preview_ms")] == [True, 8000]
    path = f"/api/stream/heartbeat/{session}"
    for position_ms, status in ((7999, 200), (8000, 402)):
        answer = await p.call("PUT", "streaming", path, json={"position_ms": position_ms}, token=p.user(VIEWER))
        assert answer.status_code == status


async def test_a_session_whose_money_is_gone_is_told_at_its_heartbeat_and_stays_alive(platform: PlatformMaker) -> None:
    p = await everything(platform)
    await deposit(p, 120)
    session = (await start(p, await add_video(p))).json()["session_id"]
    body, service = {"session_id": session, "seen_ms": 120_000}, p.service_token("billing", "streaming")
    assert (await p.call("POST", "billing", "/api/billing/charge", json=body, token=service)).status_code == 200
    path = f"/api/stream/heartbeat/{session}"
    answer = await p.call("PUT", "streaming", path, json={"position_ms": 5}, token=p.user(VIEWER))
    assert (answer.status_code, answer.json()["code"]) == (402, "insufficient_balance")
    assert (answer.json()["balance"], answer.json()["required"]) == (0, 60)
    assert await column(p, session, "is_active") is True
    await deposit(p, 500)
    answer = await p.call("PUT", "streaming", path, json={"position_ms": 5}, token=p.user(VIEWER))
    assert (answer.status_code, answer.json()["balance"]) == (200, 500)


async def forgotten(p: Platform, session: str) -> str:
    """The session under an id that billing knows nothing of."""
    other = session[::-1]
    sql = "update stream_sessions set session_id = :other where session_id = :session"
    assert await p.db("streaming").run(sql, session=session, other=other) == 1
    return other


@pytest.mark.parametrize("how", ["ended", "forgotten"])
async def test_a_session_billing_gave_up_ends_at_its_next_heartbeat(platform: PlatformMaker, how: str) -> None:
    p = await everything(platform)
    session = (await start(p, await add_video(p), OWNER)).json()["session_id"]
    if how == "ended":
        body, service = {"wall_ms": 0, "rate": 1.0}, p.service_token("billing", "tests")
        await p.call("POST", "billing", f"/internal/holds/{session}/end", json=body, token=service)
    else:
        session = await forgotten(p, session)
    path = f"/api/stream/heartbeat/{session}"
    answer = await p.call("PUT", "streaming", path, json={"position_ms": 5}, token=p.user(OWNER))
    assert (answer.status_code, answer.json()["code"]) == (410, "session_ended")
    assert await column(p, session, "array[end_reason, (settled_at is not null)::text]") == ["settled", "true"]


async def test_an_end_says_what_the_session_came_to_and_repeating_it_says_the_same(platform: PlatformMaker) -> None:
    p = await everything(platform)
    await deposit(p, 1000)
    session = (await start(p, await add_video(p))).json()["session_id"]
    body, service = {"session_id": session, "seen_ms": 90_000}, p.service_token("billing", "streaming")
    await p.call("POST", "billing", "/api/billing/charge", json=body, token=service)
    await p.db("billing").run("update hold set delivered_ms = 90999")
    answers = [
        await p.call("POST", "streaming", f"/api/stream/end/{session}", json=body, token=p.user(VIEWER))
        for body in ({"position_ms": 90_000}, {}, {"position_ms": 3})
    ]
    assert [a.status_code for a in answers] == [200] * 3
    assert answers[0].json() == answers[1].json() == answers[2].json()
    found = answers[0].json()
    assert (found["session_id"], found["delivered_ms"], found["forgiven_ms"]) == (session, 90_999, 0)
    assert (found["watched_time"], found["charged"]) == (90, 90)
    resumed = (await start(p, int(str(await column(p, session, "video_id"))))).json()
    assert resumed["resume_position_ms"] == 90_000


async def test_an_operator_may_end_anybodys_session(platform: PlatformMaker) -> None:
    p = await everything(platform)
    session = (await start(p, await add_video(p, price_per_minute=0))).json()["session_id"]
    shown = p.user(OPERATOR, "operator")
    assert (await p.call("POST", "streaming", f"/api/stream/end/{session}", token=shown)).status_code == 200
    assert await column(p, session, "end_reason") == "operator"


async def test_a_silent_session_is_settled_by_the_sweep(platform: PlatformMaker) -> None:
    p = await everything(platform)
    await deposit(p, 1000)
    session = (await start(p, await add_video(p))).json()["session_id"]
    silent = "update stream_sessions set start_time = now() - interval '1 h', last_seen = now() - interval '91 s'"
    await p.db("streaming").run(silent)
    answer = await p.call("POST", "streaming", "/internal/sweep", token=p.service_token("streaming"))
    assert answer.json() == {"ended": 1, "settled": 1}
    assert await p.db("billing").value("select state from hold where session_id = :id", id=session) == "ended"
    assert await column(p, session, "settled_at is not null") is True


async def test_a_session_billing_never_heard_of_is_settled_at_nothing(platform: PlatformMaker) -> None:
    p = await everything(platform)
    session = await forgotten(p, (await start(p, await add_video(p), OWNER)).json()["session_id"])
    for _ in range(2):
        answer = await p.call("POST", "streaming", f"/api/stream/end/{session}", token=p.user(OWNER))
        assert (answer.status_code, answer.json()["charged"], answer.json()["watched_time"]) == (200, 0, 0)


async def test_nothing_starts_while_billing_or_videos_is_away(platform: PlatformMaker) -> None:
    p = await platform("streaming", "videos")
    answer = await start(p, await add_video(p))
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    p = await platform("streaming", "billing")
    assert (await start(p, 1)).status_code == 503
    assert await p.db("streaming").value("select count(*) from stream_sessions") == 0
