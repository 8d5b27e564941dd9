"""The executor: runs jobs in Docker sandboxes, as many at once as it is asked to, and leaves nothing behind."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import trio

from chorus_tui.contract.models.task_result import TaskResult
from chorus_tui.engine.clock import Clock, SystemClock
from chorus_tui.engine.execution.attempt import Attempt
from chorus_tui.engine.execution.cpus import CpuBudget
from chorus_tui.engine.execution.docker_api import DockerApi
from chorus_tui.engine.execution.errors import DockerUnavailable, ExecutionError
from chorus_tui.engine.execution.images import present_languages
from chorus_tui.engine.execution.interface import DockerState, Job, PutBlob, Report
from chorus_tui.engine.execution.known_weaknesses import findings
from chorus_tui.engine.execution.output import Clean
from chorus_tui.engine.execution.reaper import reap_expired, remove_run
from chorus_tui.engine.execution.settings import ExecutionSettings
from chorus_tui.engine.execution.warm import WarmPool
from chorus_tui.engine.execution.workspace import SandboxLost

OLDEST_API = (1, 41)
ENGINE_TROUBLE = frozenset({DockerUnavailable.reason, SandboxLost.reason})
"""Reasons of results that put the engine itself in doubt."""


class DockerExecutor:
    """:class:`~.interface.Executor` on a Docker Engine. One per engine process; ``close`` it in the end. ``clean`` makes what
    takes the secrets out of a task's output."""

    def __init__(
        self, settings: ExecutionSettings, clock: Clock | None = None, clean: Callable[[], Clean] | None = None
    ) -> None:
        self._settings = settings
        self._clean = clean
        self._wall: Callable[[], float] = (clock or SystemClock()).wall
        self._api = DockerApi(settings.docker_host)
        self._cpus = CpuBudget(self._api, settings.max_cpus)
        self._run = secrets.token_hex(8)
        self._warm = WarmPool(self._api, settings, self._run, self._wall)
        self.on_trouble: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint
        """Awaited before a result is handed over that puts the engine in doubt: so nobody is offered a place there."""

    async def probe(self) -> DockerState:
        """Ask Docker; never raises."""
        try:
            said = await self._api.version()
            tags = await self._api.image_tags()
        except ExecutionError as error:
            return DockerState(available=False, problem=str(error))
        version, api = str(said.get("Version", "")), str(said.get("ApiVersion", "0.0"))
        if tuple(int(part) for part in api.split(".") if part.isdigit()) < OLDEST_API:
            oldest = ".".join(map(str, OLDEST_API))
            return DockerState(
                available=False,
                version=version,
                problem=f"Docker Engine {version} speaks API {api}; {oldest} (Docker 20.10) or newer is needed",
            )
        return DockerState(
            available=True,
            version=version,
            languages=present_languages(tags, self._settings),
            weaknesses=findings(said),
        )

    async def run(self, job: Job, report: Report, put_blob: PutBlob) -> TaskResult:
        """Run one job to its end. Cancelling kills the container before this returns, within 5 s.

        Never raises for what a task or Docker does; what ``report`` and ``put_blob`` raise comes through.
        """
        folder = Path(tempfile.mkdtemp(prefix="chorus-task-", dir=self._settings.scratch))
        try:
            attempt = Attempt(
                self._api, self._settings, self._cpus, self._warm,
                job=job, report=report, put_blob=put_blob, folder=folder, run=self._run, wall=self._wall,
                clean=self._clean,
            )  # fmt: skip
            result = await attempt.run()
            if result.reason in ENGINE_TROUBLE:
                await self.on_trouble()
            return result
        finally:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(lambda: shutil.rmtree(folder, ignore_errors=True))

    async def reap(self) -> int:
        """Remove sandboxes past the deadline on their label, whoever made them, and this peer's own of an earlier run.

        Returns how many went. Raises :class:`~.errors.ExecutionError` when Docker does not answer.
        """
        return await reap_expired(self._api, now=self._wall(), owner=self._settings.owner, run=self._run)

    async def keep_warm(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Let sandboxes wait started for tasks like those that ran, until cancelled."""
        task_status.started()
        await self._warm.tend()

    @property
    def warm(self) -> int:
        """How many sandboxes wait now."""
        return self._warm.waiting

    async def take_nothing_new(self) -> None:
        """No sandbox waits from here on."""
        await self._warm.stop()

    async def close(self) -> None:
        """Remove every sandbox of this process. Raises :class:`~.errors.ExecutionError` when Docker does not answer."""
        await self._warm.stop()
        await remove_run(self._api, self._run)
