"""An edge and its origin: how they talk, who else may, and what happens when they cannot."""

import asyncio
import contextlib
import dataclasses
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest

from api.videos.held import MOST_OF_SESSION
from media.fetch import parse_line
from tests.conftest import Platform, PlatformMaker
from tests.edge.conftest import SECRET, EdgeMaker
from tests.edge.edges import Edge, running
from tests.edge.test_edge import PIECE, PLACE, is_problem, viewing
from tests.nginx import gateways
from tests.nginx.gateways import SEGMENT, Gateway
from tests.nginx.test_held import asked_for, film
from tests.nginx.wires import Tap, Wire
from tests.servers import free_port
from tests.streaming.playback import VIDEO, VIEWER, add_session, end, token_for

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nCache-Control: max-age=9\r\nX-Accel-Expires: 0\r\n\r\nfilm"
HELD = "360p/5-20000-24000.m4s"


@contextlib.asynccontextmanager
async def tap() -> AsyncIterator[tuple[str, Tap]]:
    """An origin that answers what the test says, and its address."""
    found = Tap()
    server = await asyncio.start_server(found._take, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", found
    finally:
        server.close()
        if found.writer is not None:
            found.writer.transport.abort()


@contextlib.contextmanager
def another(p: Platform, **other: str) -> Iterator[Edge]:
    """A second edge beside the first."""
    given = {**p.settings.values, "EDGE_NAME": "other", "EDGE_PORT": str(free_port()), **other}
    with running(dataclasses.replace(p.settings, values=given), p.settings.home / "run/other") as found:
        yield found


async def test_the_origin_hears_nothing_of_what_the_viewer_said(edge: EdgeMaker) -> None:
    async with tap() as (url, origin):
        p, _, e = await edge("streaming", ORIGIN_URL=url)
        session = await add_session(p)
        said = {"range": "bytes=0-9", "cookie": "a=b", "x-edge-secret": "mine", "x-session-id": "f" * 32}
        said |= {"authorization": "Bearer x", "if-none-match": '"x"', "user-agent": "odd", "x-request-id": "y" * 32}
        asked = asyncio.create_task(p.http.get(f"{e.url}/v/{token_for(p, session)}/{PLACE}?CMCD=sid", headers=said))
        heard = await origin.wait_for(b"\r\n\r\n")
        origin.answer(ANSWER)
        answer = await asked
    assert (answer.status_code, answer.content) == (200, b"film")
    request, *lines = heard.decode().strip().split("\r\n")
    assert request == f"GET /edge/made/{PLACE} HTTP/1.1"
    headers = {name.lower(): value for name, value in (line.split(": ") for line in lines)}
    expected = {"host": url.removeprefix("http://"), "x-edge-secret": SECRET, "x-session-id": session}
    assert headers == expected | {"x-request-id": answer.headers["x-request-id"]}


async def test_the_token_is_nowhere_but_in_the_address(edge: EdgeMaker) -> None:
    p, g, e, media = await viewing(edge)
    text = media.split("/")[4]
    g.write(f"{VIDEO}/1/master.m3u8", b"#EXTM3U\n")
    for path in (PIECE, "master.m3u8", "360p/13-52000-56000.m4s", "%00", "x" * 9000):
        await p.http.get(f"{media}/{path}")
    await p.http.get(f"{media.replace(text, text[:-4])}/{PIECE}")
    assert e.kept() == [PLACE.encode(), f"{VIDEO}/1/master.m3u8".encode()]
    # The cache of verdicts has it as a key: that is the question asked there.
    files = [f for f in e.settings.home.rglob("*") if f.is_file() and "verdicts" not in f.parts]
    assert {e.log.resolve(), g.log.resolve()} <= {f.resolve() for f in files}
    assert [f for f in files if text[32:60].encode() in f.read_bytes()] == []


async def test_many_viewers_of_a_cold_segment_are_one_request(edge: EdgeMaker) -> None:
    async with tap() as (url, origin):
        p, _, e = await edge("streaming", ORIGIN_URL=url)
        media = [f"{e.url}/v/{token_for(p, await add_session(p, user_id=n))}/{PLACE}" for n in range(1, 21)]
        asked = [asyncio.create_task(p.http.get(address)) for address in media]
        await origin.wait_for(b"\r\n\r\n")
        origin.answer(ANSWER)
        answers = await asyncio.gather(*asked)
        assert origin.received.count(b"GET ") == 1  # who came late found it kept
    assert {answer.content for answer in answers} == {b"film"}
    assert sorted(f.cache for f in await e.fetches(20)) == ["HIT"] * 19 + ["MISS"]


async def test_half_an_answer_is_not_kept(edge: EdgeMaker) -> None:
    async with tap() as (url, origin):
        p, _, e = await edge("streaming", ORIGIN_URL=url)
        media = f"{e.url}/v/{token_for(p, await add_session(p))}/{PLACE}"
        for _ in range(2):
            asked = asyncio.create_task(p.http.get(media))
            await origin.wait_for(b"\r\n\r\n")
            origin.received = b""
            origin.answer(ANSWER[:-2])
            assert origin.writer is not None
            origin.writer.close()
            with pytest.raises(httpx2.RemoteProtocolError):
                await asked
        assert [(f.cache, f.status, f.bytes, f.size) for f in await e.fetches(2)] == [("MISS", 200, 2, 4)] * 2
        assert e.kept() == []


async def test_what_is_kept_plays_on_without_the_origin(edge: EdgeMaker) -> None:
    p, g, e, media = await viewing(edge)
    g.write(f"{VIDEO}/1/master.m3u8", b"#EXTM3U\n")
    for path in (PIECE, "master.m3u8"):
        assert (await p.http.get(f"{media}/{path}")).status_code == 200
    g.process.send_signal(signal.SIGTERM)
    g.process.wait(10)
    async with asyncio.timeout(10):
        while (answer := await p.http.get(f"{media}/master.m3u8")).headers["x-cache"] == "HIT":
            assert answer.status_code == 200
    assert (answer.status_code, answer.headers["x-cache"], answer.content) == (200, "STALE", b"#EXTM3U\n")
    assert (await p.http.get(f"{media}/{PIECE}")).content == SEGMENT
    assert is_problem(await p.http.get(f"{media}/360p/13-52000-56000.m4s"), 503, "unavailable")
    assert (await p.http.get(f"{e.url}/health")).status_code == 503


async def test_nothing_kept_is_shown_while_nobody_can_say_to_whom(edge: EdgeMaker) -> None:
    p, _, _, media = await viewing(edge)
    place = media.partition("/v/")[2] + f"/{PIECE}"
    stranger = f"{token_for(p, await add_session(p))}/{PLACE}"
    async with Wire(p.settings.service_url("streaming")) as wire:
        with another(p, STREAMING_SERVICE_URL=wire.url, VERDICT_SOCKET="") as e:
            assert (await p.http.get(f"{e.url}/v/{place}")).content == SEGMENT
            await wire.cut()
            assert is_problem(await p.http.get(f"{e.url}/v/{stranger}"), 503, "unavailable")
            assert (await p.http.get(f"{e.url}/v/{place}")).content == SEGMENT


@pytest.mark.parametrize("shown", [None, "", "e" * 39, "E" * 40, "e" * 41, "e" * 39 + "f"])
async def test_the_gateway_shows_edges_alone_media_without_a_token(edge: EdgeMaker, shown: str | None) -> None:
    p, g, _, _ = await viewing(edge)
    headers = {} if shown is None else {"x-edge-secret": shown}
    for path in (PLACE, f"{VIDEO}/1/360p/init.mp4", f"{VIDEO}/1/master.m3u8", "health"):
        for address in (f"{g.url}/edge/{path}", f"{g.url}/edge/{path}?x-edge-secret={SECRET}"):
            answer = await p.http.get(address, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
            assert SEGMENT[:64] not in answer.content


async def test_a_gateway_without_the_setting_has_no_edges(platform: PlatformMaker, home: Path) -> None:
    p = await platform("streaming", STREAMIFY_HOME=str(home), GATEWAY_PORT=str(free_port()))
    assert p.settings.text("EDGE_SECRET") == ""
    with gateways.running(p.settings) as g:
        g.write(PLACE)
        for headers in ({}, {"x-edge-secret": ""}, {"x-edge-secret": SECRET}):
            assert (await p.http.get(f"{g.url}/edge/{PLACE}", headers=headers)).status_code == 403


async def test_the_door_leads_to_media_and_nothing_else(edge: EdgeMaker) -> None:
    p, g, _, _ = await viewing(edge)
    shown = {"x-edge-secret": SECRET, "range": "bytes=0-9"}
    assert (await p.http.get(f"{g.url}/edge/{PLACE}", headers=shown)).content == SEGMENT
    for path in ("/edge/", "/edge", "/edge/7/1/source.mp4", f"/edge/{PLACE}/..", "/edge/7/1/360p/", f"/edge/v/{PLACE}"):
        assert (await p.http.get(g.url + path, headers=shown)).status_code == 404
    assert (await p.http.post(f"{g.url}/edge/{PLACE}", headers=shown)).status_code == 405
    assert g.log.read_bytes() == b""


async def test_a_function_of_a_cdn_may_ask_for_verdicts(edge: EdgeMaker) -> None:
    p, g, _, _ = await viewing(edge)
    live, gone = await add_session(p), await add_session(p)
    await end(p, gone)

    async def ask(text: str, video: int = VIDEO, secret: str = SECRET) -> httpx2.Response:
        headers = {"x-edge-secret": secret, "x-token": text, "x-video": str(video)}
        return await p.http.get(f"{g.url}/edge/verdict", headers=headers)

    yes = await ask(token_for(p, live))
    assert (yes.status_code, yes.headers["x-session-id"], yes.headers["x-user-id"]) == (204, live, str(VIEWER))
    assert 0 < int(yes.headers["x-fresh-s"]) <= 5
    assert yes.headers.get_list("cache-control") == ["no-store"]
    for text, video, reason in ((token_for(p, gone), VIDEO, "session_ended"), (token_for(p, live), 8, "bad_token")):
        no = await ask(text, video)
        assert (no.status_code, no.headers["x-reason"]) == (403, reason)
        assert no.headers.get_list("cache-control") == ["no-store"]
    stranger = await ask(token_for(p, live), secret="f" * 40)
    assert (stranger.status_code, "x-session-id" in stranger.headers) == (403, False)


async def test_an_edge_that_the_gateway_does_not_know_says_so(edge: EdgeMaker) -> None:
    p, _, e, _ = await viewing(edge)
    assert (await p.http.get(f"{e.url}/health")).json() == {"status": "ok"}
    with another(p, EDGE_SECRET="f" * 40) as stranger:
        answer = await p.http.get(f"{stranger.url}/health")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def held_film(edge: EdgeMaker) -> tuple[Platform, Gateway, Edge, int, str]:
    """A film of which no segment is made, and its address at the edge."""
    made: list[Edge] = []

    async def gateway(*services: str) -> tuple[Platform, Gateway]:
        p, g, e = await edge(*services)
        made.append(e)
        return p, g

    p, g, video, media = await film(gateway)
    return p, g, made[0], video, media.replace(g.url, made[0].url)


async def test_a_segment_that_is_not_made_yet_is_waited_for(edge: EdgeMaker) -> None:
    p, g, e, video, media = await held_film(edge)
    asked = asyncio.create_task(p.http.get(f"{media}/{HELD}"))
    await asked_for(p)
    g.write(f"{video}/1/{HELD}")
    assert (await asked).content == SEGMENT
    async with asyncio.timeout(5):
        while (await p.http.get(f"{media}/{HELD}")).headers.get("x-cache") != "HIT":
            pass
    first, *others = [parse_line(line) for line in e.log.read_bytes().splitlines()]
    assert {(f.status, f.bytes, f.size, f.index) for f in (first, *others)} == {(200, len(SEGMENT), len(SEGMENT), 5)}
    assert (first.cache, others[-1].cache) == ("", "HIT")


async def test_who_waits_at_an_edge_waits_in_the_name_of_the_session(edge: EdgeMaker) -> None:
    p, _, _, _, media = await held_film(edge)
    names = [f"{k}-{k * 4000}-{k * 4000 + 4000}.m4s" for k in range(MOST_OF_SESSION + 1)]
    asked = [asyncio.create_task(p.http.get(f"{media}/360p/{name}")) for name in names]
    done, waiting = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    (refused,) = done
    assert is_problem(refused.result(), 503, "busy")
    assert refused.result().headers["retry-after"] == "2"
    for request in waiting:
        request.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    # Who has gone makes room at once, and not when the waiting would have ended.
    async with asyncio.timeout(6):
        while not await waits(p, f"{media}/{HELD}"):
            pass


async def waits(p: Platform, address: str) -> bool:
    """Whether a request for something unmade is left waiting, and not refused."""
    try:
        return (await p.http.get(address, timeout=2)).status_code != 503
    except httpx2.ReadTimeout:
        return True
