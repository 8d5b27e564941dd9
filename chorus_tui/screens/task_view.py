"""How a task looks: a line of the board, and everything known of it. Says no more than the engine does."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group
from rich.text import Text

from chorus_tui.contract.models.task_result import TaskResult
from chorus_tui.contract.models.tasks import TERMINAL, Delivered, TaskRow, TaskView, TaskWord
from chorus_tui.telling.task import SAYING, budget, coordinated, failed_check, reasons, result_of, three_lines, uses
from chorus_tui.widgets.facts import table
from chorus_tui.widgets.plain import ago, plain, plain_lines, size

SIGNS = {
    "announced": ("○", "cyan"), "waiting": ("◌", "yellow"), "granted": ("◔", "cyan"), "pulling": ("◔", "cyan"),
    "creating": ("◔", "cyan"), "starting": ("◔", "cyan"), "running": ("●", "blue"), "collecting": ("◕", "blue"),
    "result_in": ("◕", "magenta"), "completed": ("✓", "green"), "failed": ("✗", "red"), "cancelled": ("⊘", "dim"),
    "budget_exhausted": ("✗", "red"), "escalated": ("!", "yellow"),
}  # fmt: skip
TONES = {"good": ("✓", "green"), "bad": ("✗", "red"), "open": ("○", "yellow"), "none": ("·", "")}
WIDTH = 12
Rows = Iterator[tuple[str, str | Text]]
NAMES = {"result_in": "result in", "budget_exhausted": "out of budget"}


def line(task: TaskRow, now: float) -> tuple[Text, ...]:
    """One line of the board. Its time is one thing for all of them, how long ago it was announced; what it took stands in the detail."""
    sign, color = SIGNS[task.state]
    when = ago(now - task.announced_at)
    return (
        Text(f"{sign} {NAMES.get(task.state, task.state)}", style=color, no_wrap=True),
        Text(plain(task.title), no_wrap=True, overflow="ellipsis"),
        Text(plain(task.holder_name or "·"), no_wrap=True, overflow="ellipsis"), Text(when, justify="right", no_wrap=True),
    )  # fmt: skip


def detail(view: TaskView, now: float) -> Group:
    """What matters most first: state, the three lines, why it failed, what was said; what was asked last."""
    sign, color = SIGNS[view.state]
    text = Text()
    text.append(f"{plain(view.title)}\n", style="bold")
    text.append(f"{sign} {NAMES.get(view.state, view.state)}", style=color)
    if view.holder_name:
        text.append(f" by {plain(view.holder_name)}" if view.state in TERMINAL else f" on {plain(view.holder_name)}")
    if view.paused and view.state not in TERMINAL:
        text.append("   ‖ paused", style="yellow")
    text.append(_confirmed(view), style="dim")
    if view.detail:
        text.append(f"\n{plain(view.detail)}", style="yellow" if view.state not in TERMINAL else color)
    result = result_of(view)
    live = view.state not in TERMINAL
    rows = [
        *(_spent(view) if live else ()), *_shown(view), *_failed_check(view), *_summary(result), *_delivered(view),
        *_thread(view, now), *_coordinated(view), *_files(result), *(() if live else _spent(view)), *_attempts(view), *_chosen(view),
        *_evidence(view, now),
        *_asked(view, now),
    ]  # fmt: skip
    return Group(text, table(_named_once(rows), WIDTH))


def _named_once(rows: list[tuple[str, str | Text]]) -> Rows:
    """A name stands at the first of the rows that share it."""
    before = ""
    for name, value in rows:
        yield "" if name == before else name, value
        before = name or before


def _confirmed(view: TaskView) -> str:
    if view.confirmed:
        return "   confirmed by the mesh"
    return "   not confirmed yet" if view.state == "result_in" else ""


def _spent(view: TaskView) -> Rows:
    """Of an agent's budget, and what the sandbox uses now."""
    if view.spec.goal:
        yield "budget", budget(view.spec, view.spent, live=view.state not in TERMINAL)
    if now := uses(view):
        yield "uses", now


def _shown(view: TaskView) -> Rows:
    """Execution, change, verification; nothing of it before somebody had the task."""
    if view.attempts:
        for line in three_lines(view):
            sign, color = TONES[line.tone]
            yield line.name, Text(f"{sign} {plain(line.text)}", style=color)


def _failed_check(view: TaskView) -> Rows:
    """The command that did not pass, and the end of what the checks printed."""
    shown = view.verification
    if shown.state != "failed":
        return
    failed = failed_check(shown)
    if failed is not None:
        yield "", f"$ {plain(failed.command, limit=200)}"
    for line in plain_lines(shown.output_tail.rstrip("\n"))[-4:]:
        if line:
            yield "", Text(line, style="dim")


def _summary(result: TaskResult | None) -> Rows:
    if result is not None and result.summary:
        yield "it says", plain(" ".join(result.summary.split()), limit=400)


def _files(result: TaskResult | None) -> Rows:
    if result is None:
        return
    for artifact in result.artifacts[:8]:
        yield "file", f"{plain(artifact.path)}  {size(artifact.size)}  sha256 {artifact.sha256[:12]}…"
    if len(result.artifacts) > 8:
        yield "", Text(f"and {len(result.artifacts) - 8} more files; s saves them", style="dim")
    if result.held_by == 0:
        yield "files", Text("only their worker held them when the result was said", style="yellow")
    elif result.held_by:
        yield "files", Text(f"held by {result.held_by} more when the result was said", style="dim")
    if result.output_cut:
        yield "output", Text("was cut in the middle: more than the task's limit", style="yellow")
    if result.model:
        yield "model", plain(result.model)


def _thread(view: TaskView, now: float) -> Rows:
    """The newest words, each with who signed it."""
    for word in view.words[-4:]:
        yield "thread", _word(word, now)
    if len(view.words) > 4:
        yield "", Text(f"and {len(view.words) - 4} before; chorus-tui task show tells them", style="dim")


def _word(word: TaskWord, now: float) -> Text:
    what = SAYING[word.kind]
    text = Text(f"{plain(word.name)}{what}, {ago(now - word.at)} ago: ", style="dim")
    return text.append(plain(" ".join(word.text.split()), limit=300), style="not dim")


def _delivered(view: TaskView) -> Rows:
    for one in view.delivered:
        yield "delivered", _place(one)


def _place(one: Delivered) -> Text:
    if one.problem:
        return Text(f"✗ not by {plain(one.name)}: {plain(one.problem)}", style="red")
    return Text(f"✓ {plain(one.ref)} of {_source(one.where)}, commit {plain(one.commit[:12])}", style="green")


def _attempts(view: TaskView) -> Rows:
    if len(view.attempts) < 2:
        return
    for attempt in view.attempts:
        text = Text(f"{attempt.attempt} {plain(attempt.worker_name)}: {attempt.ended or 'runs'}")
        if attempt.ended not in ("", "accepted"):
            text.append(f"  {plain(attempt.reason)}", style="dim")
        yield "attempt", text


def _chosen(view: TaskView) -> Rows:
    """Why the newest attempt went to its worker."""
    why = view.attempts[-1].why if view.attempts else None
    if why is not None:
        yield "chosen", plain(reasons(why), limit=400)


def _coordinated(view: TaskView) -> Rows:
    for one in view.coordinated[:3]:
        yield "coordinated", plain(coordinated(one), limit=300)


def _evidence(view: TaskView, now: float) -> Rows:
    """Results that lost: who, when, which attempt, and why they do not count."""
    for lost in view.evidence[:4]:
        text = Text(
            f"{lost.result.outcome} by {plain(lost.worker_name)}, attempt {lost.attempt}, {ago(now - lost.at)} ago: "
        )
        yield "evidence", text.append(f"does not count, {plain(lost.why)}", style="yellow")
    if len(view.evidence) > 4:
        yield "", Text(f"and {len(view.evidence) - 4} more", style="dim")


def _source(repository: str) -> str:
    """A bundle by the beginning of its hash, anything else as it is."""
    if repository.startswith("sha256:"):
        return f"git bundle {repository[7:19]}…"
    return plain(repository, limit=70)


def _asked(view: TaskView, now: float) -> Rows:
    for line in plain_lines(view.spec.goal.strip())[:6] if view.spec.goal else []:
        yield "goal", line
    for command in view.spec.commands[:6]:
        yield "$", plain(command, limit=200)
    for check in view.spec.checks[:4]:
        yield "check", f"$ {plain(check, limit=200)}"
    yield "asked by", f"{plain(view.announcer_name)}, {ago(now - view.announced_at)} ago, {view.priority} priority"
    for other in view.other_announcements[:4]:
        who = f"{plain(other.author_name)}, {ago(now - other.at)} ago"
        yield "same id", f"“{plain(other.title)}” was announced under it too, by {who}"
    if view.announced_delivery:
        held = int(view.announced_delivery.get("held_by", 0))
        yield "delivery", f"stored here, held by {held} other{'s' if held != 1 else ''}"
    if view.spec.repository:
        yield "source", _source(view.spec.repository)
    yield from _approval(view, now)
    yield from _needs(view)
    yield from _kin(view)
    for said in view.erased[:4]:
        yield "erased", f"{said.type} by {plain(said.author_name)}, said {ago(now - said.at)} ago"


def _approval(view: TaskView, now: float) -> Rows:
    if not view.approvals_needed:
        return
    yield "approval", f"{sum(word.approved for word in view.approvals)} of {view.approvals_needed}"
    for word in view.approvals:
        how = "approved" if word.approved else "denied"
        why = f": {plain(word.reason)}" if word.reason else ""
        yield "", f"{how} by {plain(word.name)}, {ago(now - word.at)} ago{why}"


def _needs(view: TaskView) -> Rows:
    if view.spec.role or view.spec.expertise:
        areas = [plain(" or ".join(view.spec.expertise))] if view.spec.expertise else []
        yield "needs", ", ".join([*([f"role {plain(view.spec.role)}"] if view.spec.role else []), *areas])


def _kin(view: TaskView) -> Rows:
    """Other tasks that this one has to do with."""
    if view.spec.allowed_hosts:
        yield "let out", plain(", ".join(view.spec.allowed_hosts))
    if view.spec.parent:
        yield "part of", view.spec.parent
    for task_id in view.subtasks[:4]:
        yield "subtask", task_id
    for task_id in view.spec.depends_on[:4]:
        yield "after", task_id
    if view.retry_of:
        yield "retry of", view.retry_of
    for task_id in view.retried_as[:2]:
        yield "retried as", task_id
    if view.continued_as:
        yield "goes on as", view.continued_as
