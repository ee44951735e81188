"""The catalogue: who sees what, searching, sorting, changing."""

from typing import Any

from tests.conftest import Platform, PlatformMaker
from tests.videos.uploading import CHIEF, OWNER, STRANGER, begun, code, fields_of, film, look, posted
from tests.videos.working import PLAN, RENDITIONS, plan, take, work_off, worker

FIELDS = {
    *("id", "title", "description", "category", "duration", "duration_ms", "price_per_minute", "preview_ms"),
    "filename",
    *("uploaded_by", "uploader_name", "status", "progress", "visibility", "error", "renditions", "poster_url"),
    *("storyboard_url", "captions", "chapters", "created_at", "updated_at", "playable_at", "ready_at"),
}


async def listed(p: Platform, query: str = "", token: str | None = None) -> list[str]:
    """Titles of a page of the catalogue."""
    response = await p.call("GET", "videos", f"/api/videos{query}", token=token)
    assert response.status_code == 200, response.text
    return [item["title"] for item in response.json()["items"]]


async def playing(p: Platform, **fields: str) -> int:
    """A video made playable, whatever it is."""
    video_id = await posted(p, **fields)
    sql = "update videos set status = 'playable', generation = 1, duration_ms = 1000 * id where id = :id"
    await p.db("videos").run(sql, id=video_id)
    return video_id


async def change(p: Platform, video_id: int, token: str | None, **fields: Any) -> Any:
    return await p.call("PUT", "videos", f"/api/videos/{video_id}", token=token, json=fields)


async def test_a_video_shows_exactly_the_fields_of_the_contract(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video = await look(p, await posted(p), user=None)
    assert set(video) == FIELDS
    assert (video["uploader_name"], video["uploaded_by"]) == ("Person 7", OWNER)
    assert (video["captions"], video["chapters"], video["renditions"], video["error"]) == ([], [], [], None)
    assert (video["poster_url"], video["storyboard_url"], video["progress"]) == (None, None, 0)
    assert video["created_at"].endswith("Z")


async def test_a_ready_video_has_poster_renditions_and_duration(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await posted(p)
    async with worker(p) as clients:
        await plan(clients)
        await work_off(clients)
    video = await look(p, video_id, user=None)
    assert (video["status"], video["progress"], video["duration"], video["duration_ms"]) == ("ready", 1, 80, 80_000)
    assert video["poster_url"] == f"/media/{video_id}/1/poster.jpg"
    await p.db("videos").run("update videos set visibility = 'private'")
    assert (await look(p, video_id))["poster_url"] is None
    assert video["ready_at"] >= video["playable_at"] >= video["created_at"]
    assert {r["name"]: (r["width"], r["height"], r["complete"]) for r in video["renditions"]} == {
        "audio-0": (0, 0, True),
        "360p": (640, 360, True),
        "720p": (1280, 720, True),
    }
    assert [r["bandwidth"] for r in video["renditions"]] == [128_000, 700_000, 2_800_000]
    assert set(video["renditions"][0]) == {"name", "width", "height", "bandwidth", "codecs", "complete"}


async def test_everybody_sees_what_is_public_and_plays(platform: PlatformMaker) -> None:
    p = await platform("videos")
    await playing(p, title="public")
    await playing(p, title="unlisted", visibility="unlisted")
    await playing(p, title="private", visibility="private")
    await posted(p, title="queued")
    assert await listed(p) == ["public"]
    assert await listed(p, f"?uploaded_by={OWNER}", p.user(STRANGER)) == ["public"]
    assert await listed(p, "", p.user(OWNER)) == ["public"]
    every = ["queued", "private", "unlisted", "public"]
    assert await listed(p, f"?uploaded_by={OWNER}", p.user(OWNER)) == every
    assert await listed(p, "?uploaded_by=self", p.user(OWNER)) == every
    assert await listed(p, "", p.user(CHIEF, role="operator")) == every
    assert await listed(p, "?uploaded_by=self") == []


async def test_a_private_video_is_there_for_its_owner_and_operators_alone(platform: PlatformMaker) -> None:
    p = await platform("videos")
    path = f"/api/videos/{await posted(p, visibility='private')}"
    for token in (None, p.user(STRANGER)):
        assert code(await p.call("GET", "videos", path, token=token)) == (404, "not_found")
        assert code(await p.call("GET", "videos", path + "/events", token=token)) == (404, "not_found")
    assert code(await p.call("DELETE", "videos", path, token=p.user(STRANGER))) == (404, "not_found")
    assert (await p.call("GET", "videos", path, token=p.user(OWNER))).status_code == 200
    assert (await p.call("GET", "videos", path, token=p.user(CHIEF, role="operator"))).status_code == 200


async def test_numbers_no_video_can_have_are_404(platform: PlatformMaker) -> None:
    p = await platform("videos")
    for number in (0, 2**31, 10**30):
        assert code(await p.call("GET", "videos", f"/api/videos/{number}")) == (404, "not_found")
    assert (await p.call("GET", "videos", "/api/videos/x")).status_code == 404


async def test_a_search_finds_every_word_without_case(platform: PlatformMaker) -> None:
    p = await platform("videos")
    await playing(p, title="Über den Wolken", description="Flug nach Süden")
    await playing(p, title="100% wolle_pur", category="Handwerk")
    await playing(p, title="1000 Wollen")
    for query, titles in {
        "ÜBER süden": ["Über den Wolken"],
        "wol": ["1000 Wollen", "100% wolle_pur", "Über den Wolken"],
        "100%25": ["100% wolle_pur"],
        "e_p": ["100% wolle_pur"],
        "handwerk": ["100% wolle_pur"],
        "wolken handwerk": [],
        "%5C": [],
        "%00": ["1000 Wollen", "100% wolle_pur", "Über den Wolken"],
    }.items():
        assert await listed(p, f"?query={query}") == titles, query


async def test_pages_sort_and_count(platform: PlatformMaker) -> None:
    p = await platform("videos")
    b = await playing(p, title="b", price_per_minute="3")
    a = await playing(p, title="A", price_per_minute="2")
    await playing(p, title="c", price_per_minute="1")
    async with worker(p) as clients:
        for played in (a, a, b):
            await clients.videos_count_play(played)
    for sort, titles in {
        "newest": ["c", "A", "b"],
        "popular": ["A", "b", "c"],
        "title": ["A", "b", "c"],
        "duration": ["b", "A", "c"],
        "price": ["c", "A", "b"],
    }.items():
        assert await listed(p, f"?sort={sort}") == titles, sort
    page = (await p.call("GET", "videos", "/api/videos?sort=title&page=2&per_page=2")).json()
    assert ([v["title"] for v in page["items"]], page["page"], page["per_page"], page["total"]) == (["c"], 2, 2, 3)
    past = (await p.call("GET", "videos", "/api/videos?page=9")).json()
    assert (past["items"], past["total"]) == ([], 3)


async def test_a_wrong_query_is_422(platform: PlatformMaker) -> None:
    p = await platform("videos")
    for query, field in {
        "per_page=101": "per_page",
        "page=0": "page",
        "sort=best": "sort",
        "colour=red": "colour",
        "uploaded_by=me": "uploaded_by",
    }.items():
        assert fields_of(await p.call("GET", "videos", f"/api/videos?{query}")) == {field}


async def test_categories_are_those_in_which_something_plays(platform: PlatformMaker) -> None:
    p = await platform("videos")
    for category in ("Travel", "Art", "Art", ""):
        await playing(p, category=category)
    await posted(p, category="Queued")
    items = (await p.call("GET", "videos", "/api/categories")).json()["items"]
    assert items == [{"name": "Art", "videos": 2}, {"name": "Travel", "videos": 1}]
    assert len(await listed(p, "?category=Art")) == 2


async def test_the_owner_and_operators_change_a_video(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id = await playing(p, title="Old", category="Art")
    changed = await change(p, video_id, p.user(OWNER), title="New", price_per_minute=5, preview_ms=30_000)
    assert changed.status_code == 200
    new = {"title": "New", "price_per_minute": 5, "preview_ms": 30_000, "category": "Art"}
    assert new.items() <= changed.json().items()
    assert await listed(p, "?query=new") == ["New"]
    assert await listed(p, "?query=old") == []
    assert (await change(p, video_id, p.user(CHIEF, role="operator"), category="")).json()["category"] == ""
    assert code(await change(p, video_id, p.user(STRANGER), title="Mine")) == (403, "forbidden")
    assert (await change(p, video_id, None, title="Mine")).status_code == 401
    assert code(await change(p, 999, p.user(OWNER), title="Mine")) == (404, "not_found")


async def test_a_change_is_checked(platform: PlatformMaker) -> None:
    p = await platform("videos")
    video_id, token = await posted(p), p.user(OWNER)
    for wrong in (
        {"title": ""},
        {"title": "x\0"},
        {"price_per_minute": -1},
        {"price_per_minute": "5"},
        {"price_per_minute": 10**9},
        {"preview_ms": -1},
        {"preview_ms": 3_600_001},
        {"visibility": "secret"},
        {"status": "ready"},
        {"uploaded_by": STRANGER},
    ):
        assert fields_of(await change(p, video_id, token, **wrong)) == set(wrong)
    huge = await p.call("PUT", "videos", f"/api/videos/{video_id}", token=token, content=b" " * (1 << 20) + b"{} ")
    assert code(huge) == (413, "too_large")


async def test_names_of_uploaders_are_empty_while_auth_is_away(platform: PlatformMaker) -> None:
    p = await platform("videos", AUTH_SERVICE_URL="http://127.0.0.1:9")
    sql = """
        insert into videos (title, filename, uploaded_by, status, visibility, source, search_text)
        values ('A', 'a.mp4', 7, 'playable', 'public', 's', 'a') returning id
    """
    video = await look(p, await p.db("videos").value(sql), user=None)
    assert (video["title"], video["uploader_name"]) == ("A", "")


async def test_services_ask_for_facts_and_nobody_else_does(platform: PlatformMaker) -> None:
    p = await platform("videos")
    first, second = await playing(p, title="One", price_per_minute="3", preview_ms="9000"), await posted(p)
    async with worker(p) as clients:
        facts = await clients.videos_facts([second, first, 999])
    assert [(f.id, f.status, f.generation) for f in facts] == [(first, "playable", 1), (second, "queued", 0)]
    assert (facts[0].title, facts[0].price_per_minute, facts[0].duration_ms) == ("One", 3, 1000 * first)
    assert [f.preview_ms for f in facts] == [9000, 0]
    path = f"/internal/videos?ids={first}"
    assert code(await p.call("GET", "videos", path)) == (403, "forbidden")
    assert code(await p.call("GET", "videos", path, token=p.user(OWNER))) == (403, "forbidden")
    wrong = await p.call("GET", "videos", "/internal/videos?ids=1;drop", token=p.service_token("videos"))
    assert fields_of(wrong) == {"ids"}


async def test_a_film_without_pictures_is_said_to_be_sound_alone(platform: PlatformMaker) -> None:
    p = await platform("videos")
    film, song = await posted(p, title="film"), await posted(p, title="song")
    async with worker(p) as clients:
        for renditions in (RENDITIONS, RENDITIONS[2:]):
            await clients.units_planned(await take(clients), PLAN, renditions, [])
        facts = await clients.videos_facts([film, song])
    assert [(fact.title, fact.audio_only) for fact in facts] == [("film", False), ("song", True)]


async def test_an_upload_that_has_begun_shows_only_to_its_owner(platform: PlatformMaker) -> None:
    p = await platform("videos")
    _, video_id = await begun(p, len(film()))
    assert (await look(p, video_id))["status"] == "uploading"
    assert await listed(p) == []
    assert await listed(p, "?uploaded_by=self", p.user(OWNER)) == ["A film"]
