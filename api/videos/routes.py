"""Videos over HTTP: the catalogue, one video, plain uploads, and what changes as it happens."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, suppress

from pydantic import ValidationError
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api.identity import User, optional_user, require_user
from api.limits import client_address
from api.service import BodyLimit, Model, answer, database, invalid, plumbing, read, read_query
from api.videos import events, form, queries_video, video
from api.videos.fields import VideoChange, VideoFields
from api.videos.places import Places

Endpoint = Callable[[Request], Awaitable[Response]]

# Bodies are files here, so the service as a whole has no bound; each route that reads JSON has its own.
MAX_JSON_BYTES = 1 << 20


async def list_videos(request: Request) -> Response:
    wanted = read_query(request, video.Search)
    user = await optional_user(request)
    return answer(await video.search(database(request), request.state.people, user, wanted))


async def create(request: Request) -> Response:
    user = await require_user(request)
    video.check_may_upload(user, plumbing(request).settings.text("UPLOADS"))
    db, state = database(request), request.state
    content_type, announced = request.headers.get("content-type", ""), content_length(request)
    receiving = form.receiving(db, state.sources, content_type, announced, chunks(request))
    with state.sending.taken(f"user:{user.id}"):
        async with receiving as received:
            fields = checked(VideoFields, received.fields)
            made = await form.keep(db, state.bells, user, fields, received)
    return answer(await video.look(db, state.people, user, made), 201, {"location": f"/api/videos/{made}"})


async def get(request: Request) -> Response:
    user = await optional_user(request)
    return answer(await video.look(database(request), request.state.people, user, video_id(request)))


async def change(request: Request) -> Response:
    user = await require_user(request)
    wanted, parts, changed = await read(request, VideoChange), plumbing(request), video_id(request)
    await video.change(parts.db, parts.clients, user, changed, wanted)
    return answer(await video.look(parts.db, request.state.people, user, changed))


async def delete(request: Request) -> Response:
    user = await require_user(request)
    removal_id = await video.delete(database(request), user, video_id(request))
    await request.state.remover.carry_out(removal_id)
    return Response(status_code=204)


async def list_categories(request: Request) -> Response:
    return answer({"items": await queries_video.categories(database(request))})


async def video_events(request: Request) -> Response:
    user, watched = await optional_user(request), video_id(request)
    db, people = database(request), request.state.people
    await video.look(db, people, user, watched)

    async def look() -> object | None:
        with suppress(video.NoVideo):
            return await video.look(db, people, user, watched)
        return None

    return event_stream(request, user, look)


def event_stream(request: Request, user: User | None, look: Callable[[], Awaitable[object | None]]) -> Response:
    """Server-sent events until the client goes; each caller may listen to a few at a time."""
    places: Places = request.state.listening
    return EventStream(events.stream(look), places.taken(f"user:{user.id}" if user else client_address(request)))


class EventStream(StreamingResponse):
    """Takes its place when it begins to answer, and gives it back however that ends."""

    def __init__(self, body: AsyncIterator[bytes], place: AbstractContextManager[None]) -> None:
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(body, headers=headers, media_type="text/event-stream")
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._place:
            await super().__call__(scope, receive, send)


def video_id(request: Request) -> int:
    """The `video` of the path; raises NoVideo for a number no video can have."""
    found: int = request.path_params["video"]
    if not 0 < found <= video.MAX_ID:
        raise video.NoVideo
    return found


def checked(model: type[Model], fields: Mapping[str, str]) -> Model:
    """Fields of a form or of metadata; raises InvalidRequest."""
    try:
        return model.model_validate(dict(fields))
    except ValidationError as error:
        raise invalid(error) from error


async def chunks(request: Request) -> AsyncIterator[bytes]:
    """The body as it comes; just ends when the client goes."""
    with suppress(ClientDisconnect):
        async for chunk in request.stream():
            if chunk:
                yield chunk


def content_length(request: Request) -> int:
    """What the request announces, 0 when it does not say."""
    text = request.headers.get("content-length", "0")
    return int(text) if text.isascii() and text.isdigit() else 0


def json_route(path: str, endpoint: Endpoint, method: str, max_bytes: int = MAX_JSON_BYTES) -> Route:
    """A route that reads its body into memory; more than `max_bytes` is 413."""
    return Route(path, endpoint, methods=[method], middleware=[Middleware(BodyLimit, max_bytes=max_bytes)])


ROUTES = [
    Route("/api/videos", list_videos, methods=["GET"]),
    Route("/api/videos", create, methods=["POST"]),
    Route("/api/videos/{video:int}", get, methods=["GET"]),
    json_route("/api/videos/{video:int}", change, "PUT"),
    Route("/api/videos/{video:int}", delete, methods=["DELETE"]),
    Route("/api/videos/{video:int}/events", video_events, methods=["GET"]),
    Route("/api/categories", list_categories, methods=["GET"]),
]
