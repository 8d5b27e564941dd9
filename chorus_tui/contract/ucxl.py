"""UCXL addresses: what a piece of context is called, wherever it is kept.

    ucxl://<agent>:<role>@<project>:<task>/<temporal>/<path>[?query][#fragment]

Parsing and printing are a fixed pair: what is printed is canonical (scheme in lower case, wildcards written ``any``, one slash before
the path) and parses to the same. Pure; both sides of the contract use it.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

SCHEME = "ucxl://"
LONGEST = 1024
ANY = "any"
FORM = "ucxl://agent:role@project:task/*^/path"
MOST_VERSION = 2**53 - 1

Kind = Literal["latest", "any", "version", "back", "forward", "at"]

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_DOTTED = re.compile(r"[A-Za-z0-9_.-]+")
_SEGMENT = re.compile(r"[A-Za-z0-9_.-]+")
_EXTRA = re.compile(r"[!-~]*")
_STEPS = re.compile(r"(\*~|~~|\^\^)(\d{0,16})")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)")
_KINDS: dict[str, Kind] = {"*~": "version", "~~": "back", "^^": "forward"}
_SIGNS = {kind: sign for sign, kind in _KINDS.items()}


class InvalidAddress(ValueError):
    """No UCXL address. ``field`` is the part that is wrong, ``raw`` the whole text; ``str()`` names all three."""

    code = "UCXL-400-INVALID_ADDRESS"

    def __init__(self, field: str, message: str, raw: str) -> None:
        super().__init__(f"{field}: {message} (in {raw[:LONGEST]!r})")
        self.field = field
        self.message = message
        self.raw = raw


@dataclass(frozen=True, slots=True)
class Temporal:
    """Which version is meant. ``n`` counts versions (from 1) or steps; ``at`` is a moment in UTC."""

    kind: Kind = "latest"
    n: int = 0
    at: datetime | None = None

    def __str__(self) -> str:
        if self.kind == "latest":
            return "*^"
        if self.kind == "any":
            return "*~"
        if self.kind == "at" and self.at is not None:
            return f"@{_moment(self.at)}"
        return f"{_SIGNS[self.kind]}{self.n}"


LATEST = Temporal()


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed address; ``str()`` is its canonical form."""

    agent: str
    role: str
    project: str
    task: str
    temporal: Temporal = LATEST
    path: str = ""
    query: str = ""
    fragment: str = ""

    def __str__(self) -> str:
        query = f"?{self.query}" if self.query else ""
        fragment = f"#{self.fragment}" if self.fragment else ""
        return (
            f"{SCHEME}{self.agent}:{self.role}@{self.project}:{self.task}/{self.temporal}/{self.path}{query}{fragment}"
        )

    @property
    def names(self) -> tuple[str, str, str, str]:
        """Agent, role, project, task."""
        return (self.agent, self.role, self.project, self.task)

    @property
    def concrete(self) -> bool:
        """Whether it names one thing: no wildcard, and a path."""
        return ANY not in self.names and bool(self.path)

    @property
    def place(self) -> str:
        """What all versions of one thing share: the address of its latest version, without query and fragment."""
        return str(replace(self, temporal=LATEST, query="", fragment=""))

    def of(self, temporal: Temporal) -> Address:
        """The same thing in another version."""
        return replace(self, temporal=temporal)

    def covers(self, other: Address) -> bool:
        """Whether ``other`` is among what this address may mean: wildcards fit all, an empty path all paths."""
        named = all(mine in (ANY, theirs) for mine, theirs in zip(self.names, other.names, strict=True))
        return named and self.path in ("", other.path)


def parse(raw: str) -> Address:
    """Read an address. Raises :class:`InvalidAddress`."""
    if len(raw) > LONGEST:
        raise InvalidAddress("address", f"longer than {LONGEST} characters", raw)
    if raw[: len(SCHEME)].lower() != SCHEME:
        raise InvalidAddress("scheme", f"an address begins with {SCHEME}; like {FORM}", raw)
    authority, slash, rest = raw[len(SCHEME) :].partition("/")
    who, at, where = authority.partition("@")
    if not at:
        raise InvalidAddress("project", f"@project:task is missing; like {FORM}", raw)
    agent, role = _pair("agent", "role", who, raw)
    project, task = _pair("project", "task", where, raw)
    if not slash:
        raise InvalidAddress("temporal", f"a version is missing; /*^/ means the latest; like {FORM}", raw)
    temporal, path, query, fragment = _rest(rest, raw)
    return Address(agent, role, project, task, temporal, path, query, fragment)


def _pair(first: str, second: str, text: str, raw: str) -> tuple[str, str]:
    one, colon, other = text.partition(":")
    if not colon:
        raise InvalidAddress(second, f"{first}:{second} has no colon; like {FORM}", raw)
    return _name(first, one, _DOTTED, raw), _name(second, other, _NAME, raw)


def _name(field: str, text: str, pattern: re.Pattern[str], raw: str) -> str:
    if text == "*":
        return ANY
    if not pattern.fullmatch(text):
        dots = ", . " if pattern is _DOTTED else " "
        why = "is empty; any means all" if not text else f"letters, digits, _{dots}and - are allowed, or any"
        raise InvalidAddress(field, why, raw)
    return text


def _rest(text: str, raw: str) -> tuple[Temporal, str, str, str]:
    if text == "#" or text.startswith("#/"):
        segment, text = "#", text[1:]
    else:
        segment = re.split(r"[/?#]", text, maxsplit=1)[0]
        text = text[len(segment) :]
    temporal = _temporal(segment, raw)
    text, _, fragment = text.partition("#")
    path, _, query = text.partition("?")
    for field, extra in (("query", query), ("fragment", fragment)):
        if not _EXTRA.fullmatch(extra):
            raise InvalidAddress(field, "printable ASCII without spaces only", raw)
    return temporal, _path(path.removeprefix("/"), raw), query, fragment


def _path(text: str, raw: str) -> str:
    if not text:
        return ""
    for segment in text.split("/"):
        if not segment:
            raise InvalidAddress("path", "has an empty segment; write one slash between two", raw)
        if segment == "..":
            raise InvalidAddress("path", "does not go up; .. is not allowed", raw)
        if not _SEGMENT.fullmatch(segment):
            raise InvalidAddress("path", "letters, digits, _, . and - are allowed between slashes", raw)
    return text


def _temporal(text: str, raw: str) -> Temporal:
    if text in ("*^", "#"):
        return LATEST
    if text == "*~":
        return Temporal("any")
    if text.startswith("@"):
        return Temporal("at", at=_parsed_moment(text[1:], raw))
    steps = _STEPS.fullmatch(text)
    if steps is None:
        known = "*^ (latest), *~ (any), *~N (version N), ~~N (N back from the latest), ^^N (N on from the first), @TIME"
        raise InvalidAddress("temporal", f"{text!r} is no version; there are {known}", raw)
    kind, n = _KINDS[steps[1]], int(steps[2] or 1)
    if n > MOST_VERSION or (kind == "version" and n == 0):
        raise InvalidAddress("temporal", f"versions count from 1 to {MOST_VERSION}", raw)
    return Temporal(kind, n)


def _parsed_moment(text: str, raw: str) -> datetime:
    if _MOMENT.fullmatch(text):
        with contextlib.suppress(ValueError, OverflowError):  # told below, as any other text that is no moment
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    raise InvalidAddress("temporal", "@ is followed by a moment with its zone, like @2030-01-31T12:00:00Z", raw)


def _moment(at: datetime) -> str:
    text = at.astimezone(UTC).isoformat().replace("+00:00", "")
    return f"{text}Z"
