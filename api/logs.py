"""Structured logs: an event name, then fields; one JSON object a line on standard error.

`upload.finished upload_id=… bytes=…` is the manner; `request_id` is bound by `api.service` for the time of a request.
"""

import logging
import sys

import structlog


def configure(level: str = "info", process: str = "") -> None:
    """Call once at process start; `process` is the program's name in every line."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Without the locals of each frame: passwords and tokens would be among them.
            structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s %(levelname)s %(message)s")
    structlog.contextvars.bind_contextvars(process=process)
