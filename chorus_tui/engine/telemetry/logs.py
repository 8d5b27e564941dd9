"""Structured logs: one JSON object a line, readable text on a terminal, everything redacted before it is written.

The emoji markers of the original stay in the text, so that its grep lines go on working.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog

LONGEST = 4000
_NOISY = {"libp2p": logging.ERROR, "aiohttp": logging.WARNING, "httpx": logging.WARNING, "httpcore": logging.WARNING,
          "zeroconf": logging.ERROR, "asyncio": logging.WARNING}  # fmt: skip


def configure(level: str, format_: str, redact: Callable[[str], str]) -> None:
    """Write to stdout from here on; ``format_`` is ``json``, ``text`` or ``auto`` (text on a terminal)."""
    as_text = format_ == "text" or (format_ == "auto" and sys.stdout.isatty())
    render: Any = (
        structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
        if as_text
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _drop_empty,
        _redactor(redact),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render]
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name, least in _NOISY.items():
        logging.getLogger(name).setLevel(max(least, logging.getLevelName(level.upper())))


def _redactor(redact: Callable[[str], str]) -> Callable[[Any, str, MutableMapping[str, Any]], MutableMapping[str, Any]]:
    def process(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        for key, value in event.items():
            if key.startswith("_") or isinstance(value, bool | int | float) or value is None:
                continue
            text = redact(value if isinstance(value, str) else repr(value))
            event[key] = text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"
        return event

    return process


def _drop_empty(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Fields that say nothing."""
    for key in [key for key, value in event.items() if value == "" and key != "event"]:
        del event[key]
    return event
