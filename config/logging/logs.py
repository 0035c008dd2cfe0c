"""Structured logs: one event a line, as JSON in production and as coloured text in development."""

from typing import Any

import structlog

from config.logging.errors import bounded
from config.logging.secrets import masking


def logging_config(*, level: str, as_json: bool) -> dict[str, Any]:
    """Configure structlog and return the matching dictionary for Django's LOGGING."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
    ]
    structlog.configure(
        processors=[
            *shared,
            bounded,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [bounded, structlog.stdlib.ProcessorFormatter.remove_processors_meta, masking(renderer)],
                "foreign_pre_chain": shared,
            },
        },
        "handlers": {"stream": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stream"], "level": level},
        "loggers": {
            # Django's configuration gives it its own handler, whose lines would not be masked.
            "django.server": {"level": "WARNING", "handlers": [], "propagate": True},
            "granian.access": {"level": "WARNING"},
        },
    }
