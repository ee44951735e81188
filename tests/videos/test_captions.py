"""Captions over HTTP: who may send them, what becomes of a stranger's file, and when players get them."""

import asyncio
import http.client
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from api.clients import Clients, Unit
from api.videos import captions
from media.webvtt import Cue, read
from tests.conftest import Platform, PlatformMaker
from tests.videos.uploading import CHIEF, OWNER, STRANGER, begun, code, fields_of, look, posted
from tests.videos.working import FINISHED, plan, problem, take, work_off, worker

SRT = "1\n00:00:01,001 --> 00:00:02,999\n<i>Grüße</i>\n\n2\n00:00:03,000 --> 00:00:01,000\nnever\n"
SAID = [Cue(1001, 2999, "Grüße")]


async def put(
    p: Platform, video_id: int, language: str = "de", content: bytes = SRT.encode(), user: int = OWNER, **query: str
) -> httpx2.Response:
    path = f"/api/videos/{video_id}/captions/{language}"
    token = p.user(user, "operator" if user == CHIEF else "user")
    return await p.call("PUT", "videos", path, token=token, content=content, params=query)


async def sent(p: Platform, video_id: int, language: str = "de", content: bytes = SRT.encode()) -> dict[str, Any]:
    response = await put(p, video_id, language, content)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def delete(p: Platform, video_id: int, language: str, user: int = OWNER) -> httpx2.Response:
    return await p.call("DELETE", "videos", f"/api/videos/{video_id}/captions/{language}", token=p.user(user))


async def ready(p: Platform, clients: Clients) -> int:
    """A finished film."""
    video_id = await posted(p)
    await plan(clients)
    await work_off(clients)
    assert (await look(p, video_id))["status"] == "ready"
    return video_id


async def publish(clients: Clients, unit: Unit) -> list[str]:
    """End a unit of captions as a worker does; gives the languages."""
    assert unit.kind == "captions"
    found = await clients.videos_captions(unit.video_id)
    await clients.units_done(unit, {"renditions": [], "captions": {one.language: one.revision for one in found}})
    return [one.language for one in found]


async def urls(p: Platform, video_id: int) -> dict[str, str | None]:
    return {one["language"]: one["url"] for one in (await look(p, video_id))["captions"]}


async def test_a_file_becomes_plain_captions(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    answer = await sent(p, video_id, "de", SRT.encode("cp1252"))
    item = {"language": "de", "label": "Deutsch", "sdh": False, "url": None}
    assert answer == {"language": "de", "cues": 1, "dropped": 1, "items": [item]}
    assert (await look(p, video_id))["captions"] == [item]
    async with worker(p) as clients:
        (stored,) = await clients.videos_captions(video_id)
    assert read(stored.document).cues == SAID
    assert "<" not in stored.document


async def test_captions_may_come_before_the_film_is_here(platform: PlatformMaker) -> None:
    p = await platform("videos")
    _, video_id = await begun(p, 5000)
    assert len((await sent(p, video_id))["items"]) == 1


LANGUAGES = {"de": "de", "ger": "de", "DE": "de", "pt-BR": "pt-br", "zh_Hant": "zh-hant", "gsw": "gsw"}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_language_has_one_name(platform: PlatformMaker, language: str) -> None:
    p = await platform("videos")
    answer = await sent(p, await posted(p), language)
    assert [item["language"] for item in answer["items"]] == [LANGUAGES[language]]


@pytest.mark.parametrize("language", ["x", "und", "german!", "de-", "-de", "de%00", "d%C3%A9", "a" * 300, "1de"])
async def test_what_is_no_language_is_refused(platform: PlatformMaker, language: str) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    for response in (await put(p, video_id, language), await delete(p, video_id, language)):
        assert fields_of(response) == {"language"}
    assert (await look(p, video_id))["captions"] == []


async def test_labels_are_the_uploaders_words_on_one_line(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    await put(p, video_id, "en", label=' English "for all" ', sdh="true")
    await put(p, video_id, "pt-br")
    shown = [(one["label"], one["sdh"]) for one in (await look(p, video_id))["captions"]]
    assert shown == [('English "for all"', True), ("Português (pt-br)", False)]
    for wrong in ("a\nb", "x" * 41, "\x00"):
        assert fields_of(await put(p, video_id, "en", label=wrong)) == {"label"}
    assert fields_of(await put(p, video_id, "en", colour="red")) == {"colour"}
    assert fields_of(await put(p, video_id, "en", sdh="perhaps")) == {"sdh"}


async def test_only_the_uploader_and_operators_may(platform: PlatformMaker) -> None:
    p = await platform("videos")
    public, private = await posted(p), await posted(p, visibility="private")
    assert code(await put(p, public, user=STRANGER)) == (403, "forbidden")
    assert code(await put(p, private, user=STRANGER)) == (404, "not_found")
    assert code(await delete(p, public, "de", STRANGER)) == (403, "forbidden")
    assert code(await put(p, 999_999)) == (404, "not_found")
    anonymous = await p.call("PUT", "videos", f"/api/videos/{public}/captions/de", content=b"x")
    assert code(anonymous) == (401, "unauthenticated")
    assert (await put(p, public, user=CHIEF)).status_code == 200
    for path in ("captions", "poster"):
        token = p.user(CHIEF, "operator")
        assert (await p.call("GET", "videos", f"/internal/videos/{public}/{path}", token=token)).status_code == 403


UNREADABLE = {
    "nothing": b"",
    "a film": b"\x00\x00\x00\x18ftypisom" + bytes(range(256)) * 50,
    "prose": b"Once upon a time.\n" * 100,
    "a page": b"<!doctype html><script>alert(1)</script>",
    "only bad times": b"WEBVTT\n\n00:05.000 --> 00:01.000\nnever\n",
    "a caption that is a book": b"WEBVTT\n\n00:01.000 --> 00:02.000\n" + b"word " * 300,
    "a million lines": b"\n" * 1_000_000,
    "too many": b"00:01.000 --> 00:02.000\nx\n\n" * 20_001,
}


@pytest.mark.parametrize("what", UNREADABLE)
async def test_what_are_no_captions_is_refused_with_what_to_do(platform: PlatformMaker, what: str) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    response = await put(p, video_id, content=UNREADABLE[what])
    assert code(response) == (422, "bad_captions")
    assert response.json()["detail"].endswith(".")
    assert (await look(p, video_id))["captions"] == []


async def test_too_large_a_file_is_refused(platform: PlatformMaker) -> None:
    p = await platform("videos")
    assert code(await put(p, await posted(p), content=b"x" * (captions.MAX_BYTES + 1))) == (413, "too_large")


async def test_half_a_file_is_no_captions(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    address = urlsplit(p.settings.service_url("videos"))

    def cut_short() -> None:
        line = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
        line.putrequest("PUT", f"/api/videos/{video_id}/captions/de")
        line.putheader("authorization", f"Bearer {p.user(OWNER)}")
        line.putheader("content-length", "5000")
        line.endheaders()
        line.send(SRT.encode())
        line.close()

    await asyncio.to_thread(cut_short)
    await sent(p, video_id, "fr")
    assert list(await urls(p, video_id)) == ["fr"]


async def test_a_video_has_so_many_languages_and_no_more(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    tags = [f"a{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(captions.MOST_LANGUAGES)]
    await asyncio.gather(*(p.db("videos").run(
        "insert into captions values (:video_id, :tag, 'x', false, 'WEBVTT', 1)", video_id=video_id, tag=tag
    ) for tag in tags))  # fmt: skip
    assert code(await put(p, video_id, "zz")) == (409, "too_many_captions")
    await sent(p, video_id, tags[0])


async def test_of_a_film_in_the_making_the_finish_publishes_them(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        await plan(clients)
        await sent(p, video_id)
        (stored,) = await clients.videos_captions(video_id)
        for queue in ("interactive", "batch"):
            while (unit := await clients.units_claim(queue, "w1")) and unit.kind != "finish":
                await clients.units_done(unit, {})
        finish = unit or await take(clients)
        assert finish.kind == "finish"
        await clients.units_done(finish, FINISHED | {"captions": {"de": stored.revision}})
        assert await urls(p, video_id) == {"de": f"/media/{video_id}/1/captions-de.vtt?v={stored.revision}"}
        assert await clients.units_claim("interactive", "w1") is None


async def test_of_a_finished_film_a_unit_of_their_own_publishes_them(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        video_id = await ready(p, clients)
        await sent(p, video_id)
        assert await urls(p, video_id) == {"de": None}
        assert await publish(clients, await take(clients)) == ["de"]
        first = (await urls(p, video_id))["de"]
        assert first is not None
        await sent(p, video_id, "de", SRT.replace("Grüße", "Corrected").encode())
        assert await urls(p, video_id) == {"de": first}, "players still get what was there"
        await publish(clients, await take(clients))
        assert (await urls(p, video_id))["de"] not in (first, None)


async def test_changes_that_come_meanwhile_are_published_next(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        video_id = await ready(p, clients)
        await asyncio.gather(*(sent(p, video_id, tag) for tag in ("de", "en", "fr")))
        unit = await take(clients)
        assert await clients.units_claim("interactive", "w2") is None, "one unit publishes all of them"
        known = await clients.videos_captions(video_id)
        await sent(p, video_id, "de")
        await delete(p, video_id, "fr")
        result = {"renditions": [], "captions": {one.language: one.revision for one in known}}
        await clients.units_done(unit, result)
        assert {tag for tag, url in (await urls(p, video_id)).items() if url} == {"en"}
        assert await publish(clients, await take(clients)) == ["de", "en"]
        assert await clients.units_claim("interactive", "w1") is None


async def test_what_a_slow_worker_put_back_is_mended(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        video_id = await ready(p, clients)
        await sent(p, video_id)
        slow = await take(clients, name="w1")
        old = {
            "renditions": [],
            "captions": {one.language: one.revision for one in await clients.videos_captions(video_id)},
        }
        await sent(p, video_id)
        await publish(clients, await take(clients, name="w2"))
        await clients.units_done(slow, old)  # and wrote the old text over the new
        assert await publish(clients, await take(clients)) == ["de"]


async def test_captions_are_taken_away(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        video_id = await ready(p, clients)
        await sent(p, video_id)
        await publish(clients, await take(clients))
        assert (await delete(p, video_id, "ger")).json() == {"items": []}
        assert await publish(clients, await take(clients)) == []
    assert code(await delete(p, video_id, "de")) == (404, "not_found")


async def test_captions_that_cannot_be_published_do_not_fail_the_film(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        video_id = await ready(p, clients)
        await sent(p, video_id)
        await clients.units_fail(await take(clients), "storage_failed", "The disk is gone.", permanent=True)
        assert (await look(p, video_id))["status"] == "ready"
        await sent(p, video_id)
        assert await publish(clients, await take(clients)) == ["de"]


async def test_private_captions_have_no_open_address(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        video_id = await ready(p, clients)
        await sent(p, video_id)
        await publish(clients, await take(clients))
    change = {"visibility": "private"}
    await p.db("videos").run("update videos set visibility = :visibility where id = :id", id=video_id, **change)
    assert await urls(p, video_id) == {"de": None}


async def test_captions_go_with_their_video(platform: PlatformMaker) -> None:
    p = await platform("videos", "streaming")
    video_id = await posted(p)
    await sent(p, video_id)
    assert (await p.call("DELETE", "videos", f"/api/videos/{video_id}", token=p.user(OWNER))).status_code == 204
    assert await p.db("videos").value("select count(*) from captions") == 0
    assert code(await put(p, video_id)) == (404, "not_found")
    async with worker(p) as clients:
        assert await clients.videos_captions(video_id) == []


async def test_a_worker_that_reports_nonsense_is_refused(platform: PlatformMaker) -> None:
    p = await platform("videos")
    async with worker(p) as clients:
        await sent(p, await ready(p, clients))
        unit = await take(clients)
        wrong = {"renditions": [], "captions": {"de": "first"}}
        assert await problem(clients.units_done(unit, wrong)) == (422, "invalid_request")
