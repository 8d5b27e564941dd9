"""A worker as the judge of others' results: runs the checks it was asked to run, as long as it is asked.

As with any work a grant in the control log is the only order it takes, and its end the only thing that stops it.
Checks leave nothing behind, so after a restart they are simply run again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
import trio

from chorus_tui.engine.control.interface import Control
from chorus_tui.engine.tasks.board import Board
from chorus_tui.engine.tasks.check_run import CheckRun
from chorus_tui.engine.tasks.run import Tools
from chorus_tui.engine.tasks.task import CheckGrant, Key, Task

log = structlog.get_logger("chorus.tasks.checker")

Asked = tuple[Key, int]


@dataclass(slots=True)
class Checker:
    """``ended`` is called when a run ended, so that its room is offered again."""

    me: str
    board: Board
    control: Control
    tools: Tools
    ended: Callable[[], None]
    _running: dict[Asked, trio.CancelScope] = field(default_factory=dict)
    _done: set[Asked] = field(default_factory=set)

    @property
    def running(self) -> int:
        """Checks running here now."""
        return len(self._running)

    def mine(self) -> list[tuple[Task, CheckGrant]]:
        """Checks this peer is asked for, in its present mesh."""
        return [
            (task, task.checking)
            for task in self.board.of_mesh(self.control.mesh_id)
            if task.checking is not None and task.checking.checker == self.me
        ]

    def held(self) -> list[tuple[str, int]]:
        """What is run. Who cannot begin, because the result does not count here or has not come, is not in the way of others."""
        return [(key[1], attempt) for key, attempt in self._running]

    def start(self, nursery: trio.Nursery) -> None:
        """Begin what was asked for."""
        for task, grant in self.mine():
            asked = (task.key, grant.attempt)
            announced, report = task.announced, task.report
            if asked in self._running or asked in self._done or announced is None or report is None:
                continue
            if (report.cite["hash"], self.me) in task.thread.checked:
                self._done.add(asked)
                continue
            scope = self._running[asked] = trio.CancelScope()
            nursery.start_soon(self._run, asked, scope, CheckRun(self.tools, task.key, announced.spec, report))

    def stop_ended(self) -> None:
        """What is not asked for any more ends its sandbox."""
        wanted = {(task.key, grant.attempt) for task, grant in self.mine()}
        for asked, scope in self._running.items():
            if asked not in wanted:
                scope.cancel()

    def stop(self) -> None:
        """End all of them; somebody else is asked when their leases are over."""
        for scope in self._running.values():
            scope.cancel()

    async def _run(self, asked: Asked, scope: trio.CancelScope, run: CheckRun) -> None:
        try:
            with scope:
                await run.to_the_end()
                self._done.add(asked)
        except Exception:
            # Not said: the lease runs out, and somebody else is asked.
            log.exception("❌ Checks could not be carried through", task_id=asked[0][1])
            self._done.add(asked)
        finally:
            self._running.pop(asked, None)
            self.ended()
