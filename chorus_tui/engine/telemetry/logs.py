"""Structured logs: one JSON object a line, readable text on a terminal, everything redacted before it is written, nothing obeyed by
whoever shows it.

The emoji markers of the original stay in the text, so that its grep lines go on working. An event that comes over and over
is written a few times a minute only; the next line that is written says how many were left out.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, MutableMapping
from types import TracebackType
from typing import Any, TextIO

import structlog

from chorus_tui.contract.harmless import as_json, plain

LONGEST = 4000
MOST_A_MINUTE = 30
"""Lines of one event that are written within a minute."""
WINDOW_S = 60.0
REMEMBERED = 1000
"""Lines that an engine can show of its own log."""
MOST_EVENTS = 1000
"""Events whose rate is followed before those are forgotten that have not come for a window."""
_NOISY = {"libp2p": logging.ERROR, "aiohttp": logging.WARNING, "httpx": logging.WARNING, "httpcore": logging.WARNING,
          "zeroconf": logging.ERROR, "asyncio": logging.WARNING}  # fmt: skip


class Tally:
    """Counts lines by level, and leaves out what repeats too often. ``now`` is a monotonic clock in seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._windows: dict[str, tuple[float, int]] = {}
        self.written: Counter[str] = Counter()
        self.suppressed = 0

    def count(self, _logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """A processor that counts."""
        self.written[str(event.get("level", method))] += 1
        return event

    def limit(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """A processor that drops what came too often within the window, and says of the next how many did."""
        key, now = f"{event.get('event', '')} {event.get('text', '')}", self._now()
        since, seen = self._windows.get(key, (now, 0))
        if now - since >= WINDOW_S:
            left_out, since, seen = max(0, seen - MOST_A_MINUTE), now, 0
            if left_out:
                event["left_out"] = left_out
        if key not in self._windows and len(self._windows) >= MOST_EVENTS:
            self._windows = {name: one for name, one in self._windows.items() if now - one[0] < WINDOW_S}
        self._windows[key] = (since, seen + 1)
        if seen >= MOST_A_MINUTE:
            self.suppressed += 1
            raise structlog.DropEvent
        return event


_tally = Tally()
"""Logging is the process's own, so its count is too."""


def written() -> Counter[str]:
    """Lines written since the start, by level."""
    return _tally.written


def suppressed() -> int:
    """Lines left out since the start."""
    return _tally.suppressed


_recent: deque[str] = deque(maxlen=REMEMBERED)


def recent(limit: int) -> list[str]:
    """The newest lines as they were written, but without colours; oldest first."""
    return list(_recent)[-limit:]


_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class _Remembering(logging.StreamHandler[TextIO]):
    """Writes, and keeps the last lines for whoever asks how it came to this."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        _recent.append(_COLOUR.sub("", text))
        return text


def configure(level: str, format_: str, redact: Callable[[str], str]) -> None:
    """Write to stdout from here on; ``format_`` is ``json``, ``text`` or ``auto`` (text on a terminal)."""
    as_text = format_ == "text" or (format_ == "auto" and sys.stdout.isatty())
    render: list[Any] = (
        [_plain, structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())]
        if as_text
        else [structlog.processors.JSONRenderer(ensure_ascii=False), lambda _logger, _method, line: as_json(line)]
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _drop_empty,
        _redactor(redact),
        _tally.count,
    ]
    structlog.configure(
        # What is below the level asked for is neither made nor counted.
        processors=[
            structlog.stdlib.filter_by_level,
            _tally.limit,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = _Remembering(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render]
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    sys.excepthook = _told_in_the_log
    threading.excepthook = lambda args: _told_in_the_log(
        args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
    )
    set_level(level)


def set_level(level: str) -> None:
    """How much is logged from here on."""
    logging.getLogger().setLevel(level.upper())
    for name, least in _NOISY.items():
        logging.getLogger(name).setLevel(max(least, logging.getLevelName(level.upper())))


def _told_in_the_log(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What nobody caught: its traceback passes the redactor as every line does, instead of going to stderr as it is."""
    logging.getLogger("chorus").critical("❌ An error that nobody caught", exc_info=(kind, error, trace))


def _redactor(redact: Callable[[str], str]) -> Callable[[Any, str, MutableMapping[str, Any]], MutableMapping[str, Any]]:
    def process(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        for key, value in event.items():
            if key.startswith("_") or isinstance(value, bool | int | float) or value is None:
                continue
            text = redact(value if isinstance(value, str) else repr(value))
            event[key] = text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"
        return event

    return process


def _plain(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """For a terminal: nothing that others wrote is obeyed, and only a traceback has lines."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = plain(value, lines=key == "exception")
    return event


def _drop_empty(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Fields that say nothing."""
    for key in [key for key, value in event.items() if value == "" and key != "event"]:
        del event[key]
    return event
