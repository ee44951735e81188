"""Who gets media from the gateway, who does not, and what a refusal looks like to a player."""

import time
from typing import Any

import pytest

from api.streaming import token
from tests.conftest import Platform
from tests.nginx.conftest import GatewayMaker
from tests.nginx.gateways import SEGMENT, Gateway
from tests.streaming.playback import VIDEO, VIEWER, add_session, change, end, token_for
from tests.videos.uploading import posted

PIECE = "360p/0-0-4000.m4s"


async def playing(gateway: GatewayMaker, **overrides: str) -> tuple[Platform, Gateway, str]:
    """A gateway with one segment, and the address of a live session's media."""
    p, g = await gateway("streaming", **overrides)
    for video in (VIDEO, 8):
        g.write(f"{video}/1/{PIECE}")
        g.write(f"{video}/1/master.m3u8", b"#EXTM3U\n" + b"# a line of a playlist\n" * 100)
    return p, g, f"{g.url}/v/{token_for(p, await add_session(p))}/{VIDEO}/1"


def is_problem(answer: Any, status: int, code: str) -> bool:
    """The refusal is whole: typed, readable from any origin, with its request id, and never kept by a cache."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["request_id"] == answer.headers["x-request-id"]
    assert set(body) == {"type", "title", "status", "detail", "code", "request_id"}
    assert body["detail"].endswith(".")
    return (answer.status_code, body["status"], body["code"]) == (status, status, code)


async def test_a_valid_token_plays(gateway: GatewayMaker) -> None:
    p, _, media = await playing(gateway)
    answer = await p.http.get(f"{media}/{PIECE}")
    assert (answer.status_code, answer.content) == (200, SEGMENT)
    assert answer.headers["content-type"] == "video/iso.segment"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "accept-ranges" not in answer.headers


async def test_what_a_player_says_of_itself_changes_neither_file_nor_verdict(gateway: GatewayMaker) -> None:
    """CTA-5004 in the query: for analytics, and for nothing else."""
    p, g, media = await playing(gateway)
    for said in ("bl%3D12000%2Csid%3D%22a%22", "bl%3D400%2Cbs%2Csid%3D%22b%22", "%00%0a%22" * 300):
        answer = await p.http.get(f"{media}/{PIECE}?CMCD={said}")
        assert (answer.status_code, answer.content) == (200, SEGMENT)
    assert [fetch.verdict_cache for fetch in await g.fetches(3)] == ["MISS", "HIT", "HIT"]


async def test_playlists_are_compressed_and_asked_for_again(gateway: GatewayMaker) -> None:
    p, g, media = await playing(gateway)
    answer = await p.http.get(f"{media}/master.m3u8", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert (answer.headers["content-encoding"], answer.headers["cache-control"]) == ("gzip", "no-cache")
    again = {"if-none-match": answer.headers["etag"]}
    assert (await p.http.get(f"{media}/master.m3u8", headers=again)).status_code == 304
    g.write(f"{VIDEO}/1/master.m3u8", b"#EXTM3U\n# finished\n")
    replaced = time.monotonic()
    while (answer := await p.http.get(f"{media}/master.m3u8", headers=again)).status_code == 304:
        assert time.monotonic() < replaced + 3
    assert answer.content == b"#EXTM3U\n# finished\n"


async def test_a_token_with_any_character_changed_gets_nothing(gateway: GatewayMaker) -> None:
    p, g, media = await playing(gateway)
    text = media.split("/")[4]
    for place in range(0, len(text), 3):
        other = "0" if text[place] != "0" else "1"
        answer = await g.ask(f"/v/{text[:place]}{other}{text[place + 1 :]}/{VIDEO}/1/{PIECE}".encode())
        assert answer.split(b" ")[1] in (b"403", b"404")
        assert SEGMENT[:64] not in answer
    assert (await p.http.get(f"{media}/{PIECE}")).status_code == 200


async def test_a_token_of_another_video_or_none_at_all_gets_nothing(gateway: GatewayMaker) -> None:
    p, g, media = await playing(gateway)
    assert (await p.http.get(f"{media}/{PIECE}")).status_code == 200
    assert is_problem(await p.http.get(f"{media.replace(f'/{VIDEO}/1', '/8/1')}/{PIECE}"), 403, "bad_token")
    for path in (f"/v/{VIDEO}/1/{PIECE}", f"/v//{VIDEO}/1/{PIECE}", f"/v/x/{VIDEO}/1/{PIECE}", "/v/", "/v"):
        assert (await p.http.get(g.url + path)).status_code == 404
    for path in (f"/{VIDEO}/1/{PIECE}", f"/media/{VIDEO}/1/{PIECE}", f"/segments/{VIDEO}/1/{PIECE}"):
        assert (await p.http.get(g.url + path)).status_code == 404


async def test_an_expired_token_gets_nothing(gateway: GatewayMaker) -> None:
    p, g, _ = await playing(gateway)
    old = token_for(p, await add_session(p), life_s=-1)
    assert is_problem(await p.http.get(f"{g.url}/v/{old}/{VIDEO}/1/{PIECE}"), 403, "bad_token")


async def test_a_token_expires_on_time_though_its_verdict_was_kept(gateway: GatewayMaker) -> None:
    p, g, _ = await playing(gateway)
    short = token_for(p, await add_session(p), life_s=2)
    expires_s = token.parse(token.make_signer(p.settings.secret("TOKEN_SECRET")), short).expires_s
    while (answer := await p.http.get(f"{g.url}/v/{short}/{VIDEO}/1/{PIECE}")).status_code == 200:
        assert time.time() < expires_s + 1.1, "nginx counts in whole seconds"
    assert is_problem(answer, 403, "bad_token")


async def test_an_ended_session_gets_nothing(gateway: GatewayMaker) -> None:
    p, g, _ = await playing(gateway)
    session = await add_session(p)
    await end(p, session)
    media = f"{g.url}/v/{token_for(p, session)}/{VIDEO}/1/{PIECE}"
    for _ in range(2):  # asked, then from nginx's memory
        assert is_problem(await p.http.get(media), 403, "session_ended")


async def test_a_spent_session_is_asked_to_pay_until_the_money_is_back(gateway: GatewayMaker) -> None:
    p, g, _ = await playing(gateway)
    session = await add_session(p, spent=True)
    media = f"{g.url}/v/{token_for(p, session)}/{VIDEO}/1/{PIECE}"
    for _ in range(2):
        assert is_problem(await p.http.get(media), 402, "insufficient_balance")
    limited = await add_session(p, user_id=VIEWER + 1, spent=True, limited=True)
    assert is_problem(await p.http.get(f"{g.url}/v/{token_for(p, limited)}/{VIDEO}/1/{PIECE}"), 402, "daily_limit")
    await change(p, session, "spent", False)
    deadline = time.monotonic() + 5
    while (answer := await p.http.get(media)).status_code == 402:
        assert time.monotonic() < deadline
    assert (answer.status_code, answer.content) == (200, SEGMENT)


async def test_an_end_bites_within_the_lifetime_of_a_verdict(gateway: GatewayMaker) -> None:
    p, _, media = await playing(gateway)
    assert (await p.http.get(f"{media}/{PIECE}")).status_code == 200
    await end(p, media.split("/")[4][:32])
    deadline = time.monotonic() + 12
    while (answer := await p.http.get(f"{media}/{PIECE}")).status_code == 200:
        assert time.monotonic() < deadline
    assert is_problem(answer, 403, "session_ended")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_media_can_only_be_read(gateway: GatewayMaker, method: str) -> None:
    p, _, media = await playing(gateway)
    for path in (PIECE, "master.m3u8"):
        assert is_problem(await p.http.request(method, f"{media}/{path}"), 405, "method_not_allowed")


@pytest.mark.parametrize("visibility", ["public", "unlisted"])
async def test_a_poster_needs_no_token(gateway: GatewayMaker, visibility: str) -> None:
    p, g = await gateway("videos")
    video = await posted(p, visibility=visibility)
    g.write(f"{video}/1/poster.jpg", b"\xff\xd8")
    answer = await p.http.get(f"{g.url}/media/{video}/1/poster.jpg")
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "image/jpeg", b"\xff\xd8")
    assert is_problem(await p.http.get(f"{g.url}/media/{video}/2/poster.jpg"), 404, "not_found")


async def test_the_poster_of_a_private_video_or_of_none_is_not_found(gateway: GatewayMaker) -> None:
    p, g = await gateway("videos")
    for video in (await posted(p, visibility="private"), 999, 9_999_999_999):
        g.write(f"{video}/1/poster.jpg", b"\xff\xd8")
        assert is_problem(await p.http.get(f"{g.url}/media/{video}/1/poster.jpg"), 404, "not_found")


async def test_without_a_word_of_the_videos_service_there_are_no_posters(gateway: GatewayMaker) -> None:
    p, g = await gateway("streaming")
    g.write(f"{VIDEO}/1/poster.jpg", b"\xff\xd8")
    assert is_problem(await p.http.get(f"{g.url}/media/{VIDEO}/1/poster.jpg"), 503, "unavailable")


async def test_a_playlist_that_does_not_exist_is_not_found(gateway: GatewayMaker) -> None:
    p, _, media = await playing(gateway)
    for path in ("720p/index.m3u8", "index.m3u8", "360p/master.m3u8", "360p/", "", "poster.jpg", "secret.txt"):
        assert is_problem(await p.http.get(f"{media}/{path}"), 404, "not_found"), path


async def test_a_link_among_the_renditions_leads_nowhere(gateway: GatewayMaker) -> None:
    p, g, media = await playing(gateway)
    root = g.settings.path("MEDIA_ROOT")
    (root / f"{VIDEO}/1/360p/1-4000-8000.m4s").symlink_to(root / f"{VIDEO}/1/{PIECE}")
    (root / f"{VIDEO}/1/720p").symlink_to(root / f"{VIDEO}/1/360p")
    for path in ("360p/1-4000-8000.m4s", f"720p/{PIECE[5:]}"):
        answer = await p.http.get(f"{media}/{path}")
        assert answer.status_code in (403, 503)
        assert SEGMENT[:64] not in answer.content
