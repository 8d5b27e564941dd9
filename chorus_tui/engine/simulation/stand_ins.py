"""What a simulated peer has instead of Docker, files and secrets.

Of an engine only these are not the real code: the sandbox, blobs (results here have no files) and the redactor. Clock,
network and disks are simulated below the interfaces the engine has for them anyway.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import trio

from chorus_tui.contract.models.task_result import TaskResult
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.execution.interface import DockerState, Job, PutBlob, Report
from chorus_tui.engine.journal.interface import BlobInfo, BlobMissing, Copies
from chorus_tui.engine.vault.sealing import CannotSeal


class SimulatedExecutor:
    """Understands ``sleep N`` (in simulated time), ``false`` (fails) and ``broken`` (the worker's own fault)."""

    def __init__(self) -> None:
        self.started = 0
        self.active = 0

    async def probe(self) -> DockerState:
        return DockerState(available=True, version="simulated", languages=("python",))

    async def run(self, job: Job, report: Report, put_blob: PutBlob) -> TaskResult:  # noqa: ARG002 - the interface has it
        self.started += 1
        self.active += 1
        try:
            await report.phase("running")
            await report.output(b"hello\n")
            for command in job.spec.commands:
                if command.startswith("sleep "):
                    await trio.sleep(float(command.split()[1]))
                if command == "broken":
                    return TaskResult(outcome="error", reason="image_absent", detail="no such image")
                if command == "false":
                    return TaskResult(outcome="failed", reason="exit_code", exit_code=1)
            return TaskResult(outcome="completed", exit_code=0, output_tail="hello\n")
        finally:
            self.active -= 1

    async def reap(self) -> int:
        return 0

    async def close(self) -> None:
        await trio.lowlevel.checkpoint()


class NoBlobs:
    """No file is made in a simulation, so none can be missing; what is put in is named and forgotten."""

    async def put_bytes(self, data: bytes) -> BlobInfo:
        return BlobInfo(f"sha256:{hashlib.sha256(data).hexdigest()}", len(data))

    async def put_file(self, path: Path) -> BlobInfo:
        raise BlobMissing(f"Simulated peers keep no blobs ({path} was offered)")

    async def path(self, digest: str) -> Path:
        raise BlobMissing(f"Simulated peers keep no blobs ({digest} was asked for)")

    def has(self, digest: str) -> bool:  # noqa: ARG002 - the interface has it
        return False

    async def replicate(self, digests: list[str], copies: int = 2, wait_s: float = 5.0) -> Copies:  # noqa: ARG002 - as above
        return Copies(0, 0)


class NoSealing:
    """Simulated peers have no keys to seal with: what is meant for some roles is not said, and nothing sealed opens."""

    def seal(self, value: dict[str, Any], roles: Sequence[str], also: Sequence[str] = ()) -> str:  # noqa: ARG002 - the interface has it
        raise CannotSeal("simulated peers have no keys")

    def open(self, sealed: str, author: str) -> dict[str, Any] | None:  # noqa: ARG002 - as above
        return None


class Plain:
    """Redacts nothing: simulated tasks have no secrets."""

    def feed(self, data: bytes) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


async def nothing_known(_spec: TaskSpec, _task_id: str) -> str:
    """No simulated agent has a model that could be told anything."""
    await trio.lowlevel.checkpoint()
    return ""
