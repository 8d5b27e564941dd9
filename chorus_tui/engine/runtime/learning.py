"""What decided entries settled, as SLURP remembers it: the words of the features, joined here because none knows another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chorus_tui.engine.control.interface import ControlEntry, Member
from chorus_tui.engine.protocol.messages.context import ContextNode
from chorus_tui.engine.records import of_tasks
from chorus_tui.engine.shhh.cutting import beginning
from chorus_tui.engine.slurp.rules import confidence, folder_of, path_of
from chorus_tui.engine.slurp.service import Settled
from chorus_tui.engine.tasks import summary
from chorus_tui.engine.tasks.board import Board
from chorus_tui.engine.tasks.task import Reported, Task

SHOWN = 1_500
"""Characters of what an agent is shown before it begins."""


def settled_by(board: Board, members: Callable[[], Mapping[str, Member]]) -> Callable[[ControlEntry], Settled | None]:
    """An accepted result: what was asked, what came of it, which files changed, where its record is."""

    def describe(entry: ControlEntry) -> Settled | None:
        task = board.tasks.get((entry.mesh_id, str(entry.data.get("task_id", ""))))
        if task is None or task.announced is None or task.accepted is None or task.announced.erased:
            return None
        spec, result = task.announced.spec, task.accepted.result
        names = result.change.names if result.change else []
        record = of_tasks.address(task, task.announced, members().get(task.accepted.author))
        return Settled(
            path_of(spec.project_id, folder_of(names)), f"{spec.title}: {summary.of(spec, result)}", task.accepted.author, "task",
            _learned(task, task.accepted, record), task.key[1], tuple(spec.depends_on),
        )  # fmt: skip

    return describe


def _learned(task: Task, accepted: Reported, record: str) -> dict[str, Any]:
    """What the announcement and the result say besides, and how far it was shown."""
    assert task.announced is not None
    spec, result = task.announced.spec, accepted.result
    checked = task.check
    verdict = checked.said.verdict if checked else ""
    sources = [record, *([result.change.patch] if result.change else [])]
    return {
        "purpose": beginning(spec.goal or spec.description or spec.title, 500),
        "technologies": [one for one in (spec.language, result.model) if one],
        "tags": [one for one in dict.fromkeys((spec.kind, *spec.expertise)) if one][:16],
        "sources": [*sources, *(f"sha256:{artifact.sha256}" for artifact in result.artifacts)][:16],
        "confidence": round(confidence(verdict == "passed", verdict == "failed"), 3),
    }  # fmt: skip


def told(nodes: list[ContextNode]) -> str:
    """What an agent is shown of nodes before it begins; empty without any."""
    lines = [f"- ({node.kind}, {node.node_id[:8]}) {_words(node)}" for node in nodes]
    return beginning("\n".join(lines), SHOWN)


def _words(node: ContextNode) -> str:
    return "sealed; ask its author" if node.header_only else " ".join(node.summary.split())
