"""The board: every task as feeds and control logs tell it. Pure; the order of feed entries does not matter.

What decides is the control log alone, and of each task its first terminal entry. Results that were not accepted stay
as evidence of their attempt.
"""

from __future__ import annotations

from typing import Any

from chorus_tui.engine.control import entries, parameters
from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import Message, TaskAnnouncement, TaskCancelRequest, TaskClaim, TaskComplete
from chorus_tui.engine.protocol.named import named_entry
from chorus_tui.engine.tasks import erased, ids, thread
from chorus_tui.engine.tasks.task import Announced, CheckGrant, Grant, Key, Reported, Task, Word

TERMINAL = {
    "task_accepted": "completed", "task_failed": "failed", "task_cancelled": "cancelled",
    "task_budget_exhausted": "budget_exhausted",
}  # fmt: skip
ENDS = {"task_released": "released", "task_expired": "expired"}


def ref(entry: Entry) -> dict[str, Any]:
    """How a control entry cites the feed entry it acts on."""
    return {"author": entry.header.author, "epoch": entry.header.epoch, "seq": entry.header.seq, "hash": entry.hash}


def named(entry: ControlEntry) -> object:
    """The hash of the announcement that a decision on a task is about: a grant cites it, others say it."""
    return (entry.request or {}).get("hash") if entry.type == "task_granted" else entry.data.get("announcement")


class Board:
    """A fold over feeds and control logs."""

    types = frozenset({"task_announcement", "task_claim", "task_complete", "task_cancel_request"}) | thread.TYPES

    def __init__(self) -> None:
        self.tasks: dict[Key, Task] = {}
        self.continued: dict[Key, str] = {}
        self._named: dict[str, list[Task]] = {}
        """Announced tasks by id alone; more than one only when ids were forged."""
        self.retries: dict[Key, set[str]] = {}
        """Tasks of the same mesh announced as a new attempt of an ended one."""
        self.subtasks: dict[Key, set[str]] = {}
        """Tasks of the same mesh that an agent announced while it worked on one."""
        self.doubted: dict[tuple[str, str], int] = {}
        """Feeds (author, epoch) whose author said two things under one number: nothing from there on counts."""

    def task(self, key: Key) -> Task:
        """The task, made empty when it is not known yet."""
        if key not in self.tasks:
            self.tasks[key] = Task(key)
        return self.tasks[key]

    def find(self, task_id: str, mesh_id: str | None = None) -> Task | None:
        """By id; one of ``mesh_id`` before others: ids are unique but for forgery. Not one of which only what does not count is here."""
        found = [task for task in self._named.get(task_id, []) if task.announced is not None]
        return min(found, key=lambda task: (task.key[0] != mesh_id, task.key)) if found else None

    def named(self, beginning: str, mesh_id: str | None) -> list[Task]:
        """The task of this id; else those whose id begins so, of ``mesh_id`` when there are such."""
        exact = self.find(beginning, mesh_id)
        if exact is not None:
            return [exact]
        found = [
            task for name in self._named if name.startswith(beginning)
            if (task := self.find(name, mesh_id)) is not None and task.announced is not None
        ]  # fmt: skip
        return [task for task in found if task.key[0] == mesh_id] or found

    def of_mesh(self, mesh_id: str | None) -> list[Task]:
        """Announced tasks of one mesh."""
        return [task for task in self.tasks.values() if task.key[0] == mesh_id and task.announced is not None]

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
                if retry.key not in seen and _tries_again(one, retry):
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
        elif entry.type in thread.TYPES:
            return self._hear(entry, message, at_ms)
        else:
            return None
        return (message.mesh_id, message.task_id)

    def _hear(self, entry: Entry, message: Message, at_ms: int) -> Key | None:
        mesh_id, task_id = getattr(message, "mesh_id", None), getattr(message, "task_id", None)
        if mesh_id is None or task_id is None:
            return None
        self.task((mesh_id, task_id)).thread.apply(entry, message, at_ms, ref(entry))
        return (mesh_id, task_id)

    def reset(self) -> None:
        """Forget what peers said; what the mesh decided stays."""
        self.continued.clear()
        self._named.clear()
        self.retries.clear()
        self.subtasks.clear()
        for task in self.tasks.values():
            task.forget_announcements()
            task.claims.clear()
            task.reports.clear()
            task.said.clear()
            task.cancel_requests.clear()
            task.accepted = None
            task.thread.clear()
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
        if message.spec.parent and message.spec.parent != message.task_id:
            self.subtasks.setdefault((message.mesh_id, message.spec.parent), set()).add(message.task_id)
        before = (message.continues_mesh or "", message.continues or "")
        # Only the id that anybody would give it goes on: nobody can lead another's task astray.
        if all(before) and before[0] != message.mesh_id and message.task_id == ids.continued(*before):
            self.continued[before] = message.task_id
        return key

    def _note_announced(self, task: Task, announced: Announced) -> None:
        if not task.announcements:
            self._named.setdefault(task.key[1], []).append(task)
        task.note(announced)

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
        at_ms = entries.said_at_ms(entry.hlc)
        if entry.type == "task_granted":
            self._granted(task, entry, at_ms)
        elif entry.type == "task_check_granted":
            _check_granted(task, entry, at_ms)
        elif entry.type == "task_check_ended":
            _check_ended(task, entry)
        elif entry.type in ENDS:
            _end(task, entry.data.get("attempt"), ENDS[entry.type], str(entry.data.get("reason", "")), at_ms)
        elif entry.type in TERMINAL:
            self._ended(task, entry, at_ms)
        elif entry.type in ("task_approved", "task_denied"):
            _agreed(task, entry, at_ms)
        return task.key

    def _erase(self, entry: ControlEntry) -> Key | None:
        """A text is gone; the rest of what was derived from it goes when the folds are made anew."""
        told, named = erased.read(entry.data), named_entry(entry.data)
        if told is None or named is None:
            return None
        key, message = told
        task = self.task(key)
        task.erased[named] = message
        self._announce_erased(task, message)
        return key

    def _granted(self, task: Task, entry: ControlEntry, at_ms: int) -> None:
        if task.held is not None:
            return
        attempt, worker = entry.data.get("attempt"), entry.data.get("worker")
        if type(attempt) is not int or not isinstance(worker, str):
            return
        # A grant of another announcement than the one people agreed to, or that was granted before, is none.
        if not task.bind(named(entry)):
            return
        by_hand = entry.data.get("by_hand") is True
        lease_s = _lease_s(entry, "claim_lease_s" if by_hand else "lease_s")
        task.grants.append(
            Grant(attempt, worker, lease_s, str(entry.data.get("reasons", "")), at_ms, by_hand=by_hand, by=entry.admin)
        )

    def _ended(self, task: Task, entry: ControlEntry, at_ms: int) -> None:
        if entry.type == "task_accepted" and not _of_the_holder(task, entry):
            return
        task.bind(named(entry))
        task.terminal = TERMINAL[entry.type]
        task.terminal_reason = str(entry.data.get("reason", ""))
        task.terminal_ms = at_ms
        cite = entry.data.get("entry")
        task.accepted_cite = cite if isinstance(cite, dict) else None
        check = entry.data.get("check")
        task.check_cite = check if isinstance(check, dict) else None
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
    """The first word of each person counts. Who it is, and of which announcement it is said, stands in the signed request, which
    was checked before. A word that names no announcement is nobody's yes to anything."""
    who = asker(entry.request)
    if not who or not task.bind(named(entry)):
        return
    word = Word(who, str(entry.data.get("reason", "")), at_ms)
    if entry.type == "task_approved":
        task.approvals.setdefault(word.by, word)
    elif task.denied is None:
        task.denied = word


def _of_the_holder(task: Task, entry: ControlEntry) -> bool:
    """Whether an acceptance is of the grant that holds, by its worker's own result, and by the word of who was asked to check it when it
    names one. An admin that says of anything else that it is done has decided nothing."""
    held, checking, data = task.held, task.checking, entry.data
    if held is None or (data.get("attempt"), data.get("worker")) != (held.attempt, held.worker):
        return False
    checked = data.get("check")
    if checked is not None and (checking is None or _author(checked) != checking.checker):
        return False
    return _author(data.get("entry")) == held.worker


def _author(cite: object) -> object:
    return cite.get("author") if isinstance(cite, dict) else None


def _check_granted(task: Task, entry: ControlEntry, at_ms: int) -> None:
    attempt, checker = entry.data.get("attempt"), entry.data.get("checker")
    held = task.held
    if type(attempt) is not int or not isinstance(checker, str) or held is None or held.attempt != attempt:
        return
    if task.checking is None:
        task.check_grants.append(CheckGrant(attempt, checker, _lease_s(entry, "lease_s"), at_ms))


def _lease_s(entry: ControlEntry, name: str) -> float:
    """As the admin wrote it, within the bounds of the parameter ``name``; its default when it wrote no number."""
    return parameters.effective({name: entry.data.get("lease_s")})[name]


def _check_ended(task: Task, entry: ControlEntry) -> None:
    grant = task.checking
    if grant is not None and entry.data.get("checker") == grant.checker:
        grant.ended, grant.reason = "ended", str(entry.data.get("reason", ""))


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


def _tries_again(one: Task, other: Task) -> bool:
    """Whether ``other``, by the announcement that counts, asks for exactly the same as ``one`` in its place."""
    first, second = one.announced, other.announced
    if first is None or second is None or first.erased or second.erased:
        return False
    return first.spec == second.spec and second.retry_of == one.key[1]


def _order(cite: dict[str, Any]) -> tuple[str, int, str]:
    return (str(cite["epoch"]), int(cite["seq"]), str(cite["hash"]))
