"""Who may come in: an invitation is exchanged for a visit, which is a cookie of this process until it is over."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from chorus_tui.portals import Invitations

MOST: Final = 64
"""Visits at once; the oldest is over when another begins."""


@dataclass(frozen=True, slots=True)
class Visit:
    """``digest`` is the SHA-256 of its cookie; ``ends`` is in the time of ``now``."""

    digest: str
    person: str
    ends: float


class Visits:
    """Of one server. ``now`` gives seconds that only grow."""

    def __init__(self, invitations: Invitations, lasts_s: float, now: Callable[[], float]) -> None:
        self._invitations = invitations
        self._lasts_s = lasts_s
        self._now = now
        self._open: list[Visit] = []

    def begin(self, secret: str) -> str | None:
        """The cookie for whoever comes with the secret of an invitation; None when it opens nothing (any more)."""
        person = self._invitations.take(secret)
        if person is None:
            return None
        cookie = secrets.token_urlsafe(32)
        self._open = [*self._open[-MOST + 1 :], Visit(_digest(cookie), person, self._now() + self._lasts_s)]
        return cookie

    def find(self, cookie: str) -> Visit | None:
        """The visit of a cookie; every wrong one takes the same time."""
        given, found = _digest(cookie), None
        self._open = [visit for visit in self._open if visit.ends > self._now()]
        for visit in self._open:
            if hmac.compare_digest(visit.digest, given):
                found = visit
        return found


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
