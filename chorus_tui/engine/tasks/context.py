"""What an agent can look up about its task: itself, earlier attempts, its thread, what it depends on, who asked for it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from chorus_tui.engine.ai.agent.interface import Word
from chorus_tui.engine.ai.agent.wording import said
from chorus_tui.engine.ai.quoting import quoted
from chorus_tui.engine.shhh.cutting import beginning, ending
from chorus_tui.engine.tasks.board import Board
from chorus_tui.engine.tasks.task import Task

MOST = 8_000
"""Characters of an answer."""
_TAIL = 1_500


def look_up(
    task: Task, board: Board, name: Callable[[str | None], str], thread: list[Word], query: str, redact: Callable[[str], str]
) -> str:  # fmt: skip
    """Everything known that has a word of ``query``; what there is, when nothing has. A line each, as JSON; ``thread`` is what
    the agent may hear of its own; ``redact`` sees what others said before any of it is cut."""
    parts = list(_parts(task, board, name, redact))
    if thread:
        parts.append(("thread", [said(word) for word in thread[-30:]]))
    words = [word for word in query.casefold().split() if len(word) > 1]
    found = [
        quoted({"about": title, "known": known})
        for title, known in parts
        if any(word in f"{title} {_text(known)}".casefold() for word in words)
    ]
    if not found:
        return f"nothing is known about {beginning(query.strip(), 200)!r}; known are: {quoted([title for title, _ in parts])}"
    return beginning("\n".join(found), MOST)


def _text(known: Any) -> str:
    return known if isinstance(known, str) else " ".join(text for one in known for text in one.values())


def _parts(
    task: Task, board: Board, name: Callable[[str | None], str], redact: Callable[[str], str]
) -> Iterator[tuple[str, Any]]:
    announced = task.announced
    if announced is None:
        return
    spec = announced.spec
    yield "this task", f"{spec.title}\n{spec.goal}\n{spec.description}".strip()
    for grant in task.grants[:-1]:
        report = task.reports.get((grant.attempt, grant.worker))
        said = f"; {report.result.detail}\n{ending(report.result.output_tail, _TAIL, redact)}" if report else ""
        yield f"attempt {grant.attempt} by {name(grant.worker)}", f"{grant.ended}: {grant.reason}{said}"
    before = [("earlier try", announced.retry_of)] if announced.retry_of else []
    for relation, task_id in [("parent", spec.parent), *before, *(("dependency", one) for one in spec.depends_on)]:
        other = board.find(task_id, task.key[0]) if task_id else None
        if other is not None and other.announced is not None:
            yield f"{relation} {other.announced.spec.title}", _outcome(other, redact)


def _outcome(other: Task, redact: Callable[[str], str]) -> str:
    announced = other.announced
    assert announced is not None
    asked = announced.spec.goal or "; ".join(announced.spec.commands)
    if other.accepted is None:
        return f"asked for: {asked}\nstate: {other.terminal or 'open'} {other.terminal_reason}"
    result = other.accepted.result
    changed = f"\nchanged: {', '.join(result.change.names)}" if result.change else ""
    files = f"\nfiles: {', '.join(artifact.path for artifact in result.artifacts)}" if result.artifacts else ""
    return f"asked for: {asked}\ndone: {result.summary}{changed}{files}\n{ending(result.output_tail, _TAIL, redact)}".strip()
