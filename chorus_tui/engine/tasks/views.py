"""Tasks as readers see them: rows and views made from the board. Says only what board and network know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from chorus_tui.contract.models.coordination import CoordinatedWith
from chorus_tui.contract.models.task_result import Figures, Spent
from chorus_tui.contract.models.tasks import (
    ApprovalWord,
    Attempt,
    Delivered,
    ErasedText,
    LostResult,
    OtherAnnouncement,
    State,
    TaskRow,
    TaskView,
    TaskWord,
    Verification,
)
from chorus_tui.engine.tasks import allocation, approval, evidence, steering, thread, verification
from chorus_tui.engine.tasks.board import Board
from chorus_tui.engine.tasks.routing import Agent
from chorus_tui.engine.tasks.task import Announced, Grant, Key, Task

OTHERS_SHOWN = 8
"""Announcements under the id of a task, beside the one that counts, that are told of."""


@dataclass(frozen=True, slots=True)
class Phase:
    """The last phase heard of an attempt, and from whom: it counts once that peer is known to hold the attempt."""

    worker: str
    attempt: int
    phase: str
    detail: str
    spent: Spent | None = None
    figures: Figures | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a view needs besides the board. ``why`` tells why an open task waits; ``admin``: one is in reach."""

    board: Board
    mesh_id: str | None
    now: float
    name: Callable[[str | None], str]
    why: Callable[[Task], str]
    phases: dict[tuple[str, str], Phase]
    may_steer: Callable[[str, str], bool]
    admin: bool = True
    agents: list[Agent] = field(default_factory=list)
    coordinated: Callable[[Key], list[CoordinatedWith]] = lambda _key: []
    """The sessions in which a task is coordinated with others."""


def state_of(task: Task, around: Surroundings) -> tuple[State, str]:
    """State and detail in words."""
    if task.terminal:
        return cast("State", task.terminal), _end_in_words(task)
    if task.key[0] != around.mesh_id:
        goes_on = around.board.continued.get(task.key)
        return (
            "waiting",
            f"its mesh was left; it goes on as {goes_on}"
            if goes_on
            else "its mesh was left; its announcer carries it on",
        )
    held = task.held
    if held is None:
        why = around.why(task)
        return ("waiting" if why else "announced"), why
    if task.report is not None:
        return "result_in", _result_in(task, around)
    state, detail = _under_way(task, held, around)
    return state, detail if around.admin else "; ".join(part for part in (detail, GOES_ON) if part)


RESULT_IN = "the result is here, the mesh has not confirmed it"
RESULT_WAITS = "the result is here; no admin is in reach, and the next one will accept it"
GOES_ON = "no admin is in reach: it goes on, past its lease if need be, and its result will wait"


def _result_in(task: Task, around: Surroundings) -> str:
    if not around.admin:
        return RESULT_WAITS
    if verification.wanted(task):
        checker = task.checking.checker if task.checking else None
        return verification.waits(task, around.name(checker) if checker else "", around.agents)
    return RESULT_IN


def _under_way(task: Task, held: Grant, around: Surroundings) -> tuple[State, str]:
    if held.by_hand:
        return "running", f"by hand: {around.name(held.worker)} works on it"
    phase = around.phases.get(task.key)
    if phase is not None and (phase.worker, phase.attempt) == (held.worker, held.attempt):
        return cast("State", phase.phase), phase.detail
    claimed = (held.attempt, held.worker) in task.claims
    return "granted", "its worker has started" if claimed else "its worker has not started yet"


def _figures(task: Task, around: Surroundings) -> Figures | None:
    """What its sandbox uses, as its holder said last."""
    held, phase = task.held, around.phases.get(task.key)
    if held is None or phase is None or task.terminal or task.report is not None:
        return None
    return phase.figures if (phase.worker, phase.attempt) == (held.worker, held.attempt) else None


def _end_in_words(task: Task) -> str:
    if missing := evidence.unproven(task):
        return f"accepted by the admin's word alone: {missing}"
    result = task.accepted.result if task.accepted else None
    detail = result.detail if result and task.terminal != "completed" else ""
    if detail.startswith(task.terminal_reason):
        return detail
    return ": ".join(part for part in (task.terminal_reason, detail) if part)


def row(task: Task, around: Surroundings) -> TaskRow:
    """One line of the board."""
    return TaskRow(**_row(task, around))


def _row(task: Task, around: Surroundings) -> dict[str, Any]:
    announced = task.announced
    assert announced is not None
    state, detail = state_of(task, around)
    last = task.grants[-1] if task.grants else None
    shown = last if last is not None and (not last.ended or task.terminal) else None
    return {
        "task_id": task.key[1], "title": announced.spec.title, "state": state, "detail": detail,
        "priority": announced.spec.priority, "announcer": announced.author, "announcer_name": around.name(announced.author),
        "announced_at": announced.at_ms / 1000, "holder": shown.worker if shown else "",
        "holder_name": around.name(shown.worker) if shown else "", "attempt": len(task.grants),
        "seconds": _seconds(shown, around.now),
    }  # fmt: skip


def _seconds(grant: Grant | None, now: float) -> float | None:
    if grant is None:
        return None
    end = grant.ended_ms / 1000 if grant.ended else now
    return max(0.0, round(end - grant.at_ms / 1000, 3))


def view(task: Task, around: Surroundings, delivery: dict[str, int | bool]) -> TaskView:
    """Everything known of a task."""
    announced = task.announced
    assert announced is not None
    fields = _row(task, around)
    return TaskView(
        **fields, spec=announced.spec, mesh_id=task.key[0], announcement=announced.hash,
        other_announcements=_others(task, announced, around), continues=announced.continues,
        continued_as=around.board.continued.get(task.key, ""), attempts=[_attempt(task, grant, around) for grant in task.grants],
        result=task.accepted.result if task.accepted else None, confirmed=bool(task.terminal), announced_delivery=delivery,
        figures=_figures(task, around),
        waiting_for=fields["detail"] if fields["state"] == "waiting" else "", evidence=_evidence(task, around),
        approvals_needed=approval.needed_here(announced.spec, around.agents), approvals=_words(task, around), retry_of=announced.retry_of,
        retried_as=sorted(around.board.retries.get(task.key, ())), erased=_erased(task, around),
        verification=_verification(task, around), words=_thread(task, around), paused=steering.paused(task, around.may_steer),
        spent=_spent(task, around), delivered=_delivered(task, around),
        subtasks=sorted(around.board.subtasks.get(task.key, ())), coordinated=around.coordinated(task.key),
    )  # fmt: skip


def _attempt(task: Task, grant: Grant, around: Surroundings) -> Attempt:
    reported = task.reports.get((grant.attempt, grant.worker))
    return Attempt(
        attempt=grant.attempt, worker=grant.worker, worker_name=around.name(grant.worker), granted_at=grant.at_ms / 1000,
        by_hand=grant.by_hand,
        ended=cast("Any", grant.ended), reason=grant.reason or grant.reasons, result=reported.result if reported else None,
        why=allocation.of_grant(task, grant, around.name),
    )  # fmt: skip


def _evidence(task: Task, around: Surroundings) -> list[LostResult]:
    return [
        LostResult(
            worker=said.author, worker_name=around.name(said.author), attempt=said.attempt, at=said.at_ms / 1000, why=why,
            entry=said.cite["hash"], result=said.result,
        )
        for said, why in evidence.lost(task)
    ]  # fmt: skip


def _others(task: Task, announced: Announced, around: Surroundings) -> list[OtherAnnouncement]:
    """What else was announced under its id; the newest few of somebody who floods it."""
    others = sorted(
        (one for one in task.announcements.values() if not one.same(announced)), key=lambda one: (one.at_ms, one.hash)
    )
    return [
        OtherAnnouncement(
            author=one.author, author_name=around.name(one.author), at=one.at_ms / 1000, title=one.spec.title, entry=one.hash,
        )
        for one in others[-OTHERS_SHOWN:]
    ]  # fmt: skip


def _erased(task: Task, around: Surroundings) -> list[ErasedText]:
    return [
        ErasedText(
            type=said.type, author=said.author, author_name=around.name(said.author), at=said.at_ms / 1000, entry=said.cite["hash"],
        )
        for said in sorted(task.erased.values(), key=lambda said: (said.at_ms, said.cite["hash"], said.author))
    ]  # fmt: skip


def _verification(task: Task, around: Surroundings) -> Verification:
    announced = task.announced
    assert announced is not None
    if not announced.spec.checks:
        return Verification()
    if task.terminal:
        return _verified(task, around)
    if not verification.wanted(task):
        return Verification()
    grant = task.checking
    if grant is None:
        return Verification(state="waiting", detail=_result_in(task, around))
    return Verification(
        state="running", by=grant.checker, by_name=around.name(grant.checker), at=grant.at_ms / 1000,
        own_worker=task.report is not None and grant.checker == task.report.author,
    )  # fmt: skip


def _verified(task: Task, around: Surroundings) -> Verification:
    """What the checks by which a task ended showed."""
    check = task.check
    if check is None:
        tried = bool(task.check_grants)
        return Verification(state="error" if tried else "none", detail=task.terminal_reason if tried else "")
    said = check.said
    return Verification(
        state=said.verdict, detail=said.detail, by=check.author, by_name=around.name(check.author), at=check.at_ms / 1000,
        own_worker=any(check.author == one.author for one in task.said.values() if one.cite["hash"] == check.result),
        checks=said.checks, output_tail=said.output_tail, log=said.log,
    )  # fmt: skip


def _thread(task: Task, around: Surroundings) -> list[TaskWord]:
    return [
        TaskWord(
            by=line.author, name=around.name(line.author), at=line.at_ms / 1000, kind=line.kind, text=line.text,
            attempt=line.attempt,
        )
        for line in task.thread.in_order()[-thread.SHOWN :]
    ]  # fmt: skip


def _spent(task: Task, around: Surroundings) -> Spent | None:
    """As reported at the end, or as its worker says it now."""
    reported = task.accepted or task.report
    if reported is None and task.terminal and task.grants:
        last = task.grants[-1]
        reported = task.reports.get((last.attempt, last.worker))
    if reported is not None:
        return reported.result.spent
    phase, held = around.phases.get(task.key), task.held
    if phase is None or held is None or (phase.worker, phase.attempt) != (held.worker, held.attempt):
        return None
    return phase.spent


def _delivered(task: Task, around: Surroundings) -> list[Delivered]:
    accepted = task.accepted
    return [
        Delivered(
            by=one.author, name=around.name(one.author), at=one.at_ms / 1000, where=one.said.where, ref=one.said.ref,
            commit=one.said.commit, problem=one.said.problem,
        )
        for one in sorted(task.thread.brought.values(), key=lambda one: (one.at_ms, one.hash))
        if accepted is not None and one.author == accepted.author
    ]  # fmt: skip


def _words(task: Task, around: Surroundings) -> list[ApprovalWord]:
    said = [(word, True) for word in task.approvals.values()] + ([(task.denied, False)] if task.denied else [])
    return [
        ApprovalWord(by=word.by, name=around.name(word.by), at=word.at_ms / 1000, approved=approved, reason=word.reason)
        for word, approved in sorted(said, key=lambda item: item[0].at_ms)
    ]
