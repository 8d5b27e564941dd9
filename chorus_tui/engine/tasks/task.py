"""One task as feeds and control log tell it: what was asked for, who was to do it, what was said, how it ended. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from chorus_tui.contract.models.task_result import TaskResult
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.protocol.named import Named
from chorus_tui.engine.tasks import erased
from chorus_tui.engine.tasks.thread import Checked, Thread

Key = tuple[str, str]
"""(mesh id, task id): a task belongs to its mesh."""

NO_DOCKER = "error: its worker has no Docker Engine now"
PASSING = (NO_DOCKER, "error: docker_unavailable", "error: sandbox_lost")
"""How reasons begin that say nothing of whether the worker can run the task a little later."""


@dataclass(frozen=True, slots=True)
class Announced:
    """One announcement of a task."""

    author: str
    spec: TaskSpec
    at_ms: int
    cite: dict[str, Any]
    continues: str = ""
    continues_mesh: str = ""
    idempotency: str = ""
    retry_of: str = ""
    erased: bool = False
    """What it asked for is gone; that it was announced stays."""


@dataclass(frozen=True, slots=True)
class Reported:
    """One result as its author's feed holds it."""

    author: str
    attempt: int
    result: TaskResult
    cite: dict[str, Any]
    at_ms: int


@dataclass(slots=True)
class Grant:
    """One attempt as decided. ``ended`` is empty while it holds."""

    attempt: int
    worker: str
    lease_s: float
    reasons: str
    at_ms: int
    ended: str = ""
    reason: str = ""
    ended_ms: int = 0
    by_hand: bool = False
    by: str = ""
    """The admin that made it."""


@dataclass(slots=True)
class CheckGrant:
    """Somebody was asked to run the checks on the result of an attempt. ``ended`` is empty while that is awaited."""

    attempt: int
    checker: str
    lease_s: float
    at_ms: int
    ended: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """A person's word on whether a task may be granted, as decided."""

    by: str
    reason: str
    at_ms: int


@dataclass(slots=True)
class Task:
    """One task. Without an announcement yet (``announced`` None) it only parks what was decided of it."""

    key: Key
    announcements: dict[str, Announced] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)
    claims: set[tuple[int, str]] = field(default_factory=set)
    reports: dict[tuple[int, str], Reported] = field(default_factory=dict)
    said: dict[str, Reported] = field(default_factory=dict)
    """Every result by the hash of its entry: what the mesh accepts is one of these, whenever it arrives."""
    cancel_requests: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    approvals: dict[str, Word] = field(default_factory=dict)
    denied: Word | None = None
    terminal: str = ""
    terminal_reason: str = ""
    terminal_ms: int = 0
    accepted: Reported | None = None
    accepted_cite: dict[str, Any] | None = None
    cited_author: str = ""
    check_grants: list[CheckGrant] = field(default_factory=list)
    check_cite: dict[str, Any] | None = None
    """The checks by which the task ended."""
    thread: Thread = field(default_factory=Thread)
    erased: dict[Named, erased.ErasedMessage] = field(default_factory=dict)
    """Messages whose text the mesh erased. Not by hash alone: a member that erases something of its own says what the hash is."""

    @property
    def announced(self) -> Announced | None:
        """The announcement that counts: the one a grant cites; before any grant that of the smallest author id."""
        if self.cited_author in self.announcements:
            return self.announcements[self.cited_author]
        return self.announcements[min(self.announcements)] if self.announcements else None

    @property
    def held(self) -> Grant | None:
        """The grant that holds now."""
        if self.terminal or not self.grants or self.grants[-1].ended:
            return None
        return self.grants[-1]

    @property
    def report(self) -> Reported | None:
        """The holder's result of the present attempt."""
        held = self.held
        return self.reports.get((held.attempt, held.worker)) if held else None

    @property
    def open(self) -> bool:
        """Announced, not ended, held by nobody."""
        return bool(self.announcements) and not self.terminal and self.held is None

    @property
    def checking(self) -> CheckGrant | None:
        """Who is running the checks now."""
        held, last = self.held, self.check_grants[-1] if self.check_grants else None
        if held is None or last is None or last.ended or last.attempt != held.attempt:
            return None
        return last

    def checks_of(self, attempt: int) -> list[CheckGrant]:
        """Everybody who was asked to check the result of an attempt."""
        return [grant for grant in self.check_grants if grant.attempt == attempt]

    @property
    def check(self) -> Checked | None:
        """The checks by which it ended, once their entry is here."""
        if self.check_cite is None:
            return None
        return next((one for one in self.thread.checked.values() if one.cite == self.check_cite), None)

    def unfit(self) -> set[str]:
        """Workers that could not run it (an error of theirs, not of the task). One whose Docker Engine went away may try
        again when it is back."""
        return {
            grant.worker
            for grant in self.grants
            if grant.ended == "released" and grant.reason.startswith("error") and not grant.reason.startswith(PASSING)
        }
