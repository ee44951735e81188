"""What nginx is told about a token: who may go on, for how long it may rely on that, and why not."""

import time

import httpx2
import pytest

from api.streaming import token, verdicts
from tests.conftest import Platform, PlatformMaker
from tests.streaming.playback import VIDEO, VIEWER, add_session, change, column, end, token_for


async def ask(p: Platform, text: str, video: object = VIDEO) -> httpx2.Response:
    return await p.call("GET", "streaming", "/internal/verdict", headers={"x-token": text, "x-video": str(video)})


def denied(answer: httpx2.Response) -> tuple[int, str, str]:
    return answer.status_code, answer.headers["x-reason"], answer.headers["x-accel-expires"]


async def test_a_live_session_may_fetch_and_is_named(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    session = await add_session(p)
    answer = await ask(p, token_for(p, session))
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["x-session-id"] == session
    assert answer.headers["x-user-id"] == str(VIEWER)
    assert answer.headers["x-accel-expires"] == "5"
    assert answer.headers["cache-control"] == "stale-while-revalidate=5, stale-if-error=60"


async def test_the_stale_times_come_before_the_fresh_one_for_older_nginx(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    answer = await ask(p, token_for(p, await add_session(p)))
    names = [name.lower() for name, _ in answer.headers.raw]
    assert names.index(b"cache-control") < names.index(b"x-accel-expires")


@pytest.mark.parametrize(
    ("left_s", "fresh_s", "refresh_s", "outage_s"),
    [(1, 1, 0, 0), (5, 5, 0, 0), (8, 5, 3, 3), (10, 5, 5, 5), (40, 5, 5, 35), (9999, 5, 5, 60)],
)
def test_no_verdict_outlives_its_token(left_s: int, fresh_s: int, refresh_s: int, outage_s: int) -> None:
    found = verdicts.allowed("s", 1, left_s)
    assert (found.fresh_s, found.refresh_s, found.outage_s) == (fresh_s, refresh_s, outage_s)
    assert found.fresh_s + max(found.refresh_s, found.outage_s) <= left_s


async def test_a_forged_token_is_refused_and_never_kept(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    good = token_for(p, await add_session(p))
    forged = token.write(token.make_signer("x" * 40), token.Token(good[:32], VIDEO, int(time.time()) + 60))
    for text in (forged, good[:-9] + "AAAAAAAAA", "", "x"):
        assert denied(await ask(p, text)) == (403, "bad_token", "0")
    assert denied(await p.call("GET", "streaming", "/internal/verdict")) == (403, "bad_token", "0")


async def test_a_token_opens_only_its_own_video(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    text = token_for(p, await add_session(p))
    for video in ("8", "07", "", "7/", "77", "x"):
        assert denied(await ask(p, text, video)) == (403, "bad_token", "2")


async def test_a_token_of_one_session_does_not_open_the_video_of_another(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    other = await add_session(p, video_id=8)
    assert denied(await ask(p, token_for(p, other, VIDEO))) == (403, "bad_token", "2")


async def test_an_expired_token_is_refused(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    session = await add_session(p)
    assert denied(await ask(p, token_for(p, session, life_s=-1))) == (403, "bad_token", "2")


async def test_a_session_nobody_knows_is_refused(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    assert denied(await ask(p, token_for(p, "f" * 32))) == (403, "bad_token", "2")


async def test_an_ended_session_is_refused_whatever_else_it_is(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    session = await add_session(p, spent=True)
    await end(p, session)
    assert denied(await ask(p, token_for(p, session))) == (403, "session_ended", "2")


async def test_a_spent_session_is_refused_until_the_money_is_back(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    session = await add_session(p)
    path, service = f"/internal/sessions/{session}/spent", p.service_token("streaming", "billing")
    for _ in range(2):
        assert (await p.call("PUT", "streaming", path, json={"spent": True}, token=service)).status_code == 204
    assert denied(await ask(p, token_for(p, session))) == (403, "insufficient_balance", "2")
    assert (await p.call("PUT", "streaming", path, json={"spent": False}, token=service)).status_code == 204
    assert (await ask(p, token_for(p, session))).status_code == 204


async def test_a_verdict_is_a_sign_of_life_noted_every_ten_seconds(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    session = await add_session(p, silent_s=9)
    before = await column(p, session, "last_seen")
    await ask(p, token_for(p, session))
    assert await column(p, session, "last_seen") == before
    await change(p, session, "spent", True)
    sql = "update stream_sessions set last_seen = now() - interval '11 s' where session_id = :id returning last_seen"
    before = await p.db("streaming").value(sql, id=session)
    await ask(p, token_for(p, session))
    assert await column(p, session, "last_seen") == before
    await change(p, session, "spent", False)
    await ask(p, token_for(p, session))
    assert await column(p, session, "last_seen > now() - interval '5 s'") is True
