"""Reads this agent's assignment from WHOOSH, at the start and when it is told to. A bad one keeps the one before.

Whether one was read at all since the start is known, so that a WHOOSH that was away then can be asked again.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import structlog

from chorus_tui.engine import http_exchange
from chorus_tui.engine.http_exchange import NoAnswer
from chorus_tui.engine.whoosh import rules
from chorus_tui.engine.whoosh.rules import Assignment, Unusable

log = structlog.get_logger("chorus.whoosh")


class Whoosh:
    """``url`` with its templates filled in; empty: nobody assigns anything. ``within_s`` bounds one reading."""

    def __init__(self, url: str, within_s: float) -> None:
        self.url = url
        self._within_s = within_s
        self.assignment = Assignment()
        self.unknown: tuple[str, ...] = ()
        """Keys of it that have no effect."""
        self.problem = ""
        """Why the newest reading does not count, in words; empty when it does."""
        self.away = False
        """Nobody gave a document when it was asked last."""
        self.readings = 0
        """Assignments taken since the start."""

    @property
    def host(self) -> str:
        """Who assigns: the rest of the address may name an agent that others need not know."""
        return urlsplit(self.url).netloc

    @property
    def missing(self) -> bool:
        """Whether this agent runs without the assignment that it should have, because WHOOSH was away at the start."""
        return self.away and not self.readings

    async def read(self) -> None:
        """Take the present assignment, or keep the one before and say why."""
        if not self.url:
            return
        try:
            found = await asked(self.url, self._within_s)
        except (NoAnswer, Unusable) as error:
            self.away = isinstance(error, NoAnswer)
            kept = "the one before stays" if self.readings else "the environment alone counts"
            self.problem = f"{error}; {kept}"
            log.warning("⚠️ The assignment does not count", host=self.host, reason=self.problem)
            return
        self.assignment, self.unknown, self.problem, self.away = found.assignment, found.unknown, "", False
        self.readings += 1
        log.info("📋 Assigned", host=self.host, assignment=rules.told(found.assignment) or "nothing")
        if found.unknown:
            log.warning("⚠️ Keys of the assignment have no effect", keys=", ".join(found.unknown))


async def asked(url: str, within_s: float) -> rules.Reading:
    """One reading. Raises :class:`NoAnswer` when nobody gives a document, :class:`Unusable` when it is none that counts."""
    answer = await http_exchange.ask("GET", url, within_s=within_s, bound=rules.LARGEST)
    if answer.status != 200:
        raise NoAnswer(f"it answered with status {answer.status}")
    return rules.read(answer.json())
