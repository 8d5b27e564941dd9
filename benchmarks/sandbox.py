"""A no-op in a sandbox, cold and warm, one and four at once, beside the same calls to the engine made bare: what our own part costs.

The bare side makes the same container with the same HTTP client and asks the engine for no less: create, attach, start,
run, archive, remove when cold; run, archive, remove when warm. Both sides take turns in one run.

Four sandboxes of an agent get together no more CPUs than one alone; four bare containers each get as many as one. What that promise
costs is seen beside bare containers of a quarter of the CPUs.
"""

from __future__ import annotations

import itertools
import secrets
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

import trio

from benchmarks.measure import Figure, Row
from chorus_tui.contract.models.task_spec import Limits, TaskSpec
from chorus_tui.engine.execution.docker_api import DockerApi
from chorus_tui.engine.execution.executor import DockerExecutor
from chorus_tui.engine.execution.image_build import build_images
from chorus_tui.engine.execution.interface import Job
from chorus_tui.engine.execution.profile import Origin, bounds, container, task_user
from chorus_tui.engine.execution.settings import ExecutionSettings

ROUNDS = 10
AT_ONCE = {1: "no-op", 4: "four no-ops at once"}
TIMES = 1.15
IMAGE = "chorus-base:latest"
TAR = ["/bin/sh", "-c", "kill -9 -1 2>/dev/null; exec /bin/tar -cf - -C /workspace/output ."]


class Deaf:
    """A report nobody reads."""

    async def phase(self, phase: str, detail: str = "") -> None:
        """Not measured."""

    async def output(self, data: bytes) -> None:
        """Not measured."""

    async def figures(self, cpu_percent: float, memory_mb: float, disk_mb: float) -> None:
        """Not measured."""


async def no_blob(path: Path) -> tuple[str, int]:
    """A no-op brings nothing back."""
    raise AssertionError(path)


class Bare:
    """The engine's calls and nothing else."""

    def __init__(self, api: DockerApi, image: dict[str, object], settings: ExecutionSettings, among: int = 1) -> None:
        """``among``: how many share the CPUs of one."""
        self._api = api
        self._image = image
        self._settings = settings
        self._among = among

    async def made(self, held: AsyncExitStack) -> str:
        """A started container with the very description a task's has."""
        origin = Origin("BENCH", 1, self._settings.owner, "bare", int(time.time()) + 600)
        limits = bounds(Limits(), self._settings)
        limits = replace(limits, cpus=limits.cpus / self._among)
        body = container(str(self._image["Id"]), self._image, limits, origin, pair=0, lifetime_s=600)
        found = await self._api.create(f"chorus-bench-{secrets.token_hex(6)}", body)
        held.push_async_callback(self._api.remove, found)
        await held.enter_async_context(self._api.attached_stdin(found))
        await self._api.start(found)
        return found

    async def run(self, found: str, command: list[str]) -> None:
        """A command to its end, and its exit code."""
        await self._api.exec_end(await self.read(found, command))

    async def read(self, found: str, command: list[str]) -> str:
        """All that a command writes; its exec."""
        exec_id = await self._api.exec_create(found, command, user=task_user(0), env={})
        async with self._api.exec_start(exec_id) as frames:
            async for _ in frames:
                continue
        return exec_id

    async def cold(self, count: int) -> float:
        """Seconds from nothing to nothing, so many at once."""
        return await together(self._cold, count)

    async def _cold(self) -> None:
        async with AsyncExitStack() as held:
            await self._used(await self.made(held))

    async def warm(self, count: int) -> float:
        """Seconds with containers that are started already."""
        async with AsyncExitStack() as all_held:
            waiting = []
            for _ in range(count):
                held = await all_held.enter_async_context(AsyncExitStack())
                waiting.append((held, await self.made(held)))
            await trio.sleep(0.2)  # as long as ours waits

            async def one() -> None:
                held, found = waiting.pop()
                await self._used(found)
                await held.aclose()

            return await together(one, count)

    async def _used(self, found: str) -> None:
        await self.run(found, ["/bin/sh", "-c", "true"])
        await self.read(found, TAR)


class Ours:
    """The executor as the engine uses it."""

    def __init__(self, executor: DockerExecutor) -> None:
        self._executor = executor
        self._attempts = itertools.count(1)

    async def cold(self, count: int) -> float:
        """Seconds of whole jobs, so many at once."""
        return await together(self._job, count)

    async def _job(self) -> None:
        job = Job("01JBENCH000000000000000000", next(self._attempts), TaskSpec(title="no-op", commands=["true"]), None)
        result = await self._executor.run(job, Deaf(), no_blob)
        assert result.outcome == "completed", result.detail

    async def warm(self, count: int) -> float:
        """The same, once as many sandboxes wait, and with none being made meanwhile."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._executor.keep_warm)
            await self._job()
            while self._executor.warm < count:  # noqa: ASYNC110 - a benchmark waits for its start line
                await trio.sleep(0.02)
            seconds = await self.cold(count)
            nursery.cancel_scope.cancel()
        return seconds


async def together(work: Callable[[], Awaitable[None]], count: int) -> float:
    """Seconds until the last of so many that begin at once has ended."""
    began = time.perf_counter()
    async with trio.open_nursery() as nursery:
        for _ in range(count):
            nursery.start_soon(work)
    return time.perf_counter() - began


Timed = Callable[[], Awaitable[float]]


async def compared(what: str, ours: Timed, theirs: Timed, sharing: Timed | None, rounds: int) -> Row:
    """All in turn; medians."""
    found: dict[Timed, list[float]] = {one: [] for one in (ours, theirs, sharing) if one is not None}
    for one in found:
        await one()
    for _ in range(rounds):
        for one, times in found.items():
            times.append(await one())
    a, b = median(found[ours]), median(found[theirs])
    figures = [Figure("ours : bare", a / b, "×", at_most=TIMES)]
    if sharing is not None:
        figures.append(Figure("ours : bare containers that share the CPUs", a / median(found[sharing]), "×"))
    return Row("sandbox", what, a, "the same engine calls, bare", b, f"≤ {TIMES:g} ×", rounds, tuple(figures))


async def measured(rounds: int) -> list[Row]:
    """Cold and warm, one and four at once."""
    await build_images([], lambda _: None)
    with tempfile.TemporaryDirectory() as folder:
        settings = ExecutionSettings(owner=f"bench-{secrets.token_hex(6)}", scratch=Path(folder))
        api = DockerApi(settings.docker_host)
        image, cold = await api.image(IMAGE), Ours(DockerExecutor(settings))
        found = []
        for count, words in AT_ONCE.items():
            keeping = ExecutionSettings(owner=settings.owner, scratch=Path(folder), warm=count)
            warm, bare, sharing = (
                Ours(DockerExecutor(keeping)),
                Bare(api, image, settings),
                Bare(api, image, settings, count),
            )
            for what, ours, *others in (
                ("cold", cold.cold, bare.cold, sharing.cold),
                ("warm", warm.warm, bare.warm, sharing.warm),
            ):
                theirs, share = (partial(one, count) for one in others)
                found.append(
                    await compared(
                        f"{words}, {what}", partial(ours, count), theirs, share if count > 1 else None, rounds
                    )
                )
        return found


def rows() -> Iterator[Row]:
    """Cold and warm cycles, one and four at once."""
    yield from trio.run(measured, ROUNDS)


if __name__ == "__main__":
    for row in rows():
        print(
            f"{row.what}: ours {row.ours * 1000:.0f} ms, bare {row.theirs * 1000:.0f} ms, {row.ratio:.3f} ×, n={row.rounds}"
        )
