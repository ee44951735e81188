"""Plain uploads: one multipart request, fields before or after the file."""

from tests.conftest import Platform, PlatformMaker
from tests.videos.uploading import CHIEF, OWNER, code, fields_of, film, look, post, posted, source_of
from tests.videos.working import sweep

EDGE = b"--edge\r\nContent-Disposition: form-data; name="


def part(name: str, value: bytes, filename: str | None = None) -> bytes:
    disposition = name + (f'"; filename="{filename}' if filename is not None else "")
    return EDGE + f'"{disposition}"\r\n\r\n'.encode() + value + b"\r\n"


async def raw(p: Platform, body: bytes, kind: str = "multipart/form-data; boundary=edge") -> tuple[int, object]:
    """Status and JSON of a hand-made form."""
    headers = {"content-type": kind}
    response = await p.call("POST", "videos", "/api/videos", token=p.user(OWNER), headers=headers, content=body)
    return response.status_code, response.json()


async def nothing_left(p: Platform) -> bool:
    """No file, no row."""
    tables = "select (select count(*) from videos) + (select count(*) from removals)"
    return not list(p.settings.path("SOURCE_ROOT").iterdir()) and await p.db("videos").value(tables) == 0


async def test_a_form_becomes_a_queued_video_with_the_same_bytes(platform: PlatformMaker) -> None:
    p, content = await platform("videos"), film(3_000_000)
    response = await post(p, content, description="Sea", category="Travel", price_per_minute="12", visibility="private")
    assert response.status_code == 201
    video = response.json()
    assert response.headers["location"] == f"/api/videos/{video['id']}"
    assert (video["status"], video["category"], video["price_per_minute"]) == ("queued", "Travel", 12)
    assert (video["filename"], video["uploaded_by"], video["visibility"]) == ("film.mp4", OWNER, "private")
    assert (await source_of(p, video["id"])).read_bytes() == content
    assert await p.db("videos").value("select count(*) from removals") == 0


async def test_fields_may_come_after_the_file(platform: PlatformMaker) -> None:
    p = await platform("videos")
    body = part("file", film(70_000), "../a.mp4") + part("title", "Späte Felder".encode()) + b"--edge--\r\n"
    status, video = await raw(p, body)
    assert status == 201
    assert isinstance(video, dict)
    assert (video["title"], video["filename"]) == ("Späte Felder", "a.mp4")


async def test_a_form_that_is_wrong_is_refused_and_leaves_nothing(platform: PlatformMaker) -> None:
    p, end = await platform("videos"), b"--edge--\r\n"
    good, title = part("file", film(), "a.mp4"), part("title", b"A")
    cases = [
        (title + end, "file"),
        (good + end, "title"),
        (good + title, "file"),
        (title + good + good + end, "file"),
        (title + part("image", film(), "a.mp4") + end, "image"),
        (title + title + good + end, "title"),
        (title + good + part("owner", b"9") + end, "owner"),
        (title + good + part("filename", b"x") + end, "filename"),
        (title + good + part("description", b"x" * 40_000) + end, "description"),
        (part("title", b"\xff\xfe") + good + end, "title"),
        (part("title", b"a\0b") + good + end, "title"),
        (part("title", b"") + good + end, "title"),
        (b"no form at all", "body"),
        (b"".join(part(f"f{i}", b"") for i in range(20)) + end, "body"),
    ]
    for body, field in cases:
        status, problem = await raw(p, body)
        assert isinstance(problem, dict)
        assert (status, {e["field"] for e in problem["errors"]}) == (422, {field}), body[:200]
    assert (await raw(p, b"{}", "application/json"))[0] == 422
    assert await nothing_left(p)


async def test_a_file_that_is_no_film_is_415_and_an_empty_one_422(platform: PlatformMaker) -> None:
    p = await platform("videos")
    assert code(await post(p, b"#EXTM3U\nfile:///etc/passwd")) == (415, "unsupported_media")
    assert code(await post(p, b"%PDF-1.7" + b"x" * 100_000)) == (415, "unsupported_media")
    assert code(await post(p, b"")) == (422, "empty_upload")
    assert await nothing_left(p)


async def test_a_file_over_the_bound_is_413(platform: PlatformMaker) -> None:
    p = await platform("videos", MAX_UPLOAD_BYTES="100000")
    assert code(await post(p, film(100_001))) == (413, "too_large")
    assert await nothing_left(p)
    assert (await post(p, film(100_000))).status_code == 201


async def test_only_approved_people_upload_when_the_operator_says_so(platform: PlatformMaker) -> None:
    p = await platform("videos", UPLOADS="approved")
    assert code(await post(p, film())) == (403, "forbidden")
    files, data = {"file": ("a.mp4", film())}, {"title": "A"}
    token = p.user(CHIEF, role="operator")
    assert (await p.call("POST", "videos", "/api/videos", token=token, files=files, data=data)).status_code == 201
    assert (await p.call("POST", "videos", "/api/videos", files=files, data=data)).status_code == 401


async def test_what_a_crash_left_of_a_form_is_swept_a_day_later(platform: PlatformMaker) -> None:
    p = await platform("videos")
    left = p.settings.path("SOURCE_ROOT") / "0123456789abcdef"
    left.write_bytes(film())
    add = "insert into removals (source, due_at) values (:source, now() - interval '1 s')"
    await p.db("videos").run(add, source=left.name)
    assert (await sweep(p))["removals"] == 1
    assert await nothing_left(p)


async def test_a_title_is_bounded(platform: PlatformMaker) -> None:
    p = await platform("videos")
    assert fields_of(await post(p, film(), title="x" * 256)) == {"title"}
    video = await look(p, await posted(p, title=" " + "x" * 255))
    assert video["title"] == "x" * 255
