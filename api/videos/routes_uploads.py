"""Resumable uploads over HTTP: tus 1.0 with the extensions of `tus.EXTENSIONS`."""

from email.utils import format_datetime
from functools import wraps

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.identity import User, require_user
from api.problems import Problem, problem_response
from api.service import database, plumbing
from api.videos import patch, tus, upload, video
from api.videos.fields import VideoFields, from_metadata
from api.videos.queries_upload import Upload
from api.videos.routes import Endpoint, checked, chunks, content_length
from api.videos.source import Sources, TooLarge


def speaks_tus(endpoint: Endpoint) -> Endpoint:
    """Every answer, problems too, says which version it speaks; a request in another one is refused."""

    @wraps(endpoint)
    async def wrapped(request: Request) -> Response:
        try:
            if request.method != "OPTIONS" and request.headers.get("tus-resumable") != tus.VERSION:
                raise tus.WrongVersion
            response = await endpoint(request)
        except Problem as problem:
            response = problem_response(request, problem)
            if isinstance(problem, tus.WrongVersion):
                response.headers["tus-version"] = tus.VERSION
        response.headers["tus-resumable"] = tus.VERSION
        return response

    return wrapped


@speaks_tus
async def discover(request: Request) -> Response:
    sources: Sources = request.state.sources
    headers = {
        "tus-version": tus.VERSION,
        "tus-extension": tus.EXTENSIONS,
        "tus-max-size": str(sources.max_bytes),
        "tus-checksum-algorithm": ",".join(tus.ALGORITHMS),
    }
    return Response(status_code=204, headers=headers)


@speaks_tus
async def begin(request: Request) -> Response:
    user = await require_user(request)
    video.check_may_upload(user, plumbing(request).settings.text("UPLOADS"))
    size_bytes = tus.parse_number("Upload-Length", request.headers.get("upload-length"))
    metadata = request.headers.get("upload-metadata", "")
    checksum = tus.parse_checksum(request.headers.get("upload-checksum"))
    fields = checked(VideoFields, from_metadata(tus.parse_metadata(metadata)))
    db, sources = database(request), request.state.sources
    begun = await upload.begin(db, sources, user, fields=fields, size_bytes=size_bytes, metadata=metadata)
    headers = {"location": f"/api/uploads/{begun.id}", "x-video-id": str(begun.video_id)}
    if request.headers.get("content-type") == tus.CONTENT_TYPE:
        headers["upload-offset"] = str(await _first_bytes(request, user, begun, checksum))
    return Response(status_code=201, headers=headers | _expires(begun))


async def _first_bytes(request: Request, user: User, begun: Upload, checksum: tus.Checksum | None) -> int:
    """Creation with upload. The upload exists whatever becomes of these bytes, so the answer is how many arrived."""
    try:
        return await _receive(request, begun, 0, checksum)
    except Problem:
        return (await upload.look(database(request), user, begun.id)).offset_bytes


async def _receive(request: Request, found: Upload, offset: int, checksum: tus.Checksum | None) -> int:
    """The bytes of this request into an upload; a user may send a few at a time."""
    if offset + content_length(request) > found.size_bytes:
        raise TooLarge("More bytes are announced than the upload has left.")
    state, db = request.state, database(request)
    with state.sending.taken(f"user:{found.uploaded_by}"):
        body = chunks(request)
        return await patch.receive(db, state.bells, state.sources, found, offset=offset, chunks=body, checksum=checksum)


async def look(request: Request) -> Response:
    found = await _upload(request)
    headers = {"upload-offset": str(found.offset_bytes), "upload-length": str(found.size_bytes)}
    if found.metadata:
        headers["upload-metadata"] = found.metadata
    headers |= {"cache-control": "no-store", "x-video-id": str(found.video_id)} | _expires(found)
    return Response(status_code=200, headers=headers)


async def send(request: Request) -> Response:
    if request.headers.get("content-type") != tus.CONTENT_TYPE:
        raise tus.WrongContentType
    offset = tus.parse_number("Upload-Offset", request.headers.get("upload-offset"))
    checksum = tus.parse_checksum(request.headers.get("upload-checksum"))
    reached = await _receive(request, await _upload(request), offset, checksum)
    return Response(status_code=204, headers={"upload-offset": str(reached)} | _expires(await _upload(request)))


async def terminate(request: Request) -> Response:
    user = await require_user(request)
    removal_id = await upload.terminate(database(request), user, request.path_params["upload"])
    if removal_id is not None:
        await request.state.remover.carry_out(removal_id)
    return Response(status_code=204)


async def _upload(request: Request) -> Upload:
    return await upload.look(database(request), await require_user(request), request.path_params["upload"])


def _expires(found: Upload) -> dict[str, str]:
    return {"upload-expires": format_datetime(found.expires_at, usegmt=True)}


METHODS: dict[str, Endpoint] = {"HEAD": look, "PATCH": send, "DELETE": terminate, "OPTIONS": discover}


@speaks_tus
async def one(request: Request) -> Response:
    """tus lets clients that cannot send PATCH or DELETE name the method in a header of a POST."""
    method = request.headers.get("x-http-method-override", request.method).upper()
    endpoint = METHODS.get(method)
    if endpoint is None:
        raise tus.BadHeader("An upload knows HEAD, PATCH and DELETE.")
    return await endpoint(request)


ROUTES = [
    Route("/api/uploads", discover, methods=["OPTIONS"]),
    Route("/api/uploads", begin, methods=["POST"]),
    Route("/api/uploads/{upload}", one, methods=["HEAD", "PATCH", "DELETE", "OPTIONS", "POST"]),
]
