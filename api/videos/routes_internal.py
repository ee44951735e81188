"""What services, the sweeper and nginx ask of the videos service. `api/clients.py` is the caller's side."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.identity import require_service
from api.problems import InvalidRequest
from api.service import answer, database
from api.videos import held, unit, upload, video
from api.videos.routes import video_id

MAX_IDS = 1000


async def list_facts(request: Request) -> Response:
    require_service(request)
    ids = [part for part in request.query_params.get("ids", "").split(",") if part]
    if len(ids) > MAX_IDS or not all(part.isascii() and part.isdigit() and len(part) <= 10 for part in ids):
        raise InvalidRequest(errors=[{"field": "ids", "message": f"must be at most {MAX_IDS} numbers"}])
    return answer(await video.facts(database(request), map(int, ids)))


async def count_play(request: Request) -> Response:
    require_service(request)
    await video.count_play(database(request), video_id(request))
    return Response(status_code=204)


async def sweep(request: Request) -> Response:
    """Everything that time alone brings about; any number of sweepers may call it."""
    require_service(request)
    db, bells = database(request), request.state.bells
    swept = {
        "leases": await unit.expire(db, bells),
        "rung": await unit.ring_unheard(db, bells),
        "uploads": await upload.expire(db),
        "removals": await request.state.remover.sweep(),
    }
    return answer(swept)


async def hold_segment(request: Request) -> Response:
    """nginx asks for a file that is not there; the answer sends it to look again. No token: it has none."""
    parts = request.path_params
    place = held.parse(parts["video"], parts["generation"], parts["rendition"], parts["file"])
    state = request.state
    session = request.headers.get("x-session-id", "")
    with state.asking.taken(session), state.waiting.taken(parts["video"]):
        await held.wait(database(request), state.bells, state.media, place, request.is_disconnected)
    return Response(status_code=200, headers={"x-accel-redirect": f"/segments/{place.path}"})


async def poster(request: Request) -> Response:
    """nginx asks whether a video's poster is open to everybody; it understands 403 alone. No token: it has none."""
    found = await video.is_open(database(request), request.path_params["video"])
    return Response(status_code=204 if found else 403)


ROUTES = [
    Route("/internal/videos", list_facts, methods=["GET"]),
    Route("/internal/videos/{video:int}/plays", count_play, methods=["POST"]),
    Route("/internal/sweep", sweep, methods=["POST"]),
    Route("/internal/held/{video}/{generation}/{rendition}/{file}", hold_segment, methods=["GET"]),
    Route("/internal/posters/{video:int}", poster, methods=["GET"]),
]
