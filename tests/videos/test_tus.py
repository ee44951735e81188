"""tus 1.0 as the protocol's text has it: each header and status rule of the core and of the extensions offered."""

import base64
import hashlib
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime

from tests.conftest import PlatformMaker
from tests.videos.uploading import (
    OFFSET_TYPE,
    OWNER,
    STRANGER,
    TUS,
    begin,
    begun,
    code,
    fields_of,
    film,
    look,
    metadata,
    offset_of,
    send,
    source_of,
)
from tests.videos.working import worker


def checksum(content: bytes, algorithm: str = "sha1") -> str:
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, content).digest()).decode()}"


async def test_options_tells_what_the_server_can_do(platform: PlatformMaker) -> None:
    p = await platform("videos", MAX_UPLOAD_BYTES="1000")
    response = await p.call("OPTIONS", "videos", "/api/uploads")
    assert response.status_code == 204
    assert response.headers["tus-resumable"] == "1.0.0"
    assert response.headers["tus-version"] == "1.0.0"
    assert response.headers["tus-max-size"] == "1000"
    assert response.headers["tus-checksum-algorithm"] == "sha1,sha256,md5"
    extensions = set(response.headers["tus-extension"].split(","))
    assert extensions == {"creation", "creation-with-upload", "expiration", "checksum", "termination"}


async def test_an_upload_in_pieces_becomes_a_queued_video_with_the_same_bytes(platform: PlatformMaker) -> None:
    p, content = await platform("videos"), film(300_000)
    path, video_id = await begun(p, len(content), description="Sea", category="Travel", price_per_minute="12")
    assert (await look(p, video_id))["status"] == "uploading"
    for start in range(0, len(content), 100_000):
        response = await send(p, path, start, content[start : start + 100_000])
        assert (response.status_code, response.headers["upload-offset"]) == (204, str(start + 100_000))
        assert response.headers["tus-resumable"] == "1.0.0"
    video = await look(p, video_id)
    assert (video["status"], video["title"], video["filename"]) == ("queued", "A film", "film.mp4")
    assert (video["description"], video["category"], video["price_per_minute"]) == ("Sea", "Travel", 12)
    assert (await source_of(p, video_id)).read_bytes() == content
    async with worker(p) as clients:
        unit = await clients.units_claim("interactive", "w1")
    assert unit is not None
    assert (unit.kind, unit.video_id, unit.source) == ("probe", video_id, (await source_of(p, video_id)).name)


async def test_creation_answers_where_and_until_when(platform: PlatformMaker) -> None:
    p = await platform("videos")
    response = await begin(p, 10)
    assert response.status_code == 201
    assert response.headers["location"].startswith("/api/uploads/")
    assert response.headers["tus-resumable"] == "1.0.0"
    assert parsedate_to_datetime(response.headers["upload-expires"]).year > 2000


async def test_head_tells_offset_length_and_metadata_and_is_not_cached(platform: PlatformMaker) -> None:
    p = await platform("videos")
    told = metadata(filename="a.mkv", relativePath="x/a.mkv")
    headers = TUS | {"upload-length": "40", "upload-metadata": told}
    created = await p.call("POST", "videos", "/api/uploads", token=p.user(OWNER), headers=headers)
    path = created.headers["location"]
    await send(p, path, 0, film(30))
    response = await p.call("HEAD", "videos", path, token=p.user(OWNER), headers=TUS)
    assert response.status_code == 200
    assert (response.headers["upload-offset"], response.headers["upload-length"]) == ("30", "40")
    assert response.headers["upload-metadata"] == told
    assert response.headers["cache-control"] == "no-store"


async def test_another_version_is_412_and_changes_nothing(platform: PlatformMaker) -> None:
    p = await platform("videos")
    path, _ = await begun(p, 10)
    for method in ("POST", "HEAD", "PATCH", "DELETE"):
        for version in ({}, {"tus-resumable": "0.2.2"}):
            where = "/api/uploads" if method == "POST" else path
            headers = version | OFFSET_TYPE | {"upload-offset": "0", "upload-length": "5"}
            response = await p.call(method, "videos", where, token=p.user(OWNER), headers=headers)
            assert (response.status_code, response.headers["tus-version"]) == (412, "1.0.0"), method
    assert await offset_of(p, path) == 0


LENGTHS: list[tuple[dict[str, str], int]] = [
    ({}, 400),
    ({"upload-length": "-1"}, 400),
    ({"upload-length": "1e3"}, 400),
    ({"upload-length": "99999999999999999999"}, 400),
    ({"upload-defer-length": "1"}, 400),
    ({"upload-length": "0"}, 422),
    ({"upload-length": "1001"}, 413),
]


async def test_a_creation_without_a_possible_length_is_refused(platform: PlatformMaker) -> None:
    p = await platform("videos", MAX_UPLOAD_BYTES="1000")
    for headers, status in LENGTHS:
        sent = TUS | {"upload-metadata": metadata(filename="a.mp4")} | headers
        response = await p.call("POST", "videos", "/api/uploads", token=p.user(OWNER), headers=sent)
        assert response.status_code == status, headers
        assert response.headers["tus-resumable"] == "1.0.0"
    assert await p.db("videos").value("select count(*) from videos") == 0


HOSTILE = [
    (metadata(title="x" * 256), "title"),
    (metadata(title="a\0b"), "title"),
    (metadata(title="a\nb"), "title"),
    (metadata(title="A", filename="a\x1b[2J.mp4"), "filename"),
    (metadata(title="A", price_per_minute="-1"), "price_per_minute"),
    (metadata(title="A", price_per_minute="1.5"), "price_per_minute"),
    (metadata(title="A", price_per_minute="100001"), "price_per_minute"),
    (metadata(title="A", visibility="secret"), "visibility"),
    (metadata(title="A", category="c" * 101), "category"),
    (metadata(title="A", description="d" * 5001), "description"),
    (metadata(title="   "), "title"),
    ("", "title"),
    ("title", "title"),
    ("title not-base64!", "title"),
    ("title /w==", "title"),
    (metadata(title="A") + "," + metadata(title="B"), "title"),
    ("x" * 20_000, "Upload-Metadata"),
]


async def test_hostile_metadata_is_refused(platform: PlatformMaker) -> None:
    p = await platform("videos")
    for told, field in HOSTILE:
        headers = TUS | {"upload-length": "10", "upload-metadata": told}
        response = await p.call("POST", "videos", "/api/uploads", token=p.user(OWNER), headers=headers)
        assert fields_of(response) == {field}, told[:80]


async def test_a_file_lends_its_name_as_title_and_paths_are_cut_off(platform: PlatformMaker) -> None:
    p = await platform("videos")
    _, video_id = await begun(p, 10, title="", filename="C:\\films\\../../etc/Über Berge.mp4", filetype="video/mp4")
    video = await look(p, video_id)
    assert (video["title"], video["filename"]) == ("Über Berge", "Über Berge.mp4")


BROKEN = [
    ({"upload_offset": "3"}, 409, "offset_conflict"),
    ({"upload_offset": "x"}, 400, "bad_request"),
    ({"content_type": "application/octet-stream"}, 415, "bad_content_type"),
    ({"upload_checksum": "crc32 AAAA"}, 400, "bad_request"),
    ({"upload_checksum": "sha1 !"}, 400, "bad_request"),
    ({"upload_checksum": "sha1 AAAA"}, 400, "bad_request"),
    ({"upload_checksum": checksum(b"other")}, 460, "checksum_mismatch"),
]


async def test_a_patch_that_breaks_a_rule_is_refused_and_counts_nothing(platform: PlatformMaker) -> None:
    p = await platform("videos")
    path, _ = await begun(p, 10)
    for changed, status, word in BROKEN:
        response = await send(p, path, 0, film(5), **changed)
        assert code(response) == (status, word)
        assert response.headers["tus-resumable"] == "1.0.0"
    assert await offset_of(p, path) == 0


async def test_a_patch_with_its_checksum_counts(platform: PlatformMaker) -> None:
    p, content = await platform("videos"), film(9000)
    path, video_id = await begun(p, 9000)
    for start, algorithm in ((0, "sha1"), (3000, "sha256"), (6000, "md5")):
        part = content[start : start + 3000]
        assert (await send(p, path, start, part, upload_checksum=checksum(b"no", algorithm))).status_code == 460
        assert (await send(p, path, start, part, upload_checksum=checksum(part, algorithm))).status_code == 204
    assert (await source_of(p, video_id)).read_bytes() == content
    assert (await look(p, video_id))["status"] == "queued"


async def test_more_bytes_than_announced_are_413(platform: PlatformMaker) -> None:
    p = await platform("videos")
    path, video_id = await begun(p, 10)
    assert code(await send(p, path, 0, film(11))) == (413, "too_large")

    async def endless() -> AsyncIterator[bytes]:
        yield film(8)
        yield b"x" * 8

    assert code(await send(p, path, 0, endless())) == (413, "too_large")
    assert (await look(p, video_id))["status"] == "uploading"
    assert await offset_of(p, path) <= 8


async def test_creation_with_upload_takes_the_first_bytes(platform: PlatformMaker) -> None:
    p, content = await platform("videos"), film(50)
    headers = TUS | OFFSET_TYPE | {"upload-length": "50", "upload-metadata": metadata(title="A")}
    response = await p.call(
        "POST", "videos", "/api/uploads", token=p.user(OWNER), headers=headers, content=content[:20]
    )
    assert (response.status_code, response.headers["upload-offset"]) == (201, "20")
    assert (await send(p, response.headers["location"], 20, content[20:])).headers["upload-offset"] == "50"
    assert (await look(p, int(response.headers["x-video-id"])))["status"] == "queued"


async def test_creation_stands_when_its_first_bytes_are_refused(platform: PlatformMaker) -> None:
    p = await platform("videos")
    headers = TUS | OFFSET_TYPE | {"upload-length": "50", "upload-metadata": metadata(title="A")}
    headers["upload-checksum"] = checksum(b"other")
    response = await p.call("POST", "videos", "/api/uploads", token=p.user(OWNER), headers=headers, content=film(20))
    assert (response.status_code, response.headers["upload-offset"]) == (201, "0")


async def test_termination_removes_upload_video_and_bytes(platform: PlatformMaker) -> None:
    p = await platform("videos")
    path, video_id = await begun(p, 10)
    await send(p, path, 0, film(5))
    source = await source_of(p, video_id)
    assert source.exists()
    response = await p.call("DELETE", "videos", path, token=p.user(OWNER), headers=TUS)
    assert response.status_code == 204
    assert not source.exists()
    assert code(await send(p, path, 5, film(5))) == (404, "not_found")
    assert (await p.call("GET", "videos", f"/api/videos/{video_id}")).status_code == 404


async def test_terminating_a_finished_upload_leaves_its_video_alone(platform: PlatformMaker) -> None:
    p = await platform("videos")
    path, video_id = await begun(p, 10)
    await send(p, path, 0, film(10))
    assert (await p.call("DELETE", "videos", path, token=p.user(OWNER), headers=TUS)).status_code == 204
    assert (await look(p, video_id))["status"] == "queued"
    assert (await source_of(p, video_id)).exists()


async def test_a_post_may_name_its_method_in_a_header(platform: PlatformMaker) -> None:
    p = await platform("videos")
    path, _ = await begun(p, 10)
    headers = TUS | OFFSET_TYPE | {"upload-offset": "0", "x-http-method-override": "PATCH"}
    response = await p.call("POST", "videos", path, token=p.user(OWNER), headers=headers, content=film(5))
    assert (response.status_code, response.headers["upload-offset"]) == (204, "5")
    assert code(await p.call("POST", "videos", path, token=p.user(OWNER), headers=TUS)) == (400, "bad_request")


async def test_an_upload_is_its_owners_alone(platform: PlatformMaker) -> None:
    p = await platform("videos")
    path, _ = await begun(p, 10)
    headers = TUS | OFFSET_TYPE | {"upload-offset": "0"}
    for method in ("HEAD", "PATCH", "DELETE"):
        assert (await p.call(method, "videos", path, headers=headers)).status_code == 401
        assert (await p.call(method, "videos", path, token=p.user(STRANGER), headers=headers)).status_code == 403
        unknown = await p.call(method, "videos", "/api/uploads/" + "0" * 32, token=p.user(OWNER), headers=headers)
        assert unknown.status_code == 404
    assert await offset_of(p, path) == 0


async def test_only_operators_upload_when_uploads_are_by_approval(platform: PlatformMaker) -> None:
    p = await platform("videos", UPLOADS="approved")
    assert code(await begin(p, 10)) == (403, "forbidden")
    headers = TUS | {"upload-length": "10", "upload-metadata": metadata(title="A")}
    allowed = await p.call("POST", "videos", "/api/uploads", token=p.user(1, role="operator"), headers=headers)
    assert allowed.status_code == 201
    assert (await p.call("POST", "videos", "/api/uploads", headers=headers)).status_code == 401
