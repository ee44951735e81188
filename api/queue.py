"""The Celery object and `ring`: a bell that says "there is work in this queue". The row is the job.

A lost or doubled bell is harmless: workers claim rows under a lease, the sweeper rings again for what nobody took.
Messages are acknowledged on receipt for that reason; Redis redelivery was seen starting one task three times.
"""

import asyncio
from typing import Literal

from celery import Celery

from api.settings import Settings

QueueName = Literal["interactive", "batch"]
QUEUES: tuple[QueueName, ...] = ("interactive", "batch")
TASK = "workers.tasks.work"


def make_celery(settings: Settings) -> Celery:
    """The Celery application: JSON only, no result backend, one message in hand at a time."""
    app = Celery("streamify", broker=settings.text("REDIS_URL"), include=["workers.tasks"])
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=False,
        task_default_queue="batch",
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        broker_connection_retry_on_startup=True,
        # The half-open connection of a lost Redis is found by these; without them a publish can hang for ever.
        broker_transport_options={
            "socket_timeout": 30,
            "socket_keepalive": True,
            "health_check_interval": 25,
            "global_keyprefix": "celery:",
        },
    )
    return app


async def ring(app: Celery, queue: QueueName) -> None:
    """Say that `queue` has a claimable unit. Call after the commit that made it; raises when the broker is away."""
    await asyncio.to_thread(app.send_task, TASK, (queue,), queue=queue, retry=False)
