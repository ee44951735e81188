"""The health of the whole platform, for the gateway's `/health`."""

import asyncio
from dataclasses import dataclass

from api.clients import Clients
from api.settings import SERVICES


@dataclass(frozen=True)
class Summary:
    """`status` is ok when every service says so, else degraded."""

    status: str
    services: dict[str, str]


async def summary(clients: Clients) -> Summary:
    """Ask all five services at once."""
    answers = await asyncio.gather(*(clients.health(name) for name in SERVICES))
    fine = all(word == "ok" for word in answers)
    return Summary("ok" if fine else "degraded", dict(zip(SERVICES, answers, strict=True)))
