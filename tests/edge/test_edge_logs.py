"""Fetch lines of a CDN come in over HTTP: every byte once, in order, on the disk before the answer."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from tests.billing.scenes import Scene, check_books, played, until
from tests.conftest import Platform, PlatformMaker
from tests.streaming.playback import VIDEO, VIEWER, add_session
from tests.workers.test_meter import charged, pipeline


def line(number: int = 0, **other: Any) -> str:
    """A fetch line as a converter would write it."""
    fetch = msgspec.json.decode(played("s" * 32, 4000 * number, 4000 * number + 4000)[0])
    return str(msgspec.json.encode(fetch | {"edge": "cdn"} | other), "utf-8") + "\n"


async def send(p: Platform, lines: str, start: int = 0, generation: int = 1, **other: Any) -> httpx2.Response:
    body = {"edge": "cdn", "generation": generation, "start": start, "lines": lines, **other}
    return await p.call("POST", "streaming", "/internal/edge-logs", json=body, token=p.service_token("streaming"))


def file(p: Platform, generation: int = 1) -> Path:
    return p.settings.path("FETCH_LOG_ROOT") / f"cdn-{generation}.log"


def refused(answer: httpx2.Response, generation: int, position: int) -> bool:
    """The answer says where to go on."""
    body = answer.json()
    assert (answer.status_code, body["code"]) == (409, "wrong_position")
    return (body["generation"], body["position"]) == (generation, position)


async def test_batches_are_the_file(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    one, two = line(0), line(1) + line(2)
    answer = await send(p, one)
    assert (answer.status_code, answer.json()) == (
        200,
        {"edge": "cdn", "generation": 1, "position": len(one), "refused": 0},
    )
    assert (await send(p, two, len(one))).json()["position"] == len(one + two)
    assert file(p).read_text() == one + two


async def test_a_batch_sent_again_changes_nothing(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    one = line()
    await send(p, one)
    for start in (0, 1, len(one) - 1, len(one) + 1, 10**12):
        assert refused(await send(p, one, start), 1, len(one))
    assert file(p).read_text() == one


async def test_many_at_once_are_written_one_behind_the_other(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    one = line()
    answers = await asyncio.gather(*(send(p, one) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    assert file(p).read_text() == one


async def test_a_newer_generation_closes_the_older(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    one = line()
    assert refused(await send(p, one, 5), 1, 0)
    await send(p, one)
    assert refused(await send(p, one, 5, 2), 1, len(one))
    assert (await send(p, one, 0, 4)).json()["generation"] == 4
    assert refused(await send(p, one, len(one), 1), 4, len(one))
    assert refused(await send(p, one, 0, 3), 4, len(one))
    assert (file(p, 1).read_text(), file(p, 4).read_text()) == (one, one)


async def test_what_a_killed_service_left_half_is_gone_on_with(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    one, two = line(0), line(1)
    await send(p, one)
    with file(p).open("a") as half:
        half.write(two[:20])
    assert refused(await send(p, two, len(one)), 1, len(one) + 20)
    assert (await send(p, two[20:], len(one) + 20)).status_code == 200
    assert file(p).read_text() == one + two


async def test_lines_that_are_no_fetches_are_kept_and_counted(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    lines = line() + "no json\n" + line(t_ms=-1) + "\0\n" + "é" * 1100 + "\n"
    answer = await send(p, lines)
    assert (answer.json()["refused"], answer.json()["position"]) == (4, len(lines.encode()))
    assert file(p).read_bytes() == lines.encode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"lines": ""},
        {"lines": "{}"},
        {"lines": "{}\n{}"},
        {"lines": ["{}\n"]},
        {"lines": line(edge="origin")},
        {"edge": "../cdn"},
        {"edge": "cdn-1"},
        {"edge": "CDN"},
        {"edge": ""},
        {"edge": "c" * 33},
        {"generation": 0},
        {"generation": 10**10},
        {"generation": "1"},
        {"start": -1},
        {"start": 1.5},
        {"more": 1},
    ],
)
async def test_what_cannot_be_meant_is_refused(platform: PlatformMaker, wrong: dict[str, Any]) -> None:
    p = await platform("streaming")
    answer = await send(p, **{"lines": line(), **wrong})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    root = p.settings.path("FETCH_LOG_ROOT")
    assert not root.exists() or list(root.iterdir()) == []


async def test_half_a_character_is_refused(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    body = b'{"edge":"cdn","generation":1,"start":0,"lines":"\\ud800\\n"}'
    token = p.service_token("streaming")
    answer = await p.call("POST", "streaming", "/internal/edge-logs", content=body, token=token)
    assert answer.status_code == 422


async def test_a_batch_is_a_megabyte_at_most(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    assert (await send(p, line() * 4000)).status_code == 413
    assert not file(p).exists()


@pytest.mark.parametrize("name", ["origin", "edge", "eu"])
async def test_a_log_that_nginx_writes_is_not_touched(platform: PlatformMaker, name: str) -> None:
    p = await platform("streaming")
    root = p.settings.path("FETCH_LOG_ROOT")
    root.mkdir(parents=True)
    (root / "eu.log").symlink_to("eu-1.log")
    answer = await send(p, line(edge=name), edge=name)
    assert (answer.status_code, answer.json()["code"]) == (409, "edge_is_local")
    assert not (root / f"{name}-1.log").exists()


async def test_only_services_send_lines_and_ask_for_owners(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    for token in (None, p.user(1), p.user(1, "operator"), p.service_token("billing")):
        for method, path in (("POST", "edge-logs"), ("GET", "sessions?ids=" + "a" * 32)):
            answer = await p.call(method, "streaming", f"/internal/{path}", json={}, token=token)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_a_log_that_cannot_be_written_says_so(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    root = p.settings.path("FETCH_LOG_ROOT")
    root.mkdir(parents=True)
    (root / "cdn-1.log").symlink_to("/dev/full")
    answer = await send(p, line())
    assert (answer.status_code, answer.json()["code"]) == (507, "log_unwritable")


async def test_a_converter_learns_whose_the_sessions_are(platform: PlatformMaker) -> None:
    p = await platform("streaming")
    session, token = await add_session(p), p.service_token("streaming")
    answer = await p.call("GET", "streaming", f"/internal/sessions?ids={session},{'0' * 32}", token=token)
    assert answer.json() == [{"session_id": session, "user_id": VIEWER, "video_id": VIDEO}]
    for ids in ("", "x", f"{session},", ",".join([session] * 201)):
        assert (await p.call("GET", "streaming", f"/internal/sessions?ids={ids}", token=token)).status_code == 422


async def test_lines_that_came_over_http_are_paid_once(platform: PlatformMaker) -> None:
    p = await platform("billing", "streaming")
    scene = Scene(p)
    await scene.deposit()
    await scene.start("s")
    lines = [msgspec.json.decode(raw) | {"edge": "cdn"} for raw in played("s", 0, 40_000)]
    text = "".join(str(msgspec.json.encode(fetch), "utf-8") + "\n" for fetch in lines)
    async with pipeline(scene):
        for _ in range(2):
            await send(p, text)
        await charged(scene, 40_000)
        await send(p, text, len(text))
        await send(p, text, 0, 2)

        async def read_all() -> bool:
            sql = "select generation = 2 and byte_offset = :end from log_position where stream = 'fetches:cdn'"
            return bool(await p.db("billing").value(sql, end=len(text)))

        await until(read_all, 30)
    await charged(scene, 40_000)
    await check_books(scene.db)
