"""What nginx is told about a token: who may go on, for how long it may rely on that, and why not."""

import time
from typing import Any

import httpx2
import pytest

from api.streaming import live, near, token, verdicts
from tests.conftest import Platform, PlatformMaker
from tests.streaming.playback import VIDEO, VIEWER, add_session, column, end, token_for


async def ask(p: Platform, text: str, video: object = VIDEO) -> httpx2.Response:
    return await p.call("GET", "streaming", "/internal/verdict", headers={"x-token": text, "x-video": str(video)})


async def ask_until(p: Platform, text: str, end_ms: int) -> httpx2.Response:
    """About a segment that ends there."""
    asked = {"x-token": text, "x-video": str(VIDEO), "x-rendition": "360p"}
    asked |= {"x-start-ms": str(end_ms - 4000), "x-end-ms": str(end_ms)}
    return await p.call("GET", "streaming", "/internal/verdict", headers=asked)


def denied(answer: httpx2.Response) -> tuple[int, str, str]:
    return answer.status_code, answer.headers["x-reason"], answer.headers["x-accel-expires"]


async def test_a_live_session_may_fetch_and_is_named(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    session = await add_session(p)
    answer = await ask(p, token_for(p, session))
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["x-session-id"] == session
    assert answer.headers["x-user-id"] == str(VIEWER)
    assert answer.headers["x-accel-expires"] == "3"
    assert answer.headers["cache-control"] in {f"stale-if-error={s}" for s in (55, 56)}


async def test_the_stale_times_come_before_the_fresh_one_for_older_nginx(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    answer = await ask(p, token_for(p, await add_session(p)))
    names = [name.lower() for name, _ in answer.headers.raw]
    assert names.index(b"cache-control") < names.index(b"x-accel-expires")


@pytest.mark.parametrize(
    ("left_s", "fresh_s", "outage_s"), [(1, 0, 0), (2, 1, 0), (4, 3, 0), (5, 3, 1), (40, 3, 36), (9999, 3, 56)]
)
def test_no_verdict_outlives_its_token(left_s: int, fresh_s: int, outage_s: int) -> None:
    found = verdicts.allowed("s", 1, left_s)
    assert (found.fresh_s, found.outage_s) == (fresh_s, outage_s)
    # nginx serves what it may keep for n seconds for almost n + 1.
    assert found.fresh_s + found.outage_s + 1 <= left_s


def test_what_a_verdict_rests_on_ages_with_it() -> None:
    assert verdicts.allowed("s", 1, 9999, age_s=20).outage_s == 36
    assert verdicts.allowed("s", 1, 9999, age_s=90).outage_s == 0
    assert verdicts.allowed("s", 1, 9999, age_s=20).fresh_s == 3


def test_nothing_is_begun_on_a_verdict_older_than_five_seconds() -> None:
    assert verdicts.FRESH_S + 1 + max(near.DEAF_S, live.AGAIN_S) < 5
    assert verdicts.FRESH_S + verdicts.OUTAGE_S + 1 <= 60


async def test_a_forged_token_is_refused_and_never_kept(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    good = token_for(p, await add_session(p))
    forged = token.write(token.make_signer("x" * 40), token.Token(good[:32], VIDEO, int(time.time()) + 60))
    for text in (forged, good[:-9] + "AAAAAAAAA", "", "x"):
        assert denied(await ask(p, text)) == (403, "bad_token", "0")
    assert denied(await p.call("GET", "streaming", "/internal/verdict")) == (403, "bad_token", "0")


async def test_a_token_opens_only_its_own_video_and_no_other_is_remembered(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    text = token_for(p, await add_session(p))
    for video in ("8", "07", "", "7/", "77", "x"):
        assert denied(await ask(p, text, video)) == (403, "bad_token", "0")


async def test_a_token_of_one_session_does_not_open_the_video_of_another(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    other = await add_session(p, video_id=8)
    assert denied(await ask(p, token_for(p, other, VIDEO))) == (403, "bad_token", "0")


async def test_a_session_goes_on_when_its_secret_is_not_the_newest_any_more(platform: PlatformMaker) -> None:
    old, new, unknown = (token.make_signer(c * 40) for c in "onu")
    p = await platform("streaming", TOKEN_SECRET=f"{'n' * 40},{'o' * 40}")
    shown = token.Token(await add_session(p), VIDEO, int(time.time()) + 60)
    assert [(await ask(p, token.write(s, shown))).status_code for s in (old, new, unknown)] == [204, 204, 403]
    answer = await p.call("GET", "streaming", f"/api/stream/url/{shown.session_id}", token=p.user(VIEWER))
    assert token.parse(new, answer.json()["url"].split("/")[2]).session_id == shown.session_id


async def test_an_expired_token_is_refused(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    session = await add_session(p)
    assert denied(await ask(p, token_for(p, session, life_s=-1))) == (403, "bad_token", "0")


async def test_a_session_nobody_knows_is_refused(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    assert denied(await ask(p, token_for(p, "f" * 32))) == (403, "bad_token", "0")


async def test_an_ended_session_is_refused_whatever_else_it_is(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    session = await add_session(p, spent=True)
    await end(p, session)
    assert denied(await ask(p, token_for(p, session))) == (403, "session_ended", "2")


async def tell(p: Platform, session: str, word: int, *, spent: bool, final: bool = True) -> None:
    body, service = {"word": word, "spent": spent, "final": final}, p.service_token("streaming", "billing")
    answer = await p.call("PUT", "streaming", f"/internal/sessions/{session}/spent", json=body, token=service)
    assert answer.status_code == 204


async def test_a_spent_session_is_refused_until_the_money_is_back(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    session = await add_session(p)
    assert (await ask(p, token_for(p, session))).status_code == 204
    for _ in range(2):
        await tell(p, session, 5, spent=True)
    assert denied(await ask(p, token_for(p, session))) == (403, "insufficient_balance", "2")
    await tell(p, session, 6, spent=False)
    assert (await ask(p, token_for(p, session))).status_code == 204


async def test_a_daily_limit_is_a_reason_of_its_own(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    session = await add_session(p, spent=True, limited=True)
    assert denied(await ask(p, token_for(p, session))) == (403, "daily_limit", "2")
    # It is the balance after all.
    await tell(p, session, 1, spent=True)
    assert denied(await ask(p, token_for(p, session))) == (403, "insufficient_balance", "2")


async def test_a_preview_is_served_without_money_and_no_verdict_of_it_is_kept(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    text = token_for(p, await add_session(p, spent=True, preview_ms=8000))
    for answer in (await ask(p, text), await ask_until(p, text, 4000), await ask_until(p, text, 8000)):
        assert (answer.status_code, answer.headers["x-accel-expires"]) == (204, "0")
    for end_ms in (8001, 12_000):
        assert denied(await ask_until(p, text, end_ms)) == (403, "insufficient_balance", "0")
    paid = token_for(p, await add_session(p, preview_ms=8000))
    assert (await ask_until(p, paid, 600_000)).headers["x-accel-expires"] == "3"


async def test_an_end_is_in_the_next_verdict(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    session = await add_session(p)
    text = token_for(p, session)
    assert (await ask(p, text)).status_code == 204
    await p.call("POST", "streaming", f"/api/stream/end/{session}", json={}, token=p.user(VIEWER))
    assert denied(await ask(p, text)) == (403, "session_ended", "2")


async def test_of_billings_words_the_last_one_said_holds_whenever_it_arrives(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    session = await add_session(p)
    await tell(p, session, 8, spent=True)
    await tell(p, session, 7, spent=False, final=False)
    assert denied(await ask(p, token_for(p, session))) == (403, "insufficient_balance", "2")
    assert await column(p, session, "final") is True


async def test_a_verdict_of_a_session_that_is_nearly_spent_is_not_kept(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    session = await add_session(p)
    await tell(p, session, 1, spent=False, final=True)
    answer = await ask(p, token_for(p, session))
    assert (answer.status_code, answer.headers["x-accel-expires"]) == (204, "0")
    assert "cache-control" not in answer.headers


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"user_id": VIEWER}, "account_disabled"),
        ({"video_id": VIDEO, "deleted": True}, "video_deleted"),
        ({"video_id": VIDEO}, "session_ended"),
        ({"video_id": VIDEO, "user_id": VIEWER}, "session_ended"),
    ],
)
async def test_the_next_verdict_says_why_it_is_over(platform: PlatformMaker, told: Any, reason: str) -> None:
    p = await platform("streaming")
    text, service = token_for(p, await add_session(p)), p.service_token("streaming", "videos")
    assert (await ask(p, text)).status_code == 204
    assert (await p.call("POST", "streaming", "/internal/sessions/end", json=told, token=service)).status_code == 200
    assert denied(await ask(p, text)) == (403, reason, "2")


async def test_of_more_sessions_than_are_allowed_now_the_first_ones_go_on(platform: PlatformMaker) -> None:
    p = await platform("streaming", MAX_SESSIONS="2")
    texts = {session: token_for(p, session) for session in [await add_session(p) for _ in range(3)]}
    others = token_for(p, await add_session(p, user_id=VIEWER + 1))
    first, _, last = texts
    answers = [await ask(p, text) for text in (*texts.values(), others)]
    assert [answer.status_code for answer in answers] == [204, 204, 403, 204]
    assert denied(answers[2]) == (403, "too_many_sessions", "2")
    await p.call("POST", "streaming", f"/api/stream/end/{first}", json={}, token=p.user(VIEWER))
    deadline = time.monotonic() + 5
    while (await ask(p, texts[last])).status_code != 204:  # the end of one is forgotten first, then that of its elders
        assert time.monotonic() < deadline


async def test_a_verdict_is_a_sign_of_life_and_a_sweep_hears_it_first(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    session, silent = await add_session(p, silent_s=91), await add_session(p, silent_s=91)
    await ask(p, token_for(p, session))
    answer = await p.call("POST", "streaming", "/internal/sweep", token=p.service_token("streaming", "sweep"))
    assert answer.json()["ended"] == 1
    assert await column(p, session, "last_seen > now() - interval '5 s'") is True
    assert await column(p, silent, "end_reason") == "silent"


async def test_a_denial_is_no_sign_of_life_and_ten_seconds_are_soon_enough(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    spent, lately = await add_session(p, silent_s=60, spent=True), await add_session(p, silent_s=9)
    before = [await column(p, session, "last_seen") for session in (spent, lately)]
    for session in (spent, lately):
        await ask(p, token_for(p, session))
    await p.call("POST", "streaming", "/internal/sweep", token=p.service_token("streaming", "sweep"))
    assert [await column(p, session, "last_seen") for session in (spent, lately)] == before
