"""The board: every task as feeds and control logs tell it. Pure; the order of feed entries does not matter.

What decides is the control log alone, and of each task its first terminal entry. Results that were not accepted stay
as evidence of their attempt.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from chorus_tui.contract.models.tasks import TaskResult, TaskSpec
from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import Message, TaskAnnouncement, TaskCancelRequest, TaskClaim, TaskComplete
from chorus_tui.engine.tasks import erased, ids

Key = tuple[str, str]
"""(mesh id, task id): a task belongs to its mesh."""

TERMINAL = {
    "task_accepted": "completed", "task_failed": "failed", "task_cancelled": "cancelled",
    "task_budget_exhausted": "budget_exhausted",
}  # fmt: skip
ENDS = {"task_released": "released", "task_expired": "expired"}
NO_DOCKER = "error: its worker has no Docker Engine now"
PASSING = (NO_DOCKER, "error: docker_unavailable", "error: sandbox_lost")
"""How reasons begin that say nothing of whether the worker can run the task a little later."""


def ref(entry: Entry) -> dict[str, Any]:
    """How a control entry cites the feed entry it acts on."""
    return {"author": entry.header.author, "epoch": entry.header.epoch, "seq": entry.header.seq, "hash": entry.hash}


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
    erased: dict[str, erased.ErasedMessage] = field(default_factory=dict)
    """Messages whose text the mesh erased, by the hash of their entry."""

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

    def unfit(self) -> set[str]:
        """Workers that could not run it (an error of theirs, not of the task). One whose Docker Engine went away may try
        again when it is back."""
        return {
            grant.worker
            for grant in self.grants
            if grant.ended == "released" and grant.reason.startswith("error") and not grant.reason.startswith(PASSING)
        }


class Board:
    """A fold over feeds and control logs."""

    types = frozenset({"task_announcement", "task_claim", "task_complete", "task_cancel_request"})

    def __init__(self) -> None:
        self.tasks: dict[Key, Task] = {}
        self.continued: dict[Key, str] = {}
        self._named: dict[str, list[Task]] = {}
        """Announced tasks by id alone; more than one only when ids were forged."""
        self.retries: dict[Key, set[str]] = {}
        """Tasks of the same mesh announced as a new attempt of an ended one."""
        self.doubted: dict[tuple[str, str], int] = {}
        """Feeds (author, epoch) whose author said two things under one number: nothing from there on counts."""

    def task(self, key: Key) -> Task:
        """The task, made empty when it is not known yet."""
        if key not in self.tasks:
            self.tasks[key] = Task(key)
        return self.tasks[key]

    def find(self, task_id: str, mesh_id: str | None = None) -> Task | None:
        """By id; one of ``mesh_id`` before others: ids are unique but for forgery."""
        found = self._named.get(task_id, [])
        return min(found, key=lambda task: (task.key[0] != mesh_id, task.key)) if found else None

    def of_mesh(self, mesh_id: str | None) -> list[Task]:
        """Announced tasks of one mesh."""
        return [task for task in self.tasks.values() if task.key[0] == mesh_id and task.announcements]

    def follow(self, task: Task, mesh_id: str | None) -> Task:
        """The task, or the one of ``mesh_id`` that goes on from it."""
        for _ in range(16):
            goes_on = self.continued.get(task.key)
            left = task.key[0] != mesh_id and not task.terminal
            following = self.find(goes_on, mesh_id) if goes_on and left else None
            if following is None:
                break
            task = following
        return task

    def line(self, task: Task, mesh_id: str) -> list[Task]:
        """The task and its retries that ask for exactly the same, oldest first: one of them may do for the others."""
        line, seen = [task], {task.key}
        for one in line:
            for task_id in sorted(self.retries.get(one.key, ())):
                retry = self.tasks[(one.key[0], task_id)]
                if retry.key not in seen and _asks_the_same(one, retry):
                    seen.add(retry.key)
                    line.append(self.follow(retry, mesh_id))
        return line

    def doubt(self, author: str, epoch: str, seq: int | None) -> None:
        """From ``seq`` on that feed does not count; None: all of it counts again."""
        if seq is None:
            self.doubted.pop((author, epoch), None)
        else:
            self.doubted[author, epoch] = seq

    # ── what peers said ────────────────────────────────────────────────────────────────────────────────────────────

    def apply(self, entry: Entry, message: Message) -> Key | None:
        """One feed entry; the task it concerns."""
        at_ms = int(entry.header.hlc.partition(":")[0])
        if isinstance(message, TaskAnnouncement):
            return self._announce(entry, message, at_ms)
        if isinstance(message, TaskClaim):
            self.task((message.mesh_id, message.task_id)).claims.add((message.attempt, entry.author))
        elif isinstance(message, TaskComplete):
            task = self.task((message.mesh_id, message.task_id))
            reported = Reported(entry.author, message.attempt, message.result, ref(entry), at_ms)
            # The first one said counts; a second by the same author about the same attempt changes nothing.
            known = task.reports.get((message.attempt, entry.author))
            if known is None or _order(reported.cite) < _order(known.cite):
                task.reports[message.attempt, entry.author] = reported
            task.said[reported.cite["hash"]] = reported
            self._link_accepted(task)
        elif isinstance(message, TaskCancelRequest):
            task = self.task((message.mesh_id, message.task_id))
            task.cancel_requests.append((entry.author, message.reason, ref(entry)))
        else:
            return None
        return (message.mesh_id, message.task_id)

    def reset(self) -> None:
        """Forget what peers said; what the mesh decided stays."""
        self.continued.clear()
        self._named.clear()
        self.retries.clear()
        for task in self.tasks.values():
            task.announcements.clear()
            task.claims.clear()
            task.reports.clear()
            task.said.clear()
            task.cancel_requests.clear()
            task.accepted = None
            for message in task.erased.values():
                self._announce_erased(task, message)

    def _announce(self, entry: Entry, message: TaskAnnouncement, at_ms: int) -> Key:
        key = (message.mesh_id, message.task_id)
        extra = message.model_extra or {}
        announced = Announced(
            entry.author, message.spec, at_ms, ref(entry), message.continues or "", message.continues_mesh or "",
            str(extra.get("idempotency", "")), message.retry_of or "",
        )  # fmt: skip
        self._note_announced(self.task(key), announced)
        if message.retry_of and message.retry_of != message.task_id:
            self.retries.setdefault((message.mesh_id, message.retry_of), set()).add(message.task_id)
        before = (message.continues_mesh or "", message.continues or "")
        # Only the id that anybody would give it goes on: nobody can lead another's task astray.
        if all(before) and before[0] != message.mesh_id and message.task_id == ids.continued(*before):
            self.continued[before] = message.task_id
        return key

    def _note_announced(self, task: Task, announced: Announced) -> None:
        """The first announcement of each author counts; one that was erased stays in its place."""
        if not task.announcements:
            self._named.setdefault(task.key[1], []).append(task)
        known = task.announcements.get(announced.author)
        earlier = known is None or _order(announced.cite) < _order(known.cite)
        if earlier or (known is not None and announced.erased and announced.cite == known.cite):
            task.announcements[announced.author] = announced

    def _announce_erased(self, task: Task, message: erased.ErasedMessage) -> None:
        if message.type == "task_announcement":
            self._note_announced(
                task, Announced(message.author, erased.spec(), message.at_ms, message.cite, erased=True)
            )

    # ── what the mesh decided ──────────────────────────────────────────────────────────────────────────────────────

    def decided(self, entry: ControlEntry) -> Key | None:
        """One control entry, in log order; the task it concerns. What comes after the end of a task has no effect."""
        if entry.type == erased.BODY_ERASED:
            return self._erase(entry)
        task_id = entry.data.get("task_id")
        if not entry.type.startswith("task_") or not isinstance(task_id, str):
            return None
        task = self.task((entry.mesh_id, task_id))
        if task.terminal:
            return task.key
        at_ms = int(entry.hlc.partition(":")[0])
        if entry.type == "task_granted":
            self._granted(task, entry, at_ms)
        elif entry.type in ENDS:
            _end(task, entry.data.get("attempt"), ENDS[entry.type], str(entry.data.get("reason", "")), at_ms)
        elif entry.type in TERMINAL:
            self._ended(task, entry, at_ms)
        elif entry.type in ("task_approved", "task_denied"):
            _agreed(task, entry, at_ms)
        return task.key

    def _erase(self, entry: ControlEntry) -> Key | None:
        """A text is gone; the rest of what was derived from it goes when the folds are made anew."""
        told = erased.read(entry.data)
        if told is None:
            return None
        key, message = told
        task = self.task(key)
        task.erased[message.cite["hash"]] = message
        self._announce_erased(task, message)
        return key

    def _granted(self, task: Task, entry: ControlEntry, at_ms: int) -> None:
        if task.held is not None:
            return
        attempt, worker = entry.data.get("attempt"), entry.data.get("worker")
        if type(attempt) is not int or not isinstance(worker, str):
            return
        if entry.request:
            task.cited_author = str(entry.request.get("author", ""))
        lease_s = float(entry.data.get("lease_s", 60))
        by_hand = entry.data.get("by_hand") is True
        task.grants.append(Grant(attempt, worker, lease_s, str(entry.data.get("reasons", "")), at_ms, by_hand=by_hand))

    def _ended(self, task: Task, entry: ControlEntry, at_ms: int) -> None:
        task.terminal = TERMINAL[entry.type]
        task.terminal_reason = str(entry.data.get("reason", ""))
        task.terminal_ms = at_ms
        cite = entry.data.get("entry")
        task.accepted_cite = cite if isinstance(cite, dict) else None
        how = {"completed": "accepted"}.get(task.terminal, task.terminal)
        _end(task, entry.data.get("attempt"), how, task.terminal_reason, at_ms)
        _end(task, None, "cancelled", "the task had ended", at_ms)
        self._link_accepted(task)

    def _link_accepted(self, task: Task) -> None:
        """The result that the terminal entry names, whenever its feed entry arrives."""
        if task.accepted_cite is not None:
            reported = task.said.get(str(task.accepted_cite.get("hash")))
            if reported is not None and reported.cite == task.accepted_cite:
                task.accepted = reported


def _agreed(task: Task, entry: ControlEntry, at_ms: int) -> None:
    """The first word of each person counts. Who it is stands in the signed request, which was checked before."""
    who = asker(entry.request)
    if not who:
        return
    word = Word(who, str(entry.data.get("reason", "")), at_ms)
    if entry.type == "task_approved":
        task.approvals.setdefault(word.by, word)
    elif task.denied is None:
        task.denied = word


def asker(request: dict[str, Any] | None) -> str:
    """Who signed the request that an entry cites; empty when it cites none."""
    try:
        return str(canonical.decode(str((request or {})["text"]).encode())["peer_id"])
    except (WireError, KeyError, TypeError):
        return ""


def _end(task: Task, attempt: object, how: str, reason: str, at_ms: int) -> None:
    for grant in task.grants:
        if not grant.ended and (grant.attempt == attempt or attempt is None):
            grant.ended, grant.reason, grant.ended_ms = how, reason, at_ms


def _asks_the_same(one: Task, other: Task) -> bool:
    first, second = one.announced, other.announced
    if first is None or second is None or first.erased or second.erased:
        return False
    return first.spec == second.spec


def _order(cite: dict[str, Any]) -> tuple[str, int, str]:
    return (str(cite["epoch"]), int(cite["seq"]), str(cite["hash"]))
