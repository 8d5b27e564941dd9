"""One attempt at a task, through its five phases: pulling, creating, starting, running, collecting. Each is timed."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import trio

from chorus_tui.contract.models.task_result import Change, CommandResult, Figures, Spent, TaskResult
from chorus_tui.engine.execution.collect import Collector, collect
from chorus_tui.engine.execution.commands import run_commands
from chorus_tui.engine.execution.cpus import CpuBudget
from chorus_tui.engine.execution.docker_api import DockerApi
from chorus_tui.engine.execution.egress import Gate, gate
from chorus_tui.engine.execution.errors import ExecutionError, InputUnusable, PatchRefused
from chorus_tui.engine.execution.fitting import fitted
from chorus_tui.engine.execution.forwarder import ENVIRONMENT
from chorus_tui.engine.execution.images import obtain
from chorus_tui.engine.execution.interface import Job, Phase, PutBlob, Report, RepositoryError, WorkDone
from chorus_tui.engine.execution.letting_out import let_out
from chorus_tui.engine.execution.metering import Meter
from chorus_tui.engine.execution.output import Clean, OutputLog, readable
from chorus_tui.engine.execution.patch import changes
from chorus_tui.engine.execution.profile import (
    DATA,
    INPUT,
    LIFELINE_MARGIN_S,
    OUTPUT,
    Bounds,
    Origin,
    bounds,
    container,
    task_user,
)
from chorus_tui.engine.execution.repositories import GitRepositories, is_bundle
from chorus_tui.engine.execution.sandbox import GIVEN_OUTPUT, Sandbox, created, started
from chorus_tui.engine.execution.settings import ExecutionSettings
from chorus_tui.engine.execution.verdict import Ending
from chorus_tui.engine.execution.warm import WarmPool
from chorus_tui.engine.execution.warm_rules import Kind
from chorus_tui.engine.execution.workspace import SandboxWorkspace
from chorus_tui.engine.execution.workspace_input import file_names, measure, tar_stream
from chorus_tui.engine.shhh.cutting import beginning

COLLECT_BOUND_S = 60.0
PATCH_MB = 32
"""Of a patch at most: it is kept by many."""
DETAIL_SHOWN = 600


@dataclass(slots=True)
class Record:
    """What is known so far; becomes the result."""

    ending: Ending | None = None
    notes: list[str] = field(default_factory=list)
    commands: list[CommandResult] = field(default_factory=list)
    phases: dict[str, float] = field(default_factory=dict)
    image: str = ""
    image_id: str = ""
    running_in: str = ""
    log: str = ""
    peak_memory_mb: float | None = None
    peak: Figures | None = None
    done: WorkDone | None = None
    change: Change | None = None


class Attempt:
    """Runs a job once. ``run`` goes on the sandbox's labels; ``folder`` is private and removed by the caller."""

    def __init__(
        self, api: DockerApi, settings: ExecutionSettings, cpus: CpuBudget, warm: WarmPool, *,
        job: Job, report: Report, put_blob: PutBlob, folder: Path, run: str, wall: Callable[[], float],
        clean: Callable[[], Clean] | None = None,
    ) -> None:  # fmt: skip
        self._api = api
        self._settings = settings
        self._cpus = cpus
        self._warm = warm
        self._job = job
        self._report = report
        self._put_blob = put_blob
        self._folder = folder
        self._run = run
        self._wall = wall
        self._bounds: Bounds = bounds(job.spec.limits, settings)
        self._record = Record()
        self._phase: Phase | None = None
        self._phase_began = 0.0
        self._output = OutputLog(folder / "output", self._bounds.log_mb, clean() if clean else None)
        self._clean = clean
        artifacts = folder / "artifacts"
        artifacts.mkdir()
        self._checkout: Path | None = None
        self._gate: Gate | None = None
        self._collector = Collector(artifacts, job.spec.outputs, self._bounds.output_mb, put_blob)

    async def run(self) -> TaskResult:
        """To the end; every failure of Docker or the task is part of the result."""
        try:
            with self._troubles():
                await self._run_phases()
            if last := self._output.finish():
                await self._report.output(last)
            if self._output.total:
                self._output.close()
                self._record.log, _ = await self._put_blob(self._output.path)
        finally:
            self._output.close()
        self._end_phase()
        return self._result()

    async def _run_phases(self) -> None:
        await self._enter("pulling")
        self._gate = gate(self._job.spec.allowed_hosts, self._settings.sandbox_hosts)
        repositories = GitRepositories(self._settings)
        root, made = await self._input_folder(repositories)
        if root is not None and (root / ".git").is_dir():
            self._checkout = root
        try:
            image = await self._image(root)
            await self._enter("creating")
            await self._with_container(image, root)
        finally:
            if made is not None:
                await trio.to_thread.run_sync(repositories.discard, made)

    async def _image(self, root: Path | None) -> dict[str, Any]:
        files = [] if root is None else await trio.to_thread.run_sync(file_names, root)
        got = await obtain(
            self._api, self._job.spec, self._settings, lambda text: self._report.phase("pulling", text), files
        )
        self._record.image, self._record.image_id = got.name, str(got.image["Id"])
        self._record.running_in = f"in {got.name}: {got.why}" if got.why else f"in {got.name}"
        if got.missed:
            self._record.notes.append(got.missed)
        return got.image

    async def _input_folder(self, repositories: GitRepositories) -> tuple[Path | None, Path | None]:
        """(the folder to put in, what was made for it and is to be discarded)."""
        given = self._job.repository
        if given is None:
            return None, None
        if given.is_dir():
            return given, None
        if not given.is_file() or not is_bundle(given):
            raise InputUnusable("the repository is neither a folder nor a git bundle: announce the task again")
        try:
            made = await repositories.unbundle(given)
        except RepositoryError as error:
            raise InputUnusable(str(error)) from error
        return made, made

    async def _with_container(self, image: dict[str, Any], root: Path | None) -> None:
        given = [(root, "")] if root is not None else []
        given += [(self._job.output, GIVEN_OUTPUT)] if self._job.output is not None else []
        await self._check_room([folder for folder, _ in given])
        kind = Kind(self._record.image_id, self._bounds)
        lifetime = self._job.spec.timeout_s + self._job.pause_s + LIFELINE_MARGIN_S
        async with AsyncExitStack() as held:
            held.enter_context(self._warm.at_work())
            sandbox = await self._warm.take(kind, lifetime, held)
            is_warm = sandbox is not None
            if sandbox is None:
                sandbox = await held.enter_async_context(self._created(image, lifetime))
            for folder, below in given:
                async with aclosing(tar_stream(folder, below)) as tar:
                    await self._api.put_archive(sandbox.container, INPUT, tar)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(sandbox.watch)
                await sandbox.happenings.watched.wait()
                with self._troubles():
                    await self._enter("starting")
                    async with nullcontext() if is_warm else started(self._api, sandbox):
                        # Made only when this task is over or has run for a moment, so that it costs it nothing.
                        self._warm.wish(kind, self._record.image, image)
                        await self._in_sandbox(nursery, sandbox, bool(given))
                nursery.cancel_scope.cancel()

    def _created(self, image: dict[str, Any], lifetime_s: int) -> AbstractAsyncContextManager[Sandbox]:
        """A sandbox of this task's own."""
        pair = secrets.randbelow(1 << 16)
        # The reaper's date is later than the lifeline's: it is for sandboxes whose lifeline failed or never started.
        deadline = int(self._wall()) + lifetime_s + LIFELINE_MARGIN_S
        origin = Origin(self._job.task_id, self._job.attempt, self._settings.owner, self._run, deadline)
        body = container(self._record.image_id, image, self._bounds, origin, pair=pair, lifetime_s=lifetime_s)
        name = f"chorus-{self._job.task_id.lower()}-{self._job.attempt}-{secrets.token_hex(4)}"
        return created(self._api, name, body, task_user(pair), self._record.image)

    async def _check_room(self, folders: list[Path]) -> None:
        room = self._bounds.folder_mb
        size = 0
        for folder in folders:
            size += (await trio.to_thread.run_sync(measure, folder)).size_mb
        if size > room:
            raise InputUnusable(
                f"the repository takes {size} MiB, /workspace/data has {room} MiB: raise limits.disk_mb and memory_mb",
                reason="repository_too_large",
            )

    async def _in_sandbox(self, nursery: trio.Nursery, sandbox: Sandbox, with_input: bool) -> None:
        meter = Meter(self._api, sandbox, self._report.figures)
        with self._cpus.share(nursery, sandbox.container, self._bounds.cpus):
            if with_input:
                await sandbox.copy_input()
            await self._enter("running", self._record.running_in)
            nursery.start_soon(meter.follow)
            workspace = self._workspace(sandbox)
            try:
                ending = await self._work_let_out(nursery, sandbox, workspace)
            finally:
                self._record.commands = workspace.commands
                self._record.peak = meter.stop()
        self._record.ending = ending
        if ending.outcome == "completed" and sandbox.happenings.oom_kills:
            self._record.notes.append("a process was killed since memory ran out, though the work ended well")
        await self._enter("collecting")
        if ending.sandbox_there:
            await self._collect(sandbox)

    async def _work_let_out(self, nursery: trio.Nursery, sandbox: Sandbox, workspace: SandboxWorkspace) -> Ending:
        """The work, with a way out of the sandbox where the task has allowed hosts."""
        if not self._job.spec.allowed_hosts:
            return await self._work(workspace)
        assert self._gate is not None, "made before the sandbox was"
        async with let_out(nursery, sandbox, self._gate, workspace.note) as out:
            try:
                return await self._work(workspace)
            finally:
                self._record.notes += [out.summary] if out.summary else []

    async def _work(self, workspace: SandboxWorkspace) -> Ending:
        if self._job.work is None:
            return await run_commands(workspace, self._job.spec, self._bounds)
        done = self._record.done = await self._job.work(workspace)
        return Ending(done.outcome, done.reason, done.detail, done.exit_code)

    def _workspace(self, sandbox: Sandbox) -> SandboxWorkspace:
        spec = self._job.spec
        out = ENVIRONMENT if spec.allowed_hosts else {}
        env = {"CHORUS_TASK_ID": self._job.task_id, "CHORUS_ATTEMPT": str(self._job.attempt), **out, **spec.env}
        return SandboxWorkspace(sandbox, self._record.image, self._output, self._report.output, env, self._clean)

    async def _collect(self, sandbox: Sandbox) -> None:
        """What the work left behind; work whose sandbox goes before that is here is not done."""
        # All of the folder as it may stand there, and as much again for headers and rounding.
        most = 2 * self._bounds.folder_mb * (1 << 20) + (1 << 20)
        try:
            # The change first: files may take all the time there is, and it is what the work was for.
            if self._checkout is not None and not self._job.checks:
                await self._collect_change(sandbox, self._checkout, most)
            await self._collect_files(sandbox, most)
        except ExecutionError as error:
            self._not_brought(Ending("error", error.reason, str(error), sandbox_there=False))
        self._record.peak_memory_mb = sandbox.peak_memory_mb

    async def _collect_files(self, sandbox: Sandbox, most: int) -> None:
        said, whole = bytearray(), False
        with trio.move_on_after(COLLECT_BOUND_S) as limit:
            async with aclosing(sandbox.archive(OUTPUT, said)) as tar:
                whole = await collect(tar, self._collector, most)
        if said.strip():
            self._record.notes.append(f"collecting: {readable(bytes(said)).strip()}")
        if limit.cancelled_caught:
            self._collector.refuse(f"the rest, since bringing it took {COLLECT_BOUND_S:.0f} s")
        elif not whole:
            await sandbox.check_it_is_there()
            if not said.strip():
                self._collector.refuse("the rest, since the archive came incomplete")

    def _not_brought(self, ending: Ending) -> None:
        """``ending`` in the place of a good one; beside a bad one it is a note."""
        had = self._record.ending
        if had is not None and had.outcome == "completed":
            self._record.ending = replace(ending, exit_code=had.exit_code)
        else:
            self._record.notes.append(ending.detail)

    async def _collect_change(self, sandbox: Sandbox, checkout: Path, most: int) -> None:
        """What differs from the repository's commit; work whose change cannot be brought back is not done."""
        try:
            async with aclosing(sandbox.archive(DATA, bytearray())) as tar:
                found = await changes(
                    checkout, tar, home=self._folder, most_bytes=PATCH_MB << 20, archive_bytes=most,
                    timeout_s=COLLECT_BOUND_S,
                )  # fmt: skip
        except PatchRefused as error:
            await sandbox.check_it_is_there()
            self._not_brought(Ending("failed", error.reason, str(error)))
            return
        if found is not None:
            digest, size = await self._put_blob(found.patch)
            self._record.change = Change(
                base=found.base, patch=digest, size=size, files=found.files, insertions=found.insertions,
                deletions=found.deletions, names=list(found.names), left_out=found.left_out,
            )  # fmt: skip

    @contextmanager
    def _troubles(self) -> Iterator[None]:
        """Turn Docker's and the input's failures into the ending, unless the commands have had theirs."""
        try:
            yield
        except ExecutionError as error:
            if self._record.ending is None:
                self._record.ending = Ending("error", error.reason, str(error), sandbox_there=False)
            else:
                self._record.notes.append(str(error))

    async def _enter(self, phase: Phase, detail: str = "") -> None:
        self._end_phase()
        self._phase, self._phase_began = phase, trio.current_time()
        await self._report.phase(phase, detail)

    def _end_phase(self) -> None:
        if self._phase is not None:
            self._record.phases[self._phase] = round(trio.current_time() - self._phase_began, 3)
            self._phase = None

    def _result(self) -> TaskResult:
        record, ending = self._record, self._record.ending
        assert ending is not None, "every way through the phases sets an ending"
        done = record.done or WorkDone(ending.outcome)
        parts = [ending.detail, self._collector.left_out, *record.notes]
        result = TaskResult(
            outcome=ending.outcome,
            reason=ending.reason,
            detail=beginning(". ".join(part for part in parts if part), DETAIL_SHOWN),
            exit_code=ending.exit_code,
            output_tail=self._output.tail(),
            output_bytes=self._output.total,
            output_cut=self._output.cut > 0,
            log=record.log,
            artifacts=self._collector.artifacts,
            commands=record.commands,
            image=record.image,
            image_id=record.image_id,
            phases=record.phases,
            max_memory_mb=record.peak_memory_mb,
            max_cpu_percent=record.peak.cpu_percent if record.peak else None,
            max_disk_mb=record.peak.disk_mb if record.peak else None,
            summary=done.summary,
            model=done.model,
            transcript=done.transcript,
            spent=self._spent(done),
            change=record.change,
        )
        return fitted(result)

    def _spent(self, done: WorkDone) -> Spent:
        return Spent(
            seconds=self._record.phases.get("running", 0.0),
            steps=done.steps,
            prompt_tokens=done.prompt_tokens,
            answer_tokens=done.answer_tokens,
            containers=int("creating" in self._record.phases),
        )
