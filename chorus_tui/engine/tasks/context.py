"""What an agent can look up about its task: itself, earlier attempts, its thread, what it depends on, who asked for it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from chorus_tui.engine.tasks import advice
from chorus_tui.engine.tasks.board import Board
from chorus_tui.engine.tasks.task import Task

MOST = 8_000
"""Characters of an answer."""
_TAIL = 1_500


def look_up(task: Task, board: Board, name: Callable[[str | None], str], query: str) -> str:
    """Everything known that has a word of ``query``; what there is, when nothing has."""
    parts = list(_parts(task, board, name))
    words = [word for word in query.casefold().split() if len(word) > 1]
    found = [
        f"{title}:\n{text}" for title, text in parts if any(word in f"{title} {text}".casefold() for word in words)
    ]
    if not found:
        names = "; ".join(title for title, _ in parts) or "nothing"
        return f"nothing is known about {query.strip()[:200]!r}; known are: {names}"
    return "\n\n".join(found)[:MOST]


def _parts(task: Task, board: Board, name: Callable[[str | None], str]) -> Iterator[tuple[str, str]]:
    announced = task.announced
    if announced is None:
        return
    spec = announced.spec
    yield "this task", f"{spec.title}\n{spec.goal}\n{spec.description}".strip()
    for grant in task.grants[:-1]:
        report = task.reports.get((grant.attempt, grant.worker))
        said = f"; {report.result.detail}\n{report.result.output_tail[-_TAIL:]}" if report else ""
        yield f"attempt {grant.attempt} by {name(grant.worker)}", f"{grant.ended}: {grant.reason}{said}"
    lines = [f"{name(line.author)} ({line.kind}): {line.text}" for line in task.thread.in_order()]
    if lines:
        yield "thread", "\n".join(lines[-30:])
    told = [f"{name(line.author)}: {line.text}" for line in advice.lines(task)]
    if told:
        yield "advice of mentors", "\n".join(told)
    before = [("earlier try", announced.retry_of)] if announced.retry_of else []
    for relation, task_id in [("parent", spec.parent), *before, *(("dependency", one) for one in spec.depends_on)]:
        other = board.find(task_id, task.key[0]) if task_id else None
        if other is not None and other.announced is not None:
            yield f"{relation} {other.announced.spec.title}", _outcome(other)


def _outcome(other: Task) -> str:
    announced = other.announced
    assert announced is not None
    asked = announced.spec.goal or "; ".join(announced.spec.commands)
    if other.accepted is None:
        return f"asked for: {asked}\nstate: {other.terminal or 'open'} {other.terminal_reason}"
    result = other.accepted.result
    changed = f"\nchanged: {', '.join(result.change.names)}" if result.change else ""
    files = f"\nfiles: {', '.join(artifact.path for artifact in result.artifacts)}" if result.artifacts else ""
    return f"asked for: {asked}\ndone: {result.summary}{changed}{files}\n{result.output_tail[-_TAIL:]}".strip()
