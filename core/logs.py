"""Structured logs with request and task ids, and without secrets or personal data.

Call sites log ids, never names, numbers or texts; the scrubber is the wall behind that habit.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

import structlog

SECRET_KEYS = re.compile(r"password|secret|token|authorization|cookie|signature|iban|account_number|api_key", re.I)
# A phone number with its country code, an e-mail address, an IBAN, one of our tokens.
PERSONAL = re.compile(
    r"\+\d{8,15}\b|\b(?:971|966|974|965|968|973|44|92|91|20)\d{8,10}\b"
    r"|[\w.+-]+@[\w-]+\.[\w.]+|\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b|\bmajlis_[\w-]{8,}|\bEAA[A-Za-z0-9]{10,}"
)
SCRUBBED = "[scrubbed]"


def scrub(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take secrets out by the name of their key, and what looks like personal data out of every text."""
    for key, value in event.items():
        event[key] = SCRUBBED if SECRET_KEYS.search(key) and value else _clean(value)
    return event


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return PERSONAL.sub(SCRUBBED, value)
    if isinstance(value, dict):
        return {k: SCRUBBED if SECRET_KEYS.search(str(k)) and v else _clean(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
    scrub,
]

structlog.configure(
    processors=[structlog.stdlib.filter_by_level, *PROCESSORS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)


def logging_config(*, level: str, as_json: bool) -> dict[str, Any]:
    """For settings.LOGGING: one line an event on standard error, our own and everyone else's alike."""
    renderer: Any = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": PROCESSORS,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
    }
