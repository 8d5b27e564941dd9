"""Follows what a running sandbox uses: once a second from the engine's statistics, its folders every few seconds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
import trio

from chorus_tui.contract.models.task_result import Figures
from chorus_tui.engine.execution.docker_api import DockerApi
from chorus_tui.engine.execution.errors import ExecutionError
from chorus_tui.engine.execution.figures import cpu_percent, disk_mb, highest, memory_mb
from chorus_tui.engine.execution.sandbox import Sandbox

_log = structlog.get_logger(__name__)
BEGIN_S = 0.5
"""Short tasks are over before anybody could look, and should not wait for it."""
DISK_EVERY = 5
"""Samples between two looks into the folders: each look is a command in the sandbox."""
_DISK_BOUND_S = 2.0


class Meter:
    """Tells ``report`` percent of one core, MiB of memory, MiB in the folders."""

    def __init__(
        self, api: DockerApi, sandbox: Sandbox, report: Callable[[float, float, float], Awaitable[None]]
    ) -> None:
        self._scope = trio.CancelScope()
        self._peak: Figures | None = None
        self._api = api
        self._sandbox = sandbox
        self._report = report
        self._disk = 0.0

    async def follow(self) -> None:
        """Until stopped, or the sandbox goes; figures are no reason for a task to fail."""
        with self._scope:
            await trio.sleep(BEGIN_S)
            await self._follow()

    def stop(self) -> Figures | None:
        """Follow no longer; the highest of what was seen."""
        self._scope.cancel()
        return self._peak

    async def _follow(self) -> None:
        try:
            async with self._api.stats(self._sandbox.container) as samples:
                looks = 0
                async for sample in samples:
                    cpu = cpu_percent(sample)
                    if cpu is None:
                        continue
                    if looks % DISK_EVERY == 0:
                        await self._look_at_disk()
                    looks += 1
                    now = Figures(cpu_percent=cpu, memory_mb=memory_mb(sample), disk_mb=self._disk)
                    self._peak = highest(self._peak, now)
                    await self._report(now.cpu_percent, now.memory_mb, now.disk_mb)
        except ExecutionError as error:
            _log.debug("figures of a sandbox were lost", error=str(error))

    async def _look_at_disk(self) -> None:
        with trio.move_on_after(_DISK_BOUND_S):
            try:
                self._disk = disk_mb(await self._sandbox.disk_table())
            except ExecutionError as error:
                # A task may have used up its processes; the next look may do better.
                _log.debug("a sandbox's folders were not looked at", error=str(error))
