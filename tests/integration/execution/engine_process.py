"""A process that runs one long task, to be killed by a test: ``python -m … SOCKET OWNER FOLDER [warm]``."""

from __future__ import annotations

import sys
from pathlib import Path

import trio

from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.execution.executor import DockerExecutor
from chorus_tui.engine.execution.interface import Job
from chorus_tui.engine.execution.settings import ExecutionSettings


class Loud:
    """Passes the task's output on."""

    async def phase(self, phase: str, detail: str = "") -> None:
        """Not needed here."""

    async def figures(self, cpu_percent: float, memory_mb: float, disk_mb: float) -> None:
        """Not needed here."""

    async def output(self, data: bytes) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()


async def no_blob(path: Path) -> tuple[str, int]:
    """There is nothing to keep."""
    raise AssertionError(path)


async def main(host: str, owner: str, folder: str, warm: str = "") -> None:
    """Run it; it does not end by itself. ``warm``: wait with a started sandbox instead, after a short task."""
    settings = ExecutionSettings(docker_host=host, owner=owner, scratch=Path(folder), warm=int(bool(warm)))
    executor = DockerExecutor(settings)
    if warm:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(executor.keep_warm)
            await executor.run(
                Job("01JKILLED00000000000000000", 1, TaskSpec(title="t", commands=["true"]), None), Loud(), no_blob
            )
            while not executor.warm:
                await trio.sleep(0.02)
            sys.stdout.write("waiting")
            sys.stdout.flush()
    repository = Path(folder) / "input"
    repository.mkdir()
    (repository / "f").write_text("x")
    spec = TaskSpec(title="long", commands=["trap '' TERM HUP INT; (setsid sleep 600 &); echo running; sleep 600"])

    await executor.run(Job("01JKILLED00000000000000000", 1, spec, repository), Loud(), no_blob)


if __name__ == "__main__":
    trio.run(main, *sys.argv[1:])
