"""What decided entries settled, as SLURP remembers it: the words of the features, joined here because none knows another."""

from __future__ import annotations

from collections.abc import Callable

from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.protocol.messages.context import ContextNode
from chorus_tui.engine.slurp.rules import path_of
from chorus_tui.engine.slurp.service import Settled
from chorus_tui.engine.tasks.board import Board

SHOWN = 1_500
"""Characters of what an agent is shown before it begins."""


def of_tasks(board: Board) -> Callable[[ControlEntry], Settled | None]:
    """An accepted result: what was asked, what came of it, which files changed."""

    def describe(entry: ControlEntry) -> Settled | None:
        task = board.tasks.get((entry.mesh_id, str(entry.data.get("task_id", ""))))
        if task is None or task.announced is None or task.accepted is None:
            return None
        spec, result = task.announced.spec, task.accepted.result
        came = (
            result.summary or result.detail or f"{len(spec.commands)} commands ended with exit code {result.exit_code}"
        )
        changed = f" Changed: {', '.join(result.change.names[:8])}." if result.change and result.change.names else ""
        return Settled(path_of(spec.project_id), f"{spec.title}: {came}{changed}", task.accepted.author, "task")

    return describe


def told(nodes: list[ContextNode]) -> str:
    """What an agent is shown of nodes before it begins; empty without any."""
    lines = [f"- ({node.kind}, {node.node_id[:8]}) {' '.join(node.summary.split())}" for node in nodes]
    return "\n".join(lines)[:SHOWN]
