"""Many tasks one after the other and a few at once, ending in every way there is; then a look at what is left."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from pathlib import Path

import trio

from chorus_tui.engine.execution.executor import DockerExecutor
from tests.integration.execution.conftest import Bench, Heard, containers, docker, volumes

AT_ONCE = 3
WAYS = ("plain", "input", "fails", "artifact", "cancelled", "plain", "too long", "input", "artifact", "plain")


@dataclass
class Cycled:
    """``seconds`` of each cycle that ran to its end; ``faults`` in words."""

    seconds: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def open_files() -> int:
    """Of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def cycles(bench: Bench, count: int) -> Cycled:
    """Run so many, with a sandbox that waits; what the engine or this process keeps of them is a fault."""
    (bench.folder / "in").mkdir(exist_ok=True)
    (bench.folder / "in" / "f").write_text("x")
    bench.executor = DockerExecutor(dataclasses.replace(bench.settings, warm=1))
    done = Cycled()
    await bench.run("true")  # what is opened once for good, such as threads, is not counted
    networks, files = docker("network", "ls", "-q"), open_files()
    numbers = iter(range(count))

    async def some() -> None:
        for number in numbers:
            await _cycle(bench, WAYS[number % len(WAYS)], done)

    async with trio.open_nursery() as tending:
        tending.start_soon(bench.executor.keep_warm)
        async with trio.open_nursery() as nursery:
            for _ in range(AT_ONCE):
                nursery.start_soon(some)
        tending.cancel_scope.cancel()
    owner = bench.settings.owner
    left = {"containers": containers(owner), "volumes": volumes(owner), "folders": list(bench.folder.glob("chorus-*"))}
    done.faults += [f"{name} left: {found}" for name, found in left.items() if found]
    if docker("network", "ls", "-q") != networks:
        done.faults.append("networks differ")
    if open_files() > files + 1:
        done.faults.append(f"{open_files() - files} files stayed open")
    return done


async def _cycle(bench: Bench, way: str, done: Cycled) -> None:
    folder = bench.folder / "in" if way == "input" else None
    commands = {
        "input": "cat f", "fails": "exit 3", "artifact": "head -c 100000 /dev/zero > /workspace/output/x",
        "cancelled": "echo up; sleep 60", "too long": "trap '' TERM; sleep 60",
    }  # fmt: skip
    wanted = {"fails": {"failed"}, "too long": {"failed", "budget_exhausted"}}.get(way, {"completed"})
    job = bench.job(commands.get(way, "true"), repository=folder, timeout_s=1 if way == "too long" else 60)
    heard, began = Heard(), time.monotonic()
    async with trio.open_nursery() as nursery:
        if way == "cancelled":
            nursery.start_soon(bench.executor.run, job, heard, bench.put_blob)
            await heard.said(b"up")
            nursery.cancel_scope.cancel()
            return
        result = await bench.executor.run(job, heard, bench.put_blob)
    if result.outcome not in wanted:
        done.faults.append(f"{way}: {result.outcome} {result.reason} {result.detail}")
    if way == "plain":
        done.seconds.append(round(time.monotonic() - began, 3))
