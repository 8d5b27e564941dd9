"""Whether Docker answers, and with which images: looked at regularly, so that nobody waits for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
import trio

from chorus_tui.engine.bell import pause
from chorus_tui.engine.execution.errors import ExecutionError
from chorus_tui.engine.execution.executor import DockerExecutor
from chorus_tui.engine.execution.interface import DockerState

log = structlog.get_logger("chorus.docker")

LOOK_S = 10.0
FIRST_LOOK_S = 2.0
LOOK_AGAIN_S = 2.0
"""While Docker is missing: it may be restarting."""
REAP_EVERY = 6


class DockerWatch:
    """The present state of the Docker Engine; reaps what is past its deadline."""

    def __init__(self, executor: DockerExecutor) -> None:
        self._executor = executor
        self.state = DockerState(available=False, problem="the Docker Engine has not answered yet")
        self.reaped = 0
        """Sandboxes past their deadline that were removed, since the start."""
        self.on_change: Callable[[], None] = _nothing
        executor.on_trouble = self._look

    @property
    def languages(self) -> tuple[str, ...] | None:
        """Languages whose image is present; None without Docker."""
        return self.state.languages if self.state.available else None

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled; started after the first look, or without it when Docker lets us wait: nothing else of the engine shall."""
        seen = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch, seen)
            with trio.move_on_after(FIRST_LOOK_S):
                await seen.wait()
            task_status.started()

    async def _watch(self, seen: trio.Event) -> None:
        await self._look()
        seen.set()
        looks = 0
        while True:
            if self.state.available and looks % REAP_EVERY == 0:
                await self._reap()
            looks += 1
            await pause(LOOK_S if self.state.available else LOOK_AGAIN_S)
            await self._look()

    async def _look(self) -> None:
        state = await self._executor.probe()
        if state.available != self.state.available:
            if state.available:
                log.info("Docker is there", version=state.version)
            else:
                log.warning("⚠️ Docker is missing", reason=state.problem)
        changed, self.state = state != self.state, state
        if changed:
            self.on_change()

    async def _reap(self) -> None:
        try:
            gone = await self._executor.reap()
        except ExecutionError as error:
            log.debug("Nothing reaped", reason=str(error))
        else:
            self.reaped += gone
            if gone:
                log.info("Removed sandboxes past their deadline", number=gone)


def _nothing() -> None:
    """Nobody wants to know."""
