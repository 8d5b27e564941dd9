"""What was accepted is brought where it was asked for: a bundle among the blobs, or a branch of the repository.

Only the worker of the accepted result does it, after the mesh has decided, outside of any sandbox. It says what came of
it; until it has, it tries again after a restart. What is held back for a secret is told of when a person has released it. A branch that
stands there with the same content is taken for its own.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
import trio

from chorus_tui.contract.models.task_result import Change
from chorus_tui.engine.bell import Bell
from chorus_tui.engine.execution.delivery import Delivered, Label
from chorus_tui.engine.execution.errors import ExecutionError
from chorus_tui.engine.execution.interface import RepositoryError
from chorus_tui.engine.journal.interface import BlobHeld, BlobMissing, Refused
from chorus_tui.engine.shhh.cutting import beginning
from chorus_tui.engine.tasks.task import Announced, Key, Reported, Task

if TYPE_CHECKING:
    from chorus_tui.engine.tasks.service import TaskService

log = structlog.get_logger("chorus.tasks.delivering")

LOOK_S = 5.0


class Delivering:
    """One delivery after the other."""

    def __init__(self, service: TaskService) -> None:
        self._service = service
        self._wake = Bell()
        self._held: set[Key] = set()
        """Tasks of which the log says already that their patch is held back."""

    def nudge(self) -> None:
        """Something was accepted, perhaps."""
        self._wake.ring()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            for task in self._due():
                if self._is_due(task):  # still, after those before it
                    await self._deliver(task)
            await self._wake.rung(LOOK_S)

    def _due(self) -> list[Task]:
        """Accepted results of this peer that change a repository and are not brought there."""
        return [task for task in self._service.board.tasks.values() if self._is_due(task)]

    def _is_due(self, task: Task) -> bool:
        accepted, announced, me = task.accepted, task.announced, self._service.parts.me
        if accepted is None or announced is None or accepted.author != me or task.terminal != "completed":
            return False
        wanted = announced.spec.deliver != "patch" and accepted.result.change is not None
        return wanted and not any(one.author == me for one in task.thread.brought.values())

    async def _deliver(self, task: Task) -> None:
        accepted, announced = task.accepted, task.announced
        assert accepted is not None
        assert announced is not None
        change = accepted.result.change
        assert change is not None
        told: dict[str, Any]
        try:
            made = await self._bring(task, announced, accepted, change)
            told = {"where": made.where, "ref": made.ref, "commit": made.commit}
            log.info("📤 Delivered", task_id=task.key[1], where=made.where, ref=made.ref)
        except BlobHeld as error:
            if task.key not in self._held:
                self._held.add(task.key)
                log.warning("⚠️ Not delivered until a person releases it", task_id=task.key[1], reason=str(error))
            return
        except (ExecutionError, RepositoryError, BlobMissing) as error:
            told = {"problem": beginning(str(error), 900)}
            log.warning("⚠️ Could not be delivered", task_id=task.key[1], reason=str(error))
        self._held.discard(task.key)
        base = {"task_id": task.key[1], "mesh_id": task.key[0], "attempt": accepted.attempt}
        try:
            await self._service.parts.journal.say("deliverable_ready", {**base, **told})
        except Refused as error:
            log.warning("⚠️ A delivery could not be told", task_id=task.key[1], reason=str(error))

    async def _bring(self, task: Task, announced: Announced, accepted: Reported, change: Change) -> Delivered:
        parts = self._service.parts
        spec = announced.spec
        label = Label(
            task.key[1], spec.title, accepted.result.summary, accepted.cite["hash"], parts.agent_id, parts.me,
            accepted.at_ms // 1000,
        )  # fmt: skip
        patch = await parts.blobs.path(change.patch)
        named = spec.repository
        if named.startswith("sha256:"):
            checkout = await parts.repositories.unbundle(await parts.blobs.path(named))
        else:
            checkout = await parts.repositories.fetch(named, change.base)
        home = Path(tempfile.mkdtemp(prefix="chorus-delivery-"))
        try:
            if spec.deliver == "branch":
                pushed: Delivered = await parts.repositories.push(checkout, patch, label, named, home)
                return pushed
            made = await parts.repositories.bundle_change(checkout, patch, label, home)
            kept = await parts.blobs.put_file(Path(made.where))
            await parts.blobs.replicate([kept.digest])
            return Delivered(kept.digest, made.ref, made.commit)
        finally:
            parts.repositories.discard(checkout)
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(lambda: shutil.rmtree(home, ignore_errors=True))
