"""Jobs and workers over HTTP, for operators; uploaders steer their own jobs, and read what came of them."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.identity import require_operator, require_user
from api.service import answer, database, read, read_query
from api.videos import job, queries_job, report
from api.videos.routes import event_stream, json_route, video_id


async def list_jobs(request: Request) -> Response:
    await require_operator(request)
    return answer(await job.page(database(request), read_query(request, job.Search)))


async def job_events(request: Request) -> Response:
    user = await require_operator(request)
    wanted, db = read_query(request, job.Search), database(request)

    async def look() -> object:
        return await job.page(db, wanted)

    return event_stream(request, user, look)


async def change(request: Request) -> Response:
    user, job_id = await require_user(request), request.path_params["job"]
    await job.prioritise(database(request), user, job_id, await read(request, job.Change))
    return answer(await job.look(database(request), job_id))


async def pause(request: Request) -> Response:
    user, job_id = await require_user(request), request.path_params["job"]
    await job.pause(database(request), user, job_id)
    return answer(await job.look(database(request), job_id))


async def resume(request: Request) -> Response:
    user, job_id = await require_user(request), request.path_params["job"]
    await job.resume(database(request), request.state.bells, user, job_id)
    return answer(await job.look(database(request), job_id))


async def cancel(request: Request) -> Response:
    user, job_id = await require_user(request), request.path_params["job"]
    removal_id = await job.cancel(database(request), user, job_id)
    await request.state.remover.carry_out(removal_id)
    return answer(await job.look(database(request), job_id))


async def retry(request: Request) -> Response:
    user, job_id = await require_user(request), request.path_params["job"]
    await job.retry(database(request), request.state.bells, user, job_id)
    return answer(await job.look(database(request), job_id))


async def list_workers(request: Request) -> Response:
    await require_operator(request)
    return answer({"items": await queries_job.workers(database(request))})


async def job_of_video(request: Request) -> Response:
    user = await require_user(request)
    return answer(await job.of_video(database(request), user, video_id(request)))


async def get_report(request: Request) -> Response:
    user = await require_user(request)
    return answer(await report.look(database(request), request.state.media, user, video_id(request)))


ROUTES = [
    Route("/api/jobs", list_jobs, methods=["GET"]),
    Route("/api/jobs/events", job_events, methods=["GET"]),
    json_route("/api/jobs/{job:int}", change, "PUT"),
    Route("/api/jobs/{job:int}/pause", pause, methods=["POST"]),
    Route("/api/jobs/{job:int}/resume", resume, methods=["POST"]),
    Route("/api/jobs/{job:int}/cancel", cancel, methods=["POST"]),
    Route("/api/jobs/{job:int}/retry", retry, methods=["POST"]),
    Route("/api/workers", list_workers, methods=["GET"]),
    Route("/api/videos/{video:int}/job", job_of_video, methods=["GET"]),
    Route("/api/videos/{video:int}/report", get_report, methods=["GET"]),
]
