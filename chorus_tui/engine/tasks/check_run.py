"""The checks of one result: run in a fresh sandbox that has the result and nothing else of its worker.

The sandbox has the repository at the commit the work began with, the patch applied, and the files of the result in
/workspace/output. What it shows is said as ``task_checked``; the mesh decides what follows.
"""

from __future__ import annotations

import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Literal

import structlog
import trio

from chorus_tui.contract.models.task_result import Change, TaskResult
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.execution.collect import artifact_path
from chorus_tui.engine.execution.errors import PatchRefused
from chorus_tui.engine.execution.interface import Job, Phase, RepositoryError
from chorus_tui.engine.execution.patch import applied
from chorus_tui.engine.journal.interface import BlobMissing
from chorus_tui.engine.shhh.cutting import beginning
from chorus_tui.engine.tasks.run import Tools, replicated
from chorus_tui.engine.tasks.task import Key, Reported

log = structlog.get_logger("chorus.tasks.checks")

TAIL = 4_000
"""Bytes of what the checks printed that travel with the word on them."""
DETAIL = 500
DOES_NOT_APPLY = "patch_does_not_apply"


class CheckRun:
    """One run of a task's checks on one result."""

    def __init__(self, tools: Tools, key: Key, spec: TaskSpec, report: Reported) -> None:
        self._tools = tools
        self._key = key
        self._spec = spec
        self._report = report

    async def to_the_end(self) -> None:
        """Run them and say what they showed. Cancelling it kills the sandbox and says nothing."""
        log.info("🔎 Checking", task_id=self._key[1], checks=len(self._spec.checks))
        result = await replicated(self._tools.blobs, await self._execute())
        verdict = {"completed": "passed", "error": "error"}.get(result.outcome, "failed")
        data = {
            "task_id": self._key[1], "mesh_id": self._key[0], "attempt": self._report.attempt,
            "result": self._report.cite["hash"], "verdict": verdict, "detail": beginning(result.detail, DETAIL),
            "checks": [one.model_dump() for one in result.commands],
            "output_tail": result.output_tail.encode()[-TAIL:].decode("utf-8", "ignore"),
            "output_bytes": result.output_bytes, "log": result.log,
        }  # fmt: skip
        await self._tools.journal.say("task_checked", data)
        log.info("🔎 Checked", task_id=self._key[1], verdict=verdict, detail=result.detail)

    async def _execute(self) -> TaskResult:
        # Not let out: what is shown must not hang on what somebody else's machine says at that moment.
        update = {"commands": list(self._spec.checks), "goal": "", "checks": [], "outputs": [".nothing"]}
        spec = self._spec.model_copy(update={**update, "allowed_hosts": []})
        made: Path | None = None
        output: Path | None = None
        try:
            made = await self._checkout()
            if self._report.result.artifacts:
                output = Path(tempfile.mkdtemp(prefix="chorus-check-"))
                await self._bring_files(output)
            job = Job(self._key[1], self._report.attempt, spec, made, output=output, checks=True)
            return await self._tools.executor.run(job, _Quiet(), self._put_blob)
        except (RepositoryError, BlobMissing) as error:
            return TaskResult(outcome="error", reason="result_unusable", detail=beginning(str(error), DETAIL))
        except PatchRefused as error:
            # A patch that does not fit what it says it was made from is the result's fault.
            outcome: Literal["failed", "error"] = "failed" if error.reason == DOES_NOT_APPLY else "error"
            return TaskResult(outcome=outcome, reason=error.reason, detail=beginning(str(error), DETAIL))
        finally:
            if made is not None:
                self._tools.repositories.discard(made)
            if output is not None:
                with trio.CancelScope(shield=True):
                    await trio.to_thread.run_sync(partial(shutil.rmtree, output, ignore_errors=True))

    async def _checkout(self) -> Path | None:
        """The repository as the work began, with what it changed."""
        named, change = self._spec.repository, self._report.result.change
        if not named:
            return None
        tools = self._tools
        if named.startswith("sha256:"):
            made = await tools.repositories.unbundle(await tools.blobs.path(named))
        else:
            made = await tools.repositories.fetch(named, change.base if change else "")
        try:
            await self._apply(made, change)
        except BaseException:
            tools.repositories.discard(made)
            raise
        return made

    async def _apply(self, made: Path, change: Change | None) -> None:
        if change is None:
            return
        await applied(made, await self._tools.blobs.path(change.patch))

    async def _bring_files(self, folder: Path) -> None:
        """The files of the result, each by its hash."""
        for artifact in self._report.result.artifacts:
            source = await self._tools.blobs.path(f"sha256:{artifact.sha256}")
            try:
                target = folder / artifact_path(artifact.path)
            except ValueError as error:
                raise BlobMissing(f"The result names a file {artifact.path!r}: {error}") from error
            try:
                await trio.to_thread.run_sync(_copy, source, target)
            except OSError as error:
                raise BlobMissing(f"{artifact.path!r} of the result cannot be laid out: {error.strerror}") from error

    async def _put_blob(self, path: Path) -> tuple[str, int]:
        info = await self._tools.blobs.put_file(path)
        return info.digest, info.size


class _Quiet:
    """Checks are not watched as they run; what they print is in their word."""

    async def phase(self, phase: Phase, detail: str = "") -> None:
        log.debug("phase of a check", phase=phase, detail=detail)
        await trio.lowlevel.checkpoint()

    async def output(self, data: bytes) -> None:
        log.debug("output of a check", size_bytes=len(data))
        await trio.lowlevel.checkpoint()

    async def figures(self, cpu_percent: float, memory_mb: float, disk_mb: float) -> None:
        log.debug(
            "figures of a check",
            cpu_cores=cpu_percent / 100,
            memory_bytes=memory_mb * 2**20,
            disk_bytes=disk_mb * 2**20,
        )
        await trio.lowlevel.checkpoint()


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target, follow_symlinks=False)
