"""A session's address, its lists and its heartbeats, as its viewer and strangers see them."""

from typing import Any

import pytest

from api.streaming import token
from api.streaming.sessions import resume_at
from tests.conftest import Platform, PlatformMaker
from tests.streaming.playback import FILM_MS, VIDEO, VIEWER, add_session, column, end

STRANGER, OPERATOR = 42, 1


async def get(p: Platform, path: str, user_id: int = VIEWER, role: str = "user") -> Any:
    return await p.call("GET", "streaming", path, token=p.user(user_id, role))


async def test_the_url_of_a_session_carries_a_token_of_that_session_and_video(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    session = await add_session(p)
    answer = await get(p, f"/api/stream/url/{session}")
    assert answer.status_code == 200
    empty, v, text, video, generation, name = answer.json()["url"].split("/")
    assert (empty, v, video, generation, name) == ("", "v", str(VIDEO), "1", "master.m3u8")
    read = token.parse(token.make_signer(p.settings.secret("TOKEN_SECRET")), text)
    assert (read.session_id, read.video_id) == (session, VIDEO)
    assert answer.json()["expires_at"] == read.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_an_ended_session_has_no_url(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    session = await add_session(p)
    await end(p, session)
    answer = await get(p, f"/api/stream/url/{session}")
    assert (answer.status_code, answer.json()["code"]) == (410, "session_ended")


@pytest.mark.parametrize("bad", ["f" * 32, "1", "%00", "%F0%9F%8E%AC", "'", "x" * 3000])
async def test_a_session_nobody_opened_is_not_found(platform: PlatformMaker, bad: str) -> None:
    p = await platform("streaming")
    answer = await get(p, f"/api/stream/url/{bad}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_other_peoples_sessions_look_as_if_they_did_not_exist(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    session = await add_session(p)
    for method, path, body in (
        ("GET", "url", None),
        ("PUT", "heartbeat", {"position_ms": 5}),
        ("POST", "end", {}),
    ):
        answer = await p.call(method, "streaming", f"/api/stream/{path}/{session}", json=body, token=p.user(STRANGER))
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert await column(p, session, "is_active") is True


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/stream/start/7"),
        ("GET", "/api/stream/url/" + "f" * 32),
        ("PUT", "/api/stream/heartbeat/" + "f" * 32),
        ("POST", "/api/stream/end/" + "f" * 32),
        ("GET", "/api/stream/sessions"),
        ("GET", "/api/stream/resume"),
    ],
)
async def test_every_call_needs_a_signed_in_user(platform: PlatformMaker, method: str, path: str) -> None:
    p = await platform("streaming")
    for shown in (None, "nonsense", p.service_token("streaming")):
        assert (await p.call(method, "streaming", path, token=shown)).status_code == 401


async def test_people_see_their_own_sessions_and_operators_all(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    mine, theirs = await add_session(p), await add_session(p, user_id=STRANGER)
    listed = (await get(p, "/api/stream/sessions")).json()["items"]
    assert [row["session_id"] for row in listed] == [mine]
    everyones = (await get(p, "/api/stream/sessions", OPERATOR, "operator")).json()["items"]
    assert [row["session_id"] for row in everyones] == [theirs, mine]


async def test_the_list_can_be_of_live_or_of_ended_sessions(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    live, ended = await add_session(p), await add_session(p)
    await end(p, ended)

    async def ids(query: str) -> list[str]:
        return [row["session_id"] for row in (await get(p, "/api/stream/sessions" + query)).json()["items"]]

    assert await ids("?active=true") == [live]
    assert await ids("?active=false") == [ended]
    assert await ids("") == [ended, live]
    assert (await get(p, "/api/stream/sessions?active=perhaps")).status_code == 422
    assert (await get(p, "/api/stream/sessions?user_id=42")).status_code == 422


GOOD = {"position_ms": 5}
BAD_BEATS: list[Any] = [
    {},
    {"position_ms": -1},
    {"position_ms": 10**15},
    {"position_ms": "5"},
    {"position_ms": 1.5},
    {"position_ms": True},
    {"position_ms": None},
    GOOD | {"rate": 0},
    GOOD | {"rate": 17},
    GOOD | {"rendition": "../../etc"},
    GOOD | {"rendition": "720p\n"},
    GOOD | {"stalls": -1},
    GOOD | {"stall_ms": 10**12},
    GOOD | {"buffer_ms": 2**40},
    GOOD | {"dropped_frames": 2**31},
    GOOD | {"playing": "yes"},
    GOOD | {"user_id": 1},
    [],
    "5",
]


async def test_a_heartbeat_with_a_wrong_field_is_refused_and_changes_nothing(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    session = await add_session(p, silent_s=60)
    before = await column(p, session, "last_seen")
    for body in BAD_BEATS:
        path = f"/api/stream/heartbeat/{session}"
        answer = await p.call("PUT", "streaming", path, json=body, token=p.user(VIEWER))
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), body
        assert answer.json()["errors"]
    assert await column(p, session, "position_ms") == 0
    assert await column(p, session, "last_seen") == before


async def test_a_heartbeat_is_kept_even_while_billing_is_away(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    session = await add_session(p, silent_s=60)
    body = {"position_ms": 90_000, "playing": True, "rate": 1.5, "buffer_ms": 29_000, "rendition": "720p"}
    body |= {"stalls": 2, "stall_ms": 900, "startup_ms": 700, "dropped_frames": 4}
    answer = await p.call("PUT", "streaming", f"/api/stream/heartbeat/{session}", json=body, token=p.user(VIEWER))
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    for name, value in body.items():
        assert await column(p, session, "fastest_rate" if name == "rate" else name) == value
    assert await column(p, session, "last_seen > now() - interval '5 s'") is True
    items = (await get(p, "/api/stream/resume")).json()["items"]
    assert [(row["video_id"], row["position_ms"]) for row in items] == [(VIDEO, 90_000)]


async def test_counters_of_a_late_heartbeat_never_go_back(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    session = await add_session(p)
    for told in ({"stalls": 3, "startup_ms": 700, "rate": 2}, {"stalls": 2, "startup_ms": 900, "rate": 1}, {}):
        path, body = f"/api/stream/heartbeat/{session}", {"position_ms": 5, **told}
        await p.call("PUT", "streaming", path, json=body, token=p.user(VIEWER))
    assert await column(p, session, "array[stalls, startup_ms, fastest_rate]") == [3, 700, 2]


async def test_a_heartbeat_of_an_ended_session_is_told_so(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    session = await add_session(p)
    await end(p, session)
    path = f"/api/stream/heartbeat/{session}"
    answer = await p.call("PUT", "streaming", path, json=GOOD, token=p.user(VIEWER))
    assert (answer.status_code, answer.json()["code"]) == (410, "session_ended")
    assert (await get(p, "/api/stream/resume")).json()["items"] == []


@pytest.mark.parametrize(
    ("position_ms", "goes_on_at"),
    [(0, 0), (1, 1), (569_999, 569_999), (570_000, 0), (FILM_MS, 0), (10**9, 0)],
)
def test_a_film_seen_to_the_end_starts_over(position_ms: int, goes_on_at: int) -> None:
    assert resume_at(position_ms, FILM_MS) == goes_on_at


def test_a_short_clip_keeps_all_but_its_last_twentieth() -> None:
    assert [resume_at(ms, 20_000) for ms in (18_999, 19_000)] == [18_999, 0]
