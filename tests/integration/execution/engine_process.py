"""A process that runs one long task, to be killed by a test: ``python -m … SOCKET OWNER FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

import trio

from chorus_tui.contract.models.tasks import TaskSpec
from chorus_tui.engine.execution.executor import DockerExecutor
from chorus_tui.engine.execution.interface import Job
from chorus_tui.engine.execution.settings import ExecutionSettings


class Loud:
    """Passes the task's output on."""

    async def phase(self, phase: str, detail: str = "") -> None:
        """Not needed here."""

    async def output(self, data: bytes) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()


async def main(host: str, owner: str, folder: str) -> None:
    """Run it; it does not end by itself."""
    executor = DockerExecutor(ExecutionSettings(docker_host=host, owner=owner, scratch=Path(folder)))
    repository = Path(folder) / "input"
    repository.mkdir()
    (repository / "f").write_text("x")
    spec = TaskSpec(title="long", commands=["trap '' TERM HUP INT; (setsid sleep 600 &); echo running; sleep 600"])

    async def no_blob(path: Path) -> tuple[str, int]:
        raise AssertionError(path)

    await executor.run(Job("01JKILLED00000000000000000", 1, spec, repository), Loud(), no_blob)


if __name__ == "__main__":
    trio.run(main, *sys.argv[1:])
