"""A task's end in three lines: what its execution, its change and its verification have shown. Each says no more.

An agent that says it is done has shown nothing yet; a task without checks is verified by nobody, however it ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chorus_tui.contract.counting import many
from chorus_tui.contract.models.coordination import CoordinatedWith
from chorus_tui.contract.models.task_result import Change, CommandResult, Spent, TaskResult
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.contract.models.tasks import TERMINAL, Allocation, AllocationCandidate, TaskView, Verification

Tone = Literal["good", "bad", "open", "none"]
"""Shown to be well, shown not to be, not known yet, nothing to show."""

NAMES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One of the three: its name, what is shown, and how that looks."""

    name: str
    text: str
    tone: Tone


def result_of(view: TaskView) -> TaskResult | None:
    """The accepted result; where there is none, what the last worker that reported said."""
    if view.result is not None:
        return view.result
    return next((attempt.result for attempt in reversed(view.attempts) if attempt.result is not None), None)


def three_lines(view: TaskView) -> tuple[Line, Line, Line]:
    """Execution, change, verification."""
    result = result_of(view)
    return _execution(view, result), _change(view, result), verification(view.spec, view.verification, view.state)


# ── execution ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _execution(view: TaskView, result: TaskResult | None) -> Line:
    if result is None:
        return Line("execution", *_without_result(view))
    text, tone = _outcome(view.spec, result)
    if view.result is None:
        text += "; reported, not accepted" if view.state in TERMINAL else "; reported, not confirmed"
    return Line("execution", text, tone)


def _without_result(view: TaskView) -> tuple[str, Tone]:
    if view.state in TERMINAL:
        return "ended without a result", "none" if view.state == "cancelled" else "bad"
    if not view.holder:
        return "not begun", "none"
    if view.paused:
        return "paused between two steps", "open"
    return ("under way" if view.state in ("running", "collecting") else "not begun yet"), "open"


def _outcome(spec: TaskSpec, result: TaskResult) -> tuple[str, Tone]:
    if result.outcome == "completed":
        took = result.phases.get("running")
        after = f" after {took:.1f} s" if took is not None else ""
        if spec.goal:
            return f"its agent says that the goal is reached{after}", "none"
        code = f"ended with exit code {result.exit_code}" if result.exit_code is not None else "completed"
        return f"{code}{after}", "good"
    words = {
        "failed": "failed",
        "budget_exhausted": "out of budget",
        "cancelled": "cancelled",
        "error": "could not be carried out",
    }[result.outcome]
    why = result.detail or result.reason.replace("_", " ")
    if not why and result.exit_code is not None:
        why = f"exit code {result.exit_code}"
    return (f"{words}: {why}" if why else words), "none" if result.outcome == "cancelled" else "bad"


# ── change ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _change(view: TaskView, result: TaskResult | None) -> Line:
    if result is None:
        if not view.spec.repository:
            return Line("change", "none: the task has no repository", "none")
        return Line("change", "none came" if view.state in TERMINAL else "none yet", "none")
    if result.change is None:
        if not view.spec.repository:
            return Line("change", "none: the task has no repository", "none")
        known = result.outcome in ("completed", "failed")
        return Line("change", "nothing of the repository differs" if known else "none came with the result", "none")
    change = result.change
    left = f"; left out: {change.left_out}" if change.left_out else ""
    return Line("change", f"{counts(change)}: {names(change)}{left}", "open" if left else "none")


def counts(change: Change) -> str:
    """``2 files, +12 -3``."""
    return f"{many(change.files, 'file')}, +{change.insertions:,} -{change.deletions:,}"


def names(change: Change, most: int = NAMES_SHOWN) -> str:
    """The first files that differ, and how many more."""
    shown = change.names[:most]
    more = change.files - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 and shown else "")


# ── verification ───────────────────────────────────────────────────────────────────────────────────────────────────


def verification(spec: TaskSpec, shown: Verification, state: str) -> Line:
    """What the checks showed, by whom they were run."""
    if not spec.checks:
        return Line("verification", "no checks: nothing is verified", "none")
    total = f"{len(spec.checks)} check{'s' * (len(spec.checks) != 1)}"
    who = f"{shown.by_name or shown.by}, {'its own worker' if shown.own_worker else 'another member'}"
    if shown.state == "passed":
        return Line("verification", f"{total} passed in a fresh sandbox, run by {who}", "good")
    if shown.state == "failed":
        return Line("verification", f"failed: {_first_failure(spec, shown)}, run by {who}", "bad")
    if shown.state == "running":
        return Line("verification", f"{who}, runs {total} in a fresh sandbox", "open")
    if shown.state == "waiting":
        return Line("verification", f"{total} to run: {shown.detail}" if shown.detail else f"{total} to run", "open")
    if shown.state == "error":
        return Line("verification", f"not verified: {shown.detail or 'nobody could run its checks'}", "bad")
    if state in TERMINAL:
        return Line("verification", f"not verified: none of {total} was run", "none")
    return Line("verification", f"{total} to run when a result is in", "open")


def failed_check(shown: Verification) -> CommandResult | None:
    """The first check that did not end with 0."""
    return next((check for check in shown.checks if check.exit_code != 0), None)


def _first_failure(spec: TaskSpec, shown: Verification) -> str:
    failed = failed_check(shown)
    if failed is None:
        return shown.detail or "the checks did not pass"
    number = shown.checks.index(failed) + 1
    return f"check {number} of {len(spec.checks)} ended with exit code {failed.exit_code}"


# ── budget ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def budget(spec: TaskSpec, spent: Spent | None, *, live: bool) -> str:
    """What of an agent's budget is used: ``step 3 of 24, 4,210 of 200,000 tokens, 35 of 600 s``."""
    allowed = spec.budget
    if spent is None:
        return f"at most {allowed.steps} steps, {allowed.tokens:,} tokens, {spec.timeout_s:,} s"
    steps = f"step {spent.steps} of {allowed.steps}" if live else f"{spent.steps} of {allowed.steps} steps"
    return f"{steps}, {spent.tokens:,} of {allowed.tokens:,} tokens, {spent.seconds:,.0f} of {spec.timeout_s:,} s"


def uses(view: TaskView) -> str:
    """Its sandbox now, each beside what it may use; empty when it is not running or not heard of."""
    now = view.figures
    if now is None:
        return ""
    return (
        f"{now.cpu_percent:.0f} % of a core, {now.memory_mb:.0f} of {view.spec.limits.memory_mb} MiB memory, "
        f"{now.disk_mb:.0f} MiB in its folders"
    )


def steerable(view: TaskView) -> bool:
    """Whether an agent works on it that can be paused or stopped between two steps."""
    by_hand = bool(view.attempts) and view.attempts[-1].by_hand
    at_work = view.state in ("granted", "pulling", "creating", "starting", "running")
    return bool(view.spec.goal) and at_work and bool(view.holder) and not by_hand


# ── why, and what was said ─────────────────────────────────────────────────────────────────────────────────────────

SAYING = {
    "word": "", "help": " asks for help", "answer": " answers", "advice": " advises", "proposal": " proposes",
    "question": " asks", "agreement": " agrees", "concern": " has a concern", "response": " replies",
}  # fmt: skip
"""What somebody does in a thread, after the name."""


def reasons(why: Allocation) -> str:
    """Why a worker was chosen: ``ada 0.82 = fit 0.35 + expertise 0.25 + …; grace 0.61: …``; the chosen one stands first."""
    if not why.candidates:
        return why.reason
    first, *others = why.candidates
    said = [f"{first.name or first.peer_id} {first.score:.2f} = {_terms(first, why)}"]
    said += [f"{one.name or one.peer_id} {one.score:.2f}: {_terms(one, why)}" for one in others]
    return "; ".join([*said, why.reason]) if why.reason else "; ".join(said)


def coordinated(one: CoordinatedWith) -> str:
    """With which task, in which session, and how that stands."""
    return f"with “{one.title}” ({one.task_id}) in session {one.session_id}, {one.status}: {one.rule}"


def _terms(one: AllocationCandidate, why: Allocation) -> str:
    """The weighed parts of a score, in the order of their weights."""
    return " + ".join(f"{name} {weight * one.parts.get(name, 0.0):.2f}" for name, weight in why.weights.items())
