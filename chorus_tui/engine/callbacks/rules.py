"""Which address may be called, how a call is signed, and when it is tried again. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Final, Literal
from urllib.parse import SplitResult, urlsplit

from chorus_tui.contract import hosts
from chorus_tui.contract.hosts import Target

LONGEST_URL: Final = 2_048
FIRST_PAUSE_S: Final = 5.0
LONGEST_PAUSE_S: Final = 3_600.0
GIVE_UP_S: Final = 86_400.0
"""So long after the first try it is tried."""
GONE: Final = 410
"""The status by which a service says that it wants no more calls of this kind."""

_HTTP: Final = 80


class NotAllowed(ValueError):
    """This address is not called. The text says why, and the way out."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to call: ``where`` is the host and port of ``url``."""

    url: str
    where: Target
    secure: bool
    path: str


def place(url: str, listed: frozenset[Target]) -> Place:
    """Read ``url``. Raises :class:`NotAllowed` unless it is an https address of a listed host."""
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise NotAllowed(f"an address of at most {LONGEST_URL} printable ASCII characters without blanks is expected")
    parts = _split(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise NotAllowed("an address such as https://ci.example/hook is expected")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise NotAllowed("an address without user, password and fragment is expected; calls are signed instead")
    secure = parts.scheme == "https"
    where = _where(parts, hosts.HTTPS if secure else _HTTP)
    if where not in listed:
        raise NotAllowed(f"this engine calls nobody at {where}; its operator may list it in CHORUS_CALLBACK_HOSTS")
    if not secure and not _loopback(where.host):
        raise NotAllowed("https is needed, except to an address of this machine itself")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(url, where, secure, path)


def shown(url: str) -> str:
    """``url`` without what may be a secret in it: who may read a task is not to be able to speak to that service in its place."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}/"
    return url if url in (origin, origin[:-1]) else f"{origin}…"


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise NotAllowed("this is no address") from None


def _where(parts: SplitResult, usual: int) -> Target:
    try:
        return hosts.target(parts.netloc, port=usual)
    except ValueError as error:
        raise NotAllowed(str(error)) from None


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def targets(listed: Iterable[str]) -> frozenset[Target]:
    """The setting, read."""
    return frozenset(map(hosts.target, listed))


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """What ``X-Chorus-Signature`` says; the time is within it, so that an old call cannot be sent again as a new one."""
    signed = str(timestamp).encode() + b"." + body
    return f"v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Callback:
    """One call that is owed. Times are Unix seconds; ``first_at`` is that of the first try, ``problem`` why the last one failed."""

    task_id: str
    url: str
    delivery: str
    state: Literal["waiting", "delivered", "given_up"] = "waiting"
    tries: int = 0
    first_at: float | None = None
    next_at: float = 0.0
    last_at: float | None = None
    problem: str = ""


def tried(before: Callback, now: float, status: int | None, problem: str) -> Callback:
    """``before`` after one try that got ``status``, or none because of ``problem``."""
    tries, first_at = before.tries + 1, before.first_at if before.first_at is not None else now
    said = problem if status is None else f"it answered {status}"
    after = replace(before, tries=tries, first_at=first_at, last_at=now, problem=said)
    if status is not None and 200 <= status < 300:
        return replace(after, state="delivered", problem="")
    pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(tries - 1, 30))
    if status == GONE or now + pause > first_at + GIVE_UP_S:
        return replace(after, state="given_up")
    return replace(after, next_at=now + pause)


def given_up(before: Callback, now: float, problem: str) -> Callback:
    """It is not called (any more), because of ``problem``."""
    return replace(before, state="given_up", last_at=now, problem=problem)
