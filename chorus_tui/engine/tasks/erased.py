"""What is left of a task's message whose text the mesh erased: that it was said, by whom and when.

The decision names the task, because the header that stays does not. So a peer that never had the text shows the same as
one that forgot it. What the mesh decided about the task stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.protocol.envelope import Entry

BODY_ERASED = "body_erased"
WORD = "(erased)"
"""Stands where a text was."""


@dataclass(frozen=True, slots=True)
class ErasedMessage:
    """One message of a task; ``cite`` is as in :func:`chorus_tui.engine.tasks.board.ref`."""

    type: str
    author: str
    at_ms: int
    cite: dict[str, Any]


def about(entry: Entry) -> dict[str, Any]:
    """What a decision to erase this message says of its task."""
    at_ms = int(entry.header.hlc.partition(":")[0])
    task = {name: entry.data.get(name) for name in ("mesh_id", "task_id")}
    return {**task, "type": entry.type, "at_ms": at_ms}


def read(data: dict[str, Any]) -> tuple[tuple[str, str], ErasedMessage] | None:
    """Task and message of a decision; None when it is about no task."""
    told = data.get("about")
    if not isinstance(told, dict):
        return None
    cite = {name: data.get(name) for name in ("author", "epoch", "seq", "hash")}
    texts = [told.get("mesh_id"), told.get("task_id"), told.get("type"), cite["author"], cite["epoch"], cite["hash"]]
    if (
        not all(isinstance(text, str) for text in texts)
        or type(told.get("at_ms")) is not int
        or type(cite["seq"]) is not int
    ):
        return None
    message = ErasedMessage(str(told["type"]), str(cite["author"]), told["at_ms"], cite)
    return (str(told["mesh_id"]), str(told["task_id"])), message


def spec() -> TaskSpec:
    """In the place of what was asked for."""
    return TaskSpec(title=WORD, commands=[WORD])
