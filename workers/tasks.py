"""The Celery side of a worker: the task that a bell starts, and the process that waits for bells."""

import asyncio
import os
import signal
import socket

import structlog
from celery import shared_task

from api.queue import TASK, QueueName, make_celery
from api.settings import Settings, load
from media import sandbox
from workers import transcode

log = structlog.get_logger()

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@shared_task(name=TASK)  # type: ignore[untyped-decorator]
def work(queue: QueueName) -> None:
    """Work until the queue is empty. A signal kills the encoder, gives the unit back and then ends the worker."""
    celerys = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        stopped = asyncio.run(transcode.run(load(), queue))
    finally:
        # The event loop leaves the defaults behind.
        for number, handler in celerys.items():
            signal.signal(number, handler)
    if stopped:
        os.kill(os.getpid(), signal.SIGTERM)


def start_worker(settings: Settings, queue: QueueName) -> None:
    """One process, one body at a time, until a signal."""
    log.info("worker.started", queue=queue, sandbox=sandbox.features())
    worker = make_celery(settings).Worker(
        queues=[queue],
        pool="solo",
        concurrency=1,
        hostname=f"{queue}-{os.getpid()}@{socket.gethostname()}",
        loglevel="WARNING",
        quiet=True,
        # Units have leases of their own; workers need not know each other.
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
