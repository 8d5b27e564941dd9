"""Running a task in a throw-away sandbox, as the tasks feature sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from chorus_tui.contract.models.task_result import TaskResult
from chorus_tui.contract.models.task_spec import TaskSpec

Phase = Literal["pulling", "creating", "starting", "running", "collecting"]


@dataclass(frozen=True, slots=True)
class ShellResult:
    """How a command in a sandbox ended. ``output`` is safe text, at most a few KiB of it; the whole is in the log."""

    exit_code: int
    output: str
    output_bytes: int
    cut: bool
    seconds: float
    ended_by: Literal["", "timeout", "memory", "flood"] = ""
    """What ended it, when it did not end by itself."""


class Workspace(Protocol):
    """A running sandbox. Each command starts anew in /workspace/data; files stay, processes and variables do not count on."""

    @property
    def image(self) -> str:
        """Name of its image."""
        ...

    async def shell(self, command: str, timeout_s: float) -> ShellResult:
        """Run a command with ``/bin/sh``. At its time-out all processes of the sandbox end.

        Raises :class:`~.errors.ExecutionError` when the sandbox is lost.
        """
        ...

    async def note(self, text: str) -> None:
        """A line of our own between the output of commands, in the live stream and in the kept log."""
        ...


@dataclass(frozen=True, slots=True)
class WorkDone:
    """What came of the work in a workspace; fields as in the result."""

    outcome: Literal["completed", "failed", "error", "budget_exhausted"]
    reason: str = ""
    detail: str = ""
    summary: str = ""
    exit_code: int | None = None
    model: str = ""
    transcript: str = ""
    steps: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0


Work = Callable[[Workspace], Awaitable[WorkDone]]
"""Work that decides as it goes, keeping its time itself: used where a task has a goal instead of commands."""


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt. ``repository`` is a local folder or git bundle already fetched, or None; it stays the caller's."""

    task_id: str
    attempt: int
    spec: TaskSpec
    repository: Path | None
    work: Work | None = None
    """None: the commands of ``spec`` are run."""
    pause_s: int = 0
    """How long the work may pause in sum beyond its wall time."""
    output: Path | None = None
    """Files that are in /workspace/output from the beginning: what is to be checked."""
    checks: bool = False
    """It only looks at what others did: what it changes is not brought back."""


@dataclass(frozen=True, slots=True)
class DockerState:
    """Whether tasks can run here; ``problem`` says in words what is missing and how to get it."""

    available: bool
    version: str = ""
    problem: str = ""
    languages: tuple[str, ...] = ()
    """Languages whose image is present."""
    weaknesses: tuple[str, ...] = ()
    """In sentences: known weaknesses of its container runtime."""


class Report(Protocol):
    """Where a running job says how far it is."""

    async def phase(self, phase: Phase, detail: str = "") -> None:
        """A phase begins, or goes on with a new ``detail``."""
        ...

    async def output(self, data: bytes) -> None:
        """A piece of combined output as it comes, already bounded; raw bytes, not yet decoded."""
        ...

    async def figures(self, cpu_percent: float, memory_mb: float, disk_mb: float) -> None:
        """What the sandbox uses now, about once a second: percent of one core, MiB, MiB in its writable folders."""
        ...


PutBlob = Callable[[Path], Awaitable[tuple[str, int]]]
"""Keep a file as a blob: (digest ``sha256:…``, size)."""


class Executor(Protocol):
    """Runs jobs; owns every container, volume and file it makes, and takes them away."""

    async def probe(self) -> DockerState:
        """Ask Docker; never raises."""
        ...

    async def run(self, job: Job, report: Report, put_blob: PutBlob) -> TaskResult:
        """Run one job to its end. Cancelling this call kills the container before it returns (within 5 s).

        Never raises for what a task or Docker does: that is a result with outcome ``failed`` or ``error``.
        """
        ...

    async def reap(self) -> int:
        """Remove sandboxes past the deadline on their label, whoever made them; how many went."""
        ...

    async def close(self) -> None:
        """Remove every sandbox of this process."""
        ...


class RepositoryError(Exception):
    """A repository that cannot be had. ``str()`` names the repository and the way out."""


class Repositories(Protocol):
    """Fetches repositories outside of the sandbox, under the rules of the trust model."""

    async def bundle(self, path: str) -> Path:
        """Bundle a local git work tree of the announcer: what is committed at HEAD, and nothing else.

        Raises :class:`RepositoryError`.
        """
        ...

    async def fetch(self, url: str, commit: str = "") -> Path:
        """Clone an allowed https URL, at its tip or at ``commit``; the folder. Raises :class:`RepositoryError`."""
        ...

    async def unbundle(self, bundle: Path) -> Path:
        """Check a bundle out into a new folder. Raises :class:`RepositoryError`."""
        ...

    def discard(self, made: Path) -> None:
        """Remove what one of the others returned. Idempotent; never raises."""
        ...
