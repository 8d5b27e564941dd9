"""Running a task in a throw-away sandbox, as the tasks feature sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from chorus_tui.contract.models.tasks import TaskResult, TaskSpec

Phase = Literal["pulling", "creating", "starting", "running", "collecting"]


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt. ``repository`` is a local folder or git bundle already fetched, or None; it stays the caller's."""

    task_id: str
    attempt: int
    spec: TaskSpec
    repository: Path | None


@dataclass(frozen=True, slots=True)
class DockerState:
    """Whether tasks can run here; ``problem`` says in words what is missing and how to get it."""

    available: bool
    version: str = ""
    problem: str = ""
    languages: tuple[str, ...] = ()
    """Languages whose image is present."""


class Report(Protocol):
    """Where a running job says how far it is."""

    async def phase(self, phase: Phase, detail: str = "") -> None:
        """A phase begins, or goes on with a new ``detail``."""
        ...

    async def output(self, data: bytes) -> None:
        """A piece of combined output as it comes, already bounded; raw bytes, not yet decoded."""
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
