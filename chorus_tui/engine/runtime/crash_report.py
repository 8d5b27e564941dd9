"""What is left of an engine that failed: a small file that says where, with nothing of what it held.

The rule it keeps: types, places in the code and the redacted words of the errors; no variables, no source lines, no environment,
no arguments. Mode 0600, bounded in size and number. A support bundle takes the files of :func:`reports`.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import structlog

from chorus_tui import __version__
from chorus_tui.engine.private_file import create_private, own_folder

log = structlog.get_logger("chorus.runtime")

FOLDER: Final = "crashes"
KEPT: Final = 10
"""Reports at most; the oldest go."""
WORDS: Final = 400
"""Characters of one error's text."""
MOST_ERRORS: Final = 20
MOST_PLACES: Final = 40
"""Places of one error, the innermost."""


def write(folder: Path, error: BaseException, redact: Callable[[str], str]) -> Path | None:
    """A report in the data folder ``folder``; None when none could be written. Never raises."""
    now = dt.datetime.now(dt.UTC)
    path = folder / FOLDER / f"crash-{now:%Y%m%dT%H%M%S.%f}-{os.getpid()}.json"
    report = {
        "at": now.isoformat(timespec="seconds"), "version": __version__, "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "errors": [_told(one, redact) for one in list(_errors(error))[:MOST_ERRORS]],
    }  # fmt: skip
    try:
        own_folder(path.parent)
        create_private(path, json.dumps(report, indent=1, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
        for old in reports(folder)[:-KEPT]:
            old.unlink()
    except Exception as fault:  # noqa: BLE001 - whatever keeps it from being written, the first error is what counts
        log.warning("No crash report could be written", reason=type(fault).__name__)
        return None
    return path


def reports(folder: Path) -> list[Path]:
    """The reports in a data folder, oldest first."""
    return sorted((folder / FOLDER).glob("crash-*.json"))


def in_a_line(error: BaseException, redact: Callable[[str], str]) -> str:
    """The first error in words."""
    told = _told(next(_errors(error)), redact)
    return f"{told['type']}: {told['words']}" if told["words"] else str(told["type"])


def _errors(error: BaseException) -> Iterator[BaseException]:
    """The errors of a group one by one, each followed by its causes."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, BaseExceptionGroup):
            waiting[:0] = one.exceptions
            continue
        yield one
        cause = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
        if cause is not None:
            waiting.insert(0, cause)


def _told(error: BaseException, redact: Callable[[str], str]) -> dict[str, Any]:
    places = [
        f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
    ]
    # Redacted whole, then cut: a secret that is cut in two would not be known.
    words = " ".join(redact(str(error)).split())[:WORDS]
    return {"type": type(error).__qualname__, "words": words, "at": places[-MOST_PLACES:]}


def _short(file: str) -> str:
    """The place in the program, without where it is installed."""
    for root in sorted(filter(None, sys.path), key=len, reverse=True):
        if file.startswith(f"{root}{os.sep}"):
            return file[len(root) + 1 :]
    return Path(file).name
