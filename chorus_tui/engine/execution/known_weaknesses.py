"""Weaknesses of container runtimes that let a task out, by the versions an engine names. Pure.

A version tells what upstream fixed. Distributions mend older versions without changing the number, so a finding says
what to look up and never refuses work.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?(?:-rc\.?(\d+))?")
_RELEASED = 1 << 16
"""Stands for "no release candidate": later than every candidate."""

Version = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Weakness:
    """A fault of ``component``. ``fixed``: the first good version of each line that was mended, in order."""

    name: str
    component: str
    what: str
    fixed: tuple[str, ...]


KNOWN: tuple[Weakness, ...] = (
    Weakness(
        "CVE-2024-21626", "runc", "a working directory that is an open file of the runtime leads out", ("1.1.12",)
    ),
    Weakness(
        "CVE-2025-31133, CVE-2025-52565 and CVE-2025-52881", "runc",
        "masked paths, /dev/console and writes to /proc can be turned elsewhere by a race", ("1.2.8", "1.3.3", "1.4.0-rc.3"),
    ),
)  # fmt: skip


def parsed(version: str) -> Version | None:
    """The number of a version, or None where it has none."""
    found = _VERSION.match(version.strip())
    if found is None:
        return None
    major, minor, patch, candidate = found.groups()
    return int(major), int(minor), int(patch or 0), int(candidate) if candidate else _RELEASED


def is_fixed(version: Version, fixed: Sequence[str]) -> bool:
    """Whether ``version`` is at least its line's fix, or later than every line that needed one."""
    lines = [line for text in fixed if (line := parsed(text)) is not None]
    for line in lines:
        if version[:2] == line[:2]:
            return version >= line
    return bool(lines) and version > max(lines)


def findings(engine: Mapping[str, Any]) -> tuple[str, ...]:
    """A sentence for each weakness the engine's own answer (``/version``) does not rule out; what to do about it."""
    versions = {
        str(part.get("Name", "")).lower(): str(part.get("Version", "")) for part in engine.get("Components") or []
    }
    said = []
    for weakness in KNOWN:
        text = versions.get(weakness.component, "")
        version = parsed(text)
        if version is None or is_fixed(version, weakness.fixed):
            continue
        said.append(
            f"{weakness.component} {text} may have {weakness.name} ({weakness.what}): fixed in "
            f"{', '.join(weakness.fixed)}, or see whether your distribution mended it"
        )
    return tuple(said)
