"""Tasks for people: the list, one task, its result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chorus_tui.cli.plain import clean, duration, moment, pairs, say, size, table
from chorus_tui.contract.models.tasks import TERMINAL
from chorus_tui.telling import task as telling

if TYPE_CHECKING:
    from chorus_tui.contract.models.task_result import Change, TaskResult
    from chorus_tui.contract.models.task_spec import TaskSpec
    from chorus_tui.contract.models.tasks import Delivered, OtherAnnouncement, TaskList, TaskView, Verification


def print_list(answer: TaskList) -> None:
    """The board as a table."""
    if not answer.tasks:
        say("No task. Announce one: chorus-tui task announce --title Hello --command 'echo hi' --wait")
        return
    rows = [
        (t.task_id, t.state, t.title, t.priority, t.holder_name or t.holder, duration(t.seconds), t.detail)
        for t in answer.tasks
    ]
    table(("task", "state", "title", "priority", "held by", "time", "detail"), rows)


def print_task(task: TaskView) -> None:
    """One task: what was asked, how far it is, what came of it."""
    spec = task.spec
    pairs(
        [
            ("task", task.task_id),
            ("title", task.title),
            ("state", f"{task.state}  {task.detail}".rstrip()),
            ("end", _evidence(task)),
            *((line.name, line.text) for line in telling.three_lines(task)),
            ("budget", _budget(task)),
            ("uses", telling.uses(task)),
            ("waits for", task.waiting_for),
            ("announced", f"{moment(task.announced_at)} by {task.announcer_name or task.announcer}"),
            *(("same id", _also_announced(other)) for other in task.other_announcements),
            ("announcement", task.announcement if task.approvals_needed or task.other_announcements else ""),
            ("delivery", _delivery(task)),
            ("priority", task.priority),
            ("needs", _needs(task)),
            ("approval", _approval(task)),
            ("depends on", ", ".join(spec.depends_on)),
            ("held by", task.holder_name or task.holder),
            ("image", spec.image or spec.language),
            ("repository", spec.repository),
            ("let out to", ", ".join(spec.allowed_hosts)),
            ("part of", spec.parent),
            ("subtasks", ", ".join(task.subtasks)),
            *(("delivered", delivered(one)) for one in task.delivered),
            *(("coordinated", telling.coordinated(one)) for one in task.coordinated),
            ("callback", _callback(task)),
            ("retry of", task.retry_of),
            ("retried as", ", ".join(task.retried_as)),
            ("continues", task.continues),
            ("continued as", task.continued_as),
            *(("erased", f"{e.type} by {e.author_name or e.author}, said {moment(e.at)}") for e in task.erased),
        ]
    )
    _print_asked(spec)
    if task.attempts:
        say()
        rows = [
            (a.attempt, a.worker_name or a.worker, moment(a.granted_at), a.ended or "under way", a.reason)
            for a in task.attempts
        ]
        table(("attempt", "worker", "granted", "ended", "reason"), rows)
        for a in task.attempts:
            if a.why is not None:
                say(f"attempt {a.attempt}, chosen: {clean(telling.reasons(a.why))}")
    result = telling.result_of(task)
    if result is not None:
        say()
        if task.result is None:
            say("Reported, not accepted:" if task.state in TERMINAL else "Reported, not confirmed yet:")
        print_result(result)
    _print_checks(task.verification)
    _print_thread(task)
    if task.evidence:
        say()
        say("Other results that were said, kept as evidence; none of them counts:")
        lost = [
            (
                e.attempt,
                e.worker_name or e.worker,
                moment(e.at),
                f"{e.result.outcome} {e.result.reason}".rstrip(),
                e.why,
            )
            for e in task.evidence
        ]
        table(("attempt", "worker", "said", "outcome", "why it does not count"), lost)


def print_result(result: TaskResult) -> None:
    """Outcome, files and the end of the output."""
    pairs(
        [
            ("result", f"{result.outcome}  {result.reason}".rstrip()),
            ("", result.detail),
            ("summary", result.summary),
            ("model", result.model),
            ("transcript", result.transcript),
            ("exit code", result.exit_code),
            ("image", f"{result.image} {result.image_id}".strip()),
            ("used", _used(result)),
            ("files", held(result.held_by)),
            ("phases", ", ".join(f"{name} {duration(seconds)}" for name, seconds in result.phases.items())),
        ]
    )
    _print_change(result.change)
    if result.artifacts:
        table(("artifact", "size", "sha256"), [(a.path, size(a.size), a.sha256) for a in result.artifacts])
    if result.output_tail:
        cut = ", cut in the middle" if result.output_cut else ""
        say(f"output ({size(result.output_bytes)}{cut}), its end:")
        _print_lines(result.output_tail)


def _print_asked(spec: TaskSpec) -> None:
    """The goal or the commands, and what is to show that it is done."""
    if spec.goal:
        say("goal:")
        _print_lines(spec.goal)
    for command in spec.commands:
        say(f"  $ {clean(command)}")
    for number, check in enumerate(spec.checks, 1):
        say(f"  check {number}  $ {clean(check)}")


def _print_change(change: Change | None) -> None:
    """Which files differ, and what was left out; 'task diff' shows how."""
    if change is None:
        return
    say(f"change of {clean(change.base[:12])}, {telling.counts(change)}, {size(change.size)}:")
    for name in change.names:
        say(f"  {clean(name)}")
    if change.files > len(change.names):
        say(f"  and {change.files - len(change.names)} more")
    if change.left_out:
        say(f"  left out: {clean(change.left_out)}")


def _print_checks(shown: Verification) -> None:
    """How each check ended, and the end of what they printed where one failed."""
    if shown.checks:
        say()
        rows = [(c.exit_code, duration(c.seconds), c.command) for c in shown.checks]
        table(("exit code", "time", "check"), rows)
    if shown.state == "failed" and shown.output_tail:
        say("output of the checks, its end:")
        _print_lines(shown.output_tail)


def _print_thread(task: TaskView) -> None:
    """Who said what about it."""
    if not task.words:
        return
    say()
    for word in task.words:
        what = telling.SAYING[word.kind]
        at_work = f", attempt {word.attempt}" if word.attempt else ""
        say(f"{moment(word.at)}  {clean(word.name or word.by)}{at_work}{what}:")
        _print_lines(word.text)


def _print_lines(text: str) -> None:
    for line in text.rstrip("\n").split("\n"):
        say(f"  {clean(line, lines=True)}")


def _callback(task: TaskView) -> str:
    """Whom its end is told to, and whether they have heard."""
    call = task.callback
    if call is None:
        return ""
    state = {"waiting": "waits", "delivered": "delivered", "given_up": "given up"}[call.state]
    tries = f", {call.tries} tries" if call.tries else ""
    return f"{state}{tries}: {call.url}{f' ({call.problem})' if call.problem else ''}"


def delivered(one: Delivered) -> str:
    """Where the accepted change was brought, or why not."""
    by = f"by {one.name or one.by}, {moment(one.at)}"
    if one.problem:
        return f"! not delivered {by}: {one.problem}"
    return f"{one.ref} of {one.where}, commit {one.commit[:12]}, {by}"


def _budget(task: TaskView) -> str:
    """Of an agent's work; commands have their time alone."""
    if not task.spec.goal:
        return ""
    return telling.budget(task.spec, task.spent, live=task.state not in TERMINAL)


def held(by: int | None) -> str:
    """How safe the files of a result were when it was said."""
    if by is None:
        return ""
    if by == 0:
        return "! only its worker held them when the result was said"
    return f"held by {by} other {'members' if by > 1 else 'member'} when the result was said"


def _used(result: TaskResult) -> str:
    """The most it used, as far as that was measured."""
    parts = (
        (result.max_memory_mb, "MiB memory"),
        (result.max_cpu_percent, "% of a core"),
        (result.max_disk_mb, "MiB in its folders"),
    )
    said = ", ".join(f"{most:.0f} {unit}" for most, unit in parts if most is not None)
    return f"at most {said}" if said else ""


def _evidence(task: TaskView) -> str:
    if task.confirmed:
        return "confirmed: it stands in the control log"
    return "a result is in, not confirmed yet" if task.state == "result_in" else ""


def _needs(task: TaskView) -> str:
    spec = task.spec
    areas = f"expertise {' or '.join(spec.expertise)}" if spec.expertise else ""
    return ", ".join(part for part in (f"role {spec.role}" if spec.role else "", areas) if part)


def _approval(task: TaskView) -> str:
    if not task.approvals_needed:
        return ""
    given = [f"{'approved' if w.approved else 'denied'} by {w.name}, {moment(w.at)}" for w in task.approvals]
    agreed = sum(word.approved for word in task.approvals)
    return "; ".join([f"{agreed} of {task.approvals_needed}", *given])


def _also_announced(other: OtherAnnouncement) -> str:
    who = other.author_name or other.author
    return f"“{other.title}” was announced under it too, by {who}, {moment(other.at)} ({other.entry})"


def _delivery(task: TaskView) -> str:
    known = task.announced_delivery
    steps = [name for name in ("stored", "sent") if known.get(name)]
    if known.get("held_by"):
        steps.append(f"held by {known['held_by']}")
    return ", ".join(steps)
