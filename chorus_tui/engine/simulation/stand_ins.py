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

from chorus_tui.contract.models.blobs import BlobHolders
from chorus_tui.contract.models.task_result import TaskResult
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.execution.interface import DockerState, Job, PutBlob, Report
from chorus_tui.engine.journal.interface import BlobInfo, BlobMissing, Copies, Journal
from chorus_tui.engine.vault.interface import CannotSeal, NotForUs


class SimulatedExecutor:
    """Understands ``sleep N`` (in simulated time), ``false`` (fails) and ``broken`` (the worker's own fault)."""

    def __init__(self) -> None:
        self.started = 0
        self.active = 0
        self.ran: list[str] = []
        """Titles of what was started, in order."""

    async def probe(self) -> DockerState:
        return DockerState(available=True, version="simulated", languages=("python",))

    async def run(self, job: Job, report: Report, put_blob: PutBlob) -> TaskResult:  # noqa: ARG002 - the interface has it
        self.started += 1
        self.active += 1
        self.ran.append(job.spec.title)
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

    async def path(self, digest: str, size: int | None = None) -> Path:  # noqa: ARG002 - the interface has it
        raise BlobMissing(f"Simulated peers keep no blobs ({digest} was asked for)")

    async def shown(self, digest: str) -> Path:
        return await self.path(digest)

    async def sound(self, digest: str) -> bool:  # noqa: ARG002 - as above
        return False

    def has(self, digest: str) -> bool:  # noqa: ARG002 - the interface has it
        return False

    async def replicate(self, digests: list[str], copies: int = 2, wait_s: float = 5.0) -> Copies:  # noqa: ARG002 - as above
        return Copies(0, 0)


class AnnouncedOnly:
    """Simulated peers keep no files: of a record they say that it is there, and the votes it is made of are checked."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def keep(self, address: str, content: bytes, creator: str) -> None:  # noqa: ARG002 - the interface has it
        data = {"address": address, "content_hash": f"sha256:{hashlib.sha256(content).hexdigest()}"}
        await self._journal.say("decision_announcement", data)

    def held(self, address: str) -> bool:  # noqa: ARG002 - as above
        return False


class NoSeals:
    """Simulated peers have no age keys, so nothing can be sealed for them."""

    def seal(self, value: dict[str, Any], roles: Sequence[str], peers: Sequence[str] = ()) -> str:  # noqa: ARG002 - the interface has it
        raise CannotSeal("simulated peers have no age keys")

    def open(self, sealed: str, author: str) -> dict[str, Any] | None:  # noqa: ARG002 - the interface has it
        return None


class NoVault:
    """As above, of whole files."""

    def readers_of(self, author: str) -> tuple[str, ...]:  # noqa: ARG002 - the interface has it
        return ()

    def seal_file(self, clear: bytes, readers: Sequence[str]) -> bytes:  # noqa: ARG002 - as above
        raise CannotSeal("simulated peers have no age keys")

    def open_file(self, sealed: bytes) -> bytes:  # noqa: ARG002 - as above
        raise NotForUs("simulated peers have no age keys")


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


async def nobody_holds(digest: str) -> BlobHolders:
    """Simulated peers keep no blobs, so nobody vouches for one."""
    await trio.lowlevel.checkpoint()
    return BlobHolders(digest=digest, held_here=False, holders=[], asked=0)


async def nothing_kept(digest: str) -> None:
    """Nor can one be pinned."""
    await trio.lowlevel.checkpoint()
    raise BlobMissing(f"Simulated peers keep no blobs ({digest} was to be kept)")
