"""What those who serve the portal read of the environment: rows of the one table of variables, checked as an engine checks its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from chorus_tui.contract.variables import named


class BadSetting(Exception):
    """A variable cannot be used. The text names it and says what would be right."""


def text(name: str, environ: Mapping[str, str]) -> str:
    """A variable as it was set, directly or by its file, or its default. Raises :class:`BadSetting`."""
    given, file = (environ.get(key, "").strip() for key in (name, f"{name}_FILE"))
    if given and file:
        raise BadSetting(f"{name}: set both directly and by {name}_FILE; use one of them")
    if file:
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise BadSetting(f"{name}: the file {file} that {name}_FILE names cannot be read") from None
    found = given or named(name).default
    if named(name).choices and found not in named(name).choices:
        raise BadSetting(f"{name}: {found!r} is none of {', '.join(named(name).choices)}")
    return found


def number(name: str, environ: Mapping[str, str]) -> int:
    """A whole number within the bounds of its row. Raises :class:`BadSetting`."""
    row, given = named(name), text(name, environ)
    low, high = (0, 65535) if row.kind == "port" else (row.low or 0, row.high or float("inf"))
    if not given.isascii() or not given.isdigit() or not low <= int(given[:12]) <= high:
        raise BadSetting(f"{name}: {given!r} is no whole number from {low:g} to {high:g}")
    return int(given)
