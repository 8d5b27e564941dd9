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

    @property
    def hash(self) -> str:
        """Of its feed entry: what approvals and grants name."""
        return str(self.cite["hash"])

    def same(self, other: Announced) -> bool:
        """Whether both are one wish said twice, as after the loss of a disk; of an erased one only the author is known."""
        if self.author != other.author:
            return False
        told = [(one.spec, one.continues, one.continues_mesh, one.retry_of) for one in (self, other)]
        return self.erased or other.erased or told[0] == told[1]


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
    """One task. Without an announcement yet (``announced`` None) it only parks what was decided of it.

    Ids are chosen by who announces, and so are epochs: nothing in two announcements of one id tells which came first.
    The control log does. The first approval, denial, grant or cancellation that names an announcement binds the task to
    it by its hash, for ever; before that, two that differ let nothing be granted.
    """

    key: Key
    announcements: dict[str, Announced] = field(default_factory=dict)
    """Every announcement under this id, by the hash of its entry; more than one only when ids were forged."""
    first: Announced | None = None
    """Of those the smallest by author and place in its feed: shown while the mesh has named none."""
    differ: bool = False
    """Whether not all of them say the same."""
    bound: str = ""
    """The hash of the announcement that the mesh named."""
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
    check_grants: list[CheckGrant] = field(default_factory=list)
    check_cite: dict[str, Any] | None = None
    """The checks by which the task ended."""
    thread: Thread = field(default_factory=Thread)
    erased: dict[Named, erased.ErasedMessage] = field(default_factory=dict)
    """Messages whose text the mesh erased. Not by hash alone: a member that erases something of its own says what the hash is."""

    @property
    def announced(self) -> Announced | None:
        """The announcement that counts: the one the mesh named, and none before that one is here; until then the first."""
        return self.announcements.get(self.bound) if self.bound else self.first

    @property
    def conflict(self) -> bool:
        """Announced twice and differently, and the mesh has named neither: what is meant cannot be known."""
        return self.differ and not self.bound and not self.terminal

    @property
    def announcers(self) -> set[str]:
        """Whose task it is; of a conflict all who announced it, so that each can end it."""
        if self.conflict:
            return {one.author for one in self.announcements.values()}
        return {self.announced.author} if self.announced is not None else set()

    def note(self, announced: Announced) -> None:
        """One announcement under this id. One that was erased stays in its place; nothing else takes a known hash."""
        known = self.announcements.get(announced.hash)
        if known is not None:
            erased_now = announced.erased and known.cite == announced.cite
            invented = known.erased and not announced.erased and known.cite != announced.cite
            if not (erased_now or invented):
                return
        self.announcements[announced.hash] = announced
        if self.first is None or known is not None:
            said = sorted(self.announcements.values(), key=_place)
            self.first, self.differ = said[0], not all(said[0].same(one) for one in said)
            return
        self.differ = self.differ or not self.first.same(announced)
        self.first = min(self.first, announced, key=_place)

    def forget_announcements(self) -> None:
        """They are read anew; what the mesh named stays."""
        self.announcements.clear()
        self.first, self.differ = None, False

    def bind(self, announcement: object) -> bool:
        """The control log speaks of this announcement: whether that is the one it named first."""
        if not self.bound and isinstance(announcement, str):
            self.bound = announcement
        return bool(self.bound) and self.bound == announcement

    def own(self, author: str) -> Announced | None:
        """What this author announced under the id, the first if it did twice."""
        return min((one for one in self.announcements.values() if one.author == author), key=_place, default=None)

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
        return self.announced is not None and not self.terminal and self.held is None

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


def _place(announced: Announced) -> tuple[str, str, int, str]:
    cite = announced.cite
    return (announced.author, str(cite["epoch"]), int(cite["seq"]), announced.hash)
