"""Tasks for people: the list, one task, its result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chorus_tui.cli.plain import clean, duration, moment, pairs, say, size, table

if TYPE_CHECKING:
    from chorus_tui.contract.models.tasks import TaskList, TaskResult, TaskView


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
    if answer.next:
        say(f"There are more: --cursor {clean(answer.next)}")


def print_task(task: TaskView) -> None:
    """One task: what was asked, how far it is, what came of it."""
    spec = task.spec
    pairs(
        [
            ("task", task.task_id),
            ("title", task.title),
            ("state", f"{task.state}  {task.detail}".rstrip()),
            ("end", _evidence(task)),
            ("uses", _uses(task)),
            ("waits for", task.waiting_for),
            ("announced", f"{moment(task.announced_at)} by {task.announcer_name or task.announcer}"),
            ("delivery", _delivery(task)),
            ("priority", task.priority),
            ("needs", _needs(task)),
            ("approval", _approval(task)),
            ("depends on", ", ".join(spec.depends_on)),
            ("held by", task.holder_name or task.holder),
            ("image", spec.image or spec.language),
            ("repository", spec.repository),
            ("retry of", task.retry_of),
            ("retried as", ", ".join(task.retried_as)),
            ("continues", task.continues),
            ("continued as", task.continued_as),
            *(("erased", f"{e.type} by {e.author_name or e.author}, said {moment(e.at)}") for e in task.erased),
        ]
    )
    for command in spec.commands:
        say(f"  $ {clean(command)}")
    if task.attempts:
        say()
        rows = [
            (a.attempt, a.worker_name or a.worker, moment(a.granted_at), a.ended or "under way", a.reason)
            for a in task.attempts
        ]
        table(("attempt", "worker", "granted", "ended", "reason"), rows)
    if task.result is not None:
        say()
        print_result(task.result)
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
            ("exit code", result.exit_code),
            ("image", f"{result.image} {result.image_id}".strip()),
            ("used", _used(result)),
            ("files", held(result.held_by)),
            ("phases", ", ".join(f"{name} {duration(seconds)}" for name, seconds in result.phases.items())),
        ]
    )
    if result.artifacts:
        table(("artifact", "size", "sha256"), [(a.path, size(a.size), a.sha256) for a in result.artifacts])
    if result.output_tail:
        cut = ", cut in the middle" if result.output_cut else ""
        say(f"output ({size(result.output_bytes)}{cut}), its end:")
        for line in result.output_tail.rstrip("\n").split("\n"):
            say(f"  {clean(line, lines=True)}")


def held(by: int | None) -> str:
    """How safe the files of a result were when it was said."""
    if by is None:
        return ""
    if by == 0:
        return "! only its worker held them when the result was said"
    return f"held by {by} other {'members' if by > 1 else 'member'} when the result was said"


def _uses(task: TaskView) -> str:
    """Its sandbox now; empty when it is not running or not heard of."""
    now = task.figures
    if now is None:
        return ""
    return (
        f"{now.cpu_percent:.0f} % of a core, {now.memory_mb:.0f} of {task.spec.limits.memory_mb} MiB memory, "
        f"{now.disk_mb:.0f} MiB in its folders"
    )


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


def _delivery(task: TaskView) -> str:
    known = task.announced_delivery
    steps = [name for name in ("stored", "sent") if known.get(name)]
    if known.get("held_by"):
        steps.append(f"held by {known['held_by']}")
    return ", ".join(steps)
