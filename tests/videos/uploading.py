"""Uploads for the tests of videos: bytes that look like a film, tus requests, plain forms."""

import base64
import random
from collections.abc import AsyncIterable
from pathlib import Path
from typing import Any

import httpx2

from tests.conftest import Platform

OWNER, STRANGER, CHIEF = 7, 8, 1
HEAD = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2"
TUS = {"tus-resumable": "1.0.0"}
OFFSET_TYPE = {"content-type": "application/offset+octet-stream"}


def film(size: int = 5000, seed: int = 1) -> bytes:
    """Bytes that begin like an MP4."""
    return (HEAD + random.Random(seed).randbytes(size))[:size]


def metadata(**fields: str) -> str:
    return ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in fields.items())


async def begin(p: Platform, size: int, user: int = OWNER, **fields: str) -> httpx2.Response:
    """POST /api/uploads."""
    told = metadata(**({"filename": "film.mp4", "title": "A film"} | fields))
    headers = TUS | {"upload-length": str(size), "upload-metadata": told}
    return await p.call("POST", "videos", "/api/uploads", token=p.user(user), headers=headers)


async def begun(p: Platform, size: int, user: int = OWNER, **fields: str) -> tuple[str, int]:
    """The path of a new upload and the id of its video."""
    response = await begin(p, size, user, **fields)
    assert response.status_code == 201, response.text
    return response.headers["location"], int(response.headers["x-video-id"])


async def send(
    p: Platform, path: str, offset: int, content: bytes | AsyncIterable[bytes], **headers: str
) -> httpx2.Response:
    """PATCH an upload."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = TUS | OFFSET_TYPE | {"upload-offset": str(offset)} | named
    return await p.call("PATCH", "videos", path, token=p.user(OWNER), headers=sent, content=content)


async def offset_of(p: Platform, path: str, user: int = OWNER) -> int:
    """What HEAD says."""
    response = await p.call("HEAD", "videos", path, token=p.user(user), headers=TUS)
    assert response.status_code == 200
    return int(response.headers["upload-offset"])


async def post(p: Platform, content: bytes, **fields: str) -> httpx2.Response:
    """POST /api/videos: a plain form."""
    files = {"file": ("film.mp4", content, "video/mp4")}
    data = {"title": "A film"} | fields
    return await p.call("POST", "videos", "/api/videos", token=p.user(OWNER), data=data, files=files)


async def posted(p: Platform, **fields: str) -> int:
    """The id of a video made by a plain form."""
    response = await post(p, film(), **fields)
    assert response.status_code == 201, response.text
    return int(response.json()["id"])


async def look(p: Platform, video_id: int, user: int | None = OWNER) -> dict[str, Any]:
    """GET /api/videos/:id."""
    token = None if user is None else p.user(user)
    response = await p.call("GET", "videos", f"/api/videos/{video_id}", token=token)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def source_of(p: Platform, video_id: int) -> Path:
    """Where the bytes of a video lie."""
    name = await p.db("videos").value("select source from videos where id = :video_id", video_id=video_id)
    return p.settings.path("SOURCE_ROOT") / name


def code(response: httpx2.Response) -> tuple[int, str]:
    """Status and code of a problem."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    return response.status_code, response.json()["code"]


def fields_of(response: httpx2.Response) -> set[str]:
    """The fields a 422 complains about."""
    assert code(response) == (422, "invalid_request")
    return {error["field"] for error in response.json()["errors"]}
