"""The record of an accepted task: what was asked for, what came of it, by what it was shown. Pure.

It is made of the announcement, the result and the control log's entry, so any peer that holds them makes the same.
"""

from __future__ import annotations

from typing import Any

from chorus_tui.contract import ucxl
from chorus_tui.contract.ucxl import Address
from chorus_tui.engine.control.interface import Member
from chorus_tui.engine.protocol import places
from chorus_tui.engine.protocol.envelope import timestamp
from chorus_tui.engine.records import record
from chorus_tui.engine.tasks import summary
from chorus_tui.engine.tasks.task import Announced, Reported, Task

PATH = "decisions/result"


def address(task: Task, announced: Announced, worker: Member | None) -> str:
    """Where it belongs: the worker's name and role, the project or the mesh, the task."""
    accepted = task.accepted
    assert accepted is not None
    mesh_id, task_id = task.key
    name, role = (worker.agent_id, worker.role) if worker else ("", "")
    return str(
        Address(
            agent=places.agent(name, accepted.author), role=places.role(role),
            project=places.project(announced.spec.project_id, mesh_id), task=task_id, path=PATH,
        )
    )  # fmt: skip


def task_of(where: str) -> str:
    """The task whose record belongs under an address; empty when it is no such address."""
    try:
        found = ucxl.parse(where)
    except ucxl.InvalidAddress:
        return ""
    return found.task if found.path == PATH else ""


def content(task: Task, announced: Announced, accepted: Reported, where: str) -> bytes:
    """See :func:`chorus_tui.engine.records.record.whole`."""
    spec, result = announced.spec, accepted.result
    check = task.check
    return record.whole(
        {
            "id": task.key[1], "ucxl": where, "title": spec.title, "body": summary.of(spec, result), "kind": "task",
            "made_by": accepted.author, "made_at": timestamp(task.terminal_ms / 1000), "mesh_id": task.key[0],
            "task_id": task.key[1], "asked_by": announced.author, "goal": spec.goal, "commands": list(spec.commands),
            "attempt": accepted.attempt, "outcome": result.outcome, "exit_code": result.exit_code, "model": result.model,
            "changed": _changed(accepted), "artifacts": [artifact.model_dump() for artifact in result.artifacts],
            "checked": {"by": check.author, "verdict": check.said.verdict} if check else None,
            "votes": [], "citations": _citations(announced, accepted), "supersedes": announced.retry_of or None,
        }
    )  # fmt: skip


def _changed(accepted: Reported) -> dict[str, Any] | None:
    change = accepted.result.change
    return change.model_dump(exclude={"left_out"}) if change else None


def _citations(announced: Announced, accepted: Reported) -> list[dict[str, str]]:
    """The entries it rests on, and the tasks it builds on."""
    found = [{"kind": "announcement", "id": _entry(announced.cite)}, {"kind": "result", "id": _entry(accepted.cite)}]
    return [*found, *({"kind": "task", "id": task_id} for task_id in announced.spec.depends_on)]


def _entry(cite: dict[str, Any]) -> str:
    return str(cite.get("hash", ""))
