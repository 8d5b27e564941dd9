"""Globs over relative paths: ``*`` and ``?`` within a folder, ``**`` across folders, ``[…]`` classes. Pure."""

from __future__ import annotations

import re
from fnmatch import translate
from functools import lru_cache


def matches(path: str, pattern: str) -> bool:
    """Whether ``path`` matches.

    A pattern without wildcard in its last part takes everything below the folder it names.
    """
    parts = tuple(part for part in pattern.split("/") if part not in {"", "."})
    return _match(tuple(path.split("/")), parts)


def _match(path: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    # Which prefixes of the path the pattern so far can stand for; this stays linear in path and pattern.
    reached = {0}
    for part in pattern:
        if part == "**":
            reached = set(range(min(reached), len(path) + 1)) if reached else set()
        else:
            compiled = _compiled(part)
            reached = {at + 1 for at in reached if at < len(path) and compiled.match(path[at])}
    names_a_folder = not pattern or not any(sign in pattern[-1] for sign in "*?[")
    return len(path) in reached or (names_a_folder and bool(reached))


@lru_cache(maxsize=256)
def _compiled(part: str) -> re.Pattern[str]:
    return re.compile(translate(part))
