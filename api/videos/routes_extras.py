"""What people add to a film of their own accord, over HTTP: captions and a poster; and workers asking for them."""

from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from api.identity import require_service, require_user
from api.problems import Problem
from api.service import answer, database, read, read_query
from api.videos import captions, poster, queries_captions, queries_poster, video
from api.videos.routes import json_route, video_id


class CutShort(Problem):
    code, status = "cut_short", 400
    detail = "The file did not arrive whole. Send it again."


async def put_captions(request: Request) -> Response:
    user, captioned = await require_user(request), video_id(request)
    wanted, language = read_query(request, captions.Wanted), request.path_params["language"]
    db, bells = database(request), request.state.bells
    with request.state.adding.taken(f"user:{user.id}"):
        data = b"".join([chunk async for chunk in whole(request)])
        return answer(await captions.put(db, bells, user, captioned, language, wanted=wanted, data=data))


async def delete_captions(request: Request) -> Response:
    user, bells = await require_user(request), request.state.bells
    language = request.path_params["language"]
    return answer(await captions.delete(database(request), bells, user, video_id(request), language))


async def put_poster(request: Request) -> Response:
    """An image, or JSON that names a moment of the film."""
    user, shown, db, state = await require_user(request), video_id(request), database(request), request.state
    with state.adding.taken(f"user:{user.id}"):
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json":
            await poster.choose(db, state.bells, user, shown, await read(request, poster.Moment))
        else:
            await poster.upload(db, state.bells, state.sources, user, shown, chunks=whole(request))
    return answer(await video.look(db, state.people, user, shown))


async def list_captions(request: Request) -> Response:
    require_service(request)
    return answer(await queries_captions.captions(database(request), video_id(request)))


async def wanted_poster(request: Request) -> Response:
    require_service(request)
    return answer(await queries_poster.wanted(database(request), video_id(request)))


async def whole(request: Request) -> AsyncIterator[bytes]:
    """The body as it comes; raises CutShort when the client goes on the way."""
    try:
        async for chunk in request.stream():
            if chunk:
                yield chunk
    except ClientDisconnect as gone:
        raise CutShort from gone


ROUTES = [
    json_route("/api/videos/{video:int}/captions/{language}", put_captions, "PUT", captions.MAX_BYTES),
    Route("/api/videos/{video:int}/captions/{language}", delete_captions, methods=["DELETE"]),
    json_route("/api/videos/{video:int}/poster", put_poster, "PUT", poster.MAX_BYTES),
    Route("/internal/videos/{video:int}/captions", list_captions, methods=["GET"]),
    Route("/internal/videos/{video:int}/poster", wanted_poster, methods=["GET"]),
]
