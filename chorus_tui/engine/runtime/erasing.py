"""Asking the mesh to erase what an entry said, and what an admin looks at before it agrees."""

from __future__ import annotations

from typing import Any

from chorus_tui.contract.models.election import Decided
from chorus_tui.contract.models.journal import EraseBody
from chorus_tui.contract.problem import invalid
from chorus_tui.engine.control.asking import ask_admin
from chorus_tui.engine.control.entries import BODY_ERASED
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.runtime.engine import Engine
from chorus_tui.engine.tasks import erased
from chorus_tui.engine.tasks.board import Board, ref


class Erasing:
    """The operation, and what an admin checks besides the asker's authority."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        engine.control.on_request(BODY_ERASED, self._why_not)

    async def erase(self, request: EraseBody, _caller: Any) -> Decided:
        """Decided by the admin; every peer follows as soon as it knows."""
        found = self._engine.journal.find(request.hash)
        if not found:
            raise invalid({"hash": "no entry held here begins so; 'journal tail --json' shows hashes"})
        if len(found) > 1:
            raise invalid({"hash": "more than one entry begins so; give more digits"})
        return Decided(index=await ask_admin(self._engine.control, BODY_ERASED, decision(found[0])))

    def _why_not(self, _peer_id: str, data: dict[str, Any]) -> str | None:
        found = self._engine.journal.find(str(data.get("hash")))
        if len(found) != 1 or found[0].hash != data["hash"]:
            return "the admin does not hold such an entry; ask again when it has come"
        entry = found[0]
        if entry.body is None:
            return "its text is not there any more"
        if data != decision(entry):
            return "author, epoch, number and task are not those of the entry"
        task = self._engine.tasks.board.find(str(entry.data.get("task_id", "")), self._engine.control.mesh_id)
        if entry.type in Board.types and task is not None and not task.terminal:
            return f"task {task.key[1]} is still open and needs it; cancel the task first"
        return None


def decision(entry: Entry) -> dict[str, Any]:
    """What is asked for: the entry, and its task if it is about one."""
    told = {"about": erased.about(entry)} if entry.type in Board.types and entry.envelope is not None else {}
    return {**ref(entry), **told}
