"""How a task looks: a line of the board, and everything known of it. Says no more than the engine does."""

from __future__ import annotations

from rich.text import Text

from chorus_tui.contract.models.tasks import TERMINAL, TaskResult, TaskRow, TaskView
from chorus_tui.widgets.plain import ago, plain, size

SIGNS = {
    "announced": ("○", "cyan"), "waiting": ("◌", "yellow"), "granted": ("◔", "cyan"), "pulling": ("◔", "cyan"),
    "creating": ("◔", "cyan"), "starting": ("◔", "cyan"), "running": ("●", "blue"), "collecting": ("◕", "blue"),
    "result_in": ("◕", "magenta"), "completed": ("✓", "green"), "failed": ("✗", "red"), "cancelled": ("⊘", "dim"),
    "budget_exhausted": ("✗", "red"), "escalated": ("!", "yellow"),
}  # fmt: skip
NAMES = {"result_in": "result in", "budget_exhausted": "out of budget"}


def row(task: TaskRow, now: float) -> tuple[Text, ...]:
    """One line of the board."""
    sign, color = SIGNS[task.state]
    title = plain(task.title, limit=23)
    taken = task.seconds
    if task.state not in TERMINAL and taken is not None and task.holder:
        taken = max(taken, 0.0)
    when = ago(taken) if taken is not None else f"{ago(now - task.announced_at)} ago"
    return (
        Text(f"{sign} {NAMES.get(task.state, task.state)}", style=color, no_wrap=True), Text(title, no_wrap=True),
        Text(plain(task.holder_name or "·", limit=6), no_wrap=True), Text(when, justify="right", no_wrap=True),
    )  # fmt: skip


def detail(view: TaskView, now: float) -> Text:
    """State in words, who, evidence, result."""
    sign, color = SIGNS[view.state]
    text = Text()
    text.append(f"{plain(view.title)}\n", style="bold")
    text.append(f"{sign} {NAMES.get(view.state, view.state)}", style=color)
    if view.holder_name:
        text.append(f" by {plain(view.holder_name)}" if view.state in TERMINAL else f" on {plain(view.holder_name)}")
    text.append(_confirmed(view), style="dim")
    text.append("\n")
    if view.detail:
        text.append(f"{plain(view.detail)}\n", style="yellow" if view.state not in TERMINAL else color)
    text.append_text(_figures(view))
    if view.result is not None:
        text.append_text(_result(view.result))
    elif view.attempts and view.attempts[-1].result is not None:
        text.append("reported, not accepted:\n", style="dim")
        text.append_text(_result(view.attempts[-1].result))
    text.append_text(_attempts(view))
    text.append_text(_evidence(view, now))
    text.append_text(_asked(view, now))
    return text


def _figures(view: TaskView) -> Text:
    """What its sandbox uses now, each beside what it may use."""
    text, now, limits = Text(), view.figures, view.spec.limits
    if now is not None:
        text.append("uses      ", style="dim")
        text.append(f"{now.cpu_percent:.0f} % of a core, {now.memory_mb:.0f} of {limits.memory_mb} MiB memory, ")
        text.append(f"{now.disk_mb:.0f} MiB in its folders\n")
    return text


def _confirmed(view: TaskView) -> str:
    if view.confirmed:
        return "   confirmed by the mesh"
    return "   not confirmed yet" if view.state == "result_in" else ""


def _result(result: TaskResult) -> Text:
    text = Text()
    seconds = result.phases.get("running")
    took = f" after {seconds:.1f} s" if seconds is not None else ""
    if result.exit_code is not None:
        text.append("exit code ", style="dim")
        text.append(f"{result.exit_code}{took}\n", style="green" if result.exit_code == 0 else "red")
    for artifact in result.artifacts[:8]:
        text.append("file      ", style="dim")
        text.append(f"{plain(artifact.path)}  {size(artifact.size)}  sha256 {artifact.sha256[:12]}…\n")
    if len(result.artifacts) > 8:
        text.append(f"          and {len(result.artifacts) - 8} more files; s saves them\n", style="dim")
    if result.held_by == 0:
        text.append("files     only their worker held them when the result was said\n", style="yellow")
    elif result.held_by:
        text.append(f"files     held by {result.held_by} more when the result was said\n", style="dim")
    if result.output_cut:
        text.append("output    was cut in the middle: more than the task's limit\n", style="yellow")
    return text


def _attempts(view: TaskView) -> Text:
    text = Text()
    if len(view.attempts) < 2:
        return text
    for attempt in view.attempts:
        text.append("attempt   ", style="dim")
        text.append(f"{attempt.attempt} {plain(attempt.worker_name)}: {attempt.ended or 'runs'}")
        text.append(f"  {plain(attempt.reason)}\n" if attempt.ended not in ("", "accepted") else "\n", style="dim")
    return text


def _evidence(view: TaskView, now: float) -> Text:
    """Results that lost: who, when, which attempt, and why they do not count."""
    text = Text()
    for lost in view.evidence[:4]:
        text.append("evidence  ", style="dim")
        text.append(
            f"{lost.result.outcome} by {plain(lost.worker_name)}, attempt {lost.attempt}, {ago(now - lost.at)} ago: "
        )
        text.append(f"does not count, {plain(lost.why)}\n", style="yellow")
    if len(view.evidence) > 4:
        text.append(f"          and {len(view.evidence) - 4} more\n", style="dim")
    return text


def _source(repository: str) -> str:
    """A bundle by the beginning of its hash, anything else as it is."""
    if repository.startswith("sha256:"):
        return f"git bundle {repository[7:19]}…"
    return plain(repository, limit=70)


def _asked(view: TaskView, now: float) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    rows = [("asked by", f"{plain(view.announcer_name)}, {ago(now - view.announced_at)} ago, {view.priority}")]
    if view.announced_delivery:
        held = int(view.announced_delivery.get("held_by", 0))
        rows.append(("delivery", f"stored here, held by {held} other{'s' if held != 1 else ''}"))
    if view.spec.repository:
        rows.append(("source", _source(view.spec.repository)))
    if view.approvals_needed:
        agreed = sum(word.approved for word in view.approvals)
        rows.append(("approval", f"{agreed} of {view.approvals_needed}"))
        for word in view.approvals:
            how = "approved" if word.approved else "denied"
            why = f": {plain(word.reason)}" if word.reason else ""
            rows.append(("", f"{how} by {plain(word.name)}, {ago(now - word.at)} ago{why}"))
    if view.spec.role or view.spec.expertise:
        areas = [plain(" or ".join(view.spec.expertise))] if view.spec.expertise else []
        rows.append(("needs", ", ".join([*([f"role {plain(view.spec.role)}"] if view.spec.role else []), *areas])))
    rows += [("after", task_id) for task_id in view.spec.depends_on[:4]]
    if view.retry_of:
        rows.append(("retry of", view.retry_of))
    rows += [("retried as", task_id) for task_id in view.retried_as[:2]]
    rows += [
        ("erased", f"{said.type} by {plain(said.author_name)}, said {ago(now - said.at)} ago")
        for said in view.erased[:4]
    ]
    if view.continued_as:
        rows.append(("goes on as", view.continued_as))
    rows += [("$", plain(command, limit=200)) for command in view.spec.commands[:6]]
    for name, value in rows:
        text.append(f"{name:<10}", style="dim")
        text.append(f"{value}\n")
    return text
