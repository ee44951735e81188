"""The videos service put together."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from api import queue
from api.service import Plumbing, build
from api.settings import Settings
from api.videos import held, routes, routes_extras, routes_internal, routes_jobs, routes_units, routes_uploads
from api.videos.bells import Bells
from api.videos.people import People
from api.videos.places import Places
from api.videos.removal import Remover
from api.videos.source import Sources

ROUTES = [
    *routes.ROUTES,
    *routes_uploads.ROUTES,
    *routes_extras.ROUTES,
    *routes_jobs.ROUTES,
    *routes_units.ROUTES,
    *routes_internal.ROUTES,
]


def make_app(settings: Settings) -> Starlette:
    """The ASGI application; each route bounds its own body, for some bodies are films."""
    return build("videos", settings, ROUTES, extra=_extra, max_body_size=None)


@asynccontextmanager
async def _extra(parts: Plumbing) -> AsyncIterator[Mapping[str, object]]:
    settings, clients = parts.settings, parts.clients
    media = settings.path("MEDIA_ROOT")
    sources = Sources(settings.path("SOURCE_ROOT"), settings.number("MAX_UPLOAD_BYTES"))
    for folder in (media, sources.root):
        folder.mkdir(parents=True, exist_ok=True)

    async def end_sessions(video_id: int) -> None:
        await clients.streaming_end_sessions(video_id=video_id, deleted=True)

    celery = queue.make_celery(settings)
    try:
        yield {
            "bells": Bells(lambda name: queue.ring(celery, name)),
            "people": People(clients.auth_people),
            "sources": sources,
            "media": media,
            "remover": Remover(parts.db, sources, media, end_sessions),
            "waiting": Places(held.MOST_WAITING, held.MOST_WAITING // 2),
            "asking": Places(held.MOST_WAITING, held.MOST_OF_SESSION),
            "sending": Places(total=500, each=12),
            "adding": Places(total=32, each=3),
            "listening": Places(total=500, each=20),
        }
    finally:
        celery.close()
