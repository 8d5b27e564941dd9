"""Sandboxes that wait started: quicker, as safe, and gone whenever their agent is."""

from __future__ import annotations

import dataclasses
import json
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from chorus_tui.engine.execution import warm
from chorus_tui.engine.execution.executor import DockerExecutor
from tests.integration.execution.conftest import Bench, Heard, containers, docker
from tests.integration.execution.test_ending import gone_within
from tests.support.docker_engine import DOCKER_HOST
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.docker


def waiting(owner: str, *more: str) -> list[str]:
    """Containers of the owner that wait, as the docker command sees them; with ``-a`` also those that are still being made."""
    return docker(
        "ps", "-q", *more, "--no-trunc", "--filter", f"label=chorus.owner={owner}", "--filter", "label=chorus.task=warm"
    ).split()


@asynccontextmanager
async def tended(bench: Bench, most: int = 1) -> AsyncIterator[Bench]:
    """The bench with a pool that is kept filled."""
    bench.executor = DockerExecutor(dataclasses.replace(bench.settings, warm=most))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.executor.keep_warm)
        yield bench
        nursery.cancel_scope.cancel()


async def filled(bench: Bench, count: int = 1) -> list[str]:
    """Wait until so many wait; their ids."""
    with trio.fail_after(60):
        while bench.executor.warm < count:
            await trio.sleep(0.02)
    return waiting(bench.settings.owner)


async def test_a_waiting_sandbox_is_used_once_and_another_takes_its_place(bench):
    """The second task runs in the container that waited, the third in a new one; what one leaves none finds."""
    async with tended(bench) as made:
        await made.run("echo one > /tmp/left")
        (first,) = await filled(made)
        assert (await made.run("ls /tmp; cat /tmp/left; true")).output_tail.count("one") == 0
        (second,) = await filled(made)
        result = await made.run("id -u; ls -A /workspace/data /workspace/output /tmp")
        (third,) = await filled(made)

        assert len({first, second, third}) == 3
        assert result.outcome == "completed"
        assert int(result.output_tail.split()[0]) >= 20_000
    assert containers(bench.settings.owner) == []


async def test_nothing_is_made_while_a_task_that_just_began_is_at_work(bench, monkeypatch):
    """Docker works for that task alone, until it has ended; then one comes to wait."""
    monkeypatch.setattr(warm, "SETTLE_S", 60 * PATIENCE)
    async with tended(bench) as made, trio.open_nursery() as nursery:
        made.heard = Heard()
        job = made.job("echo up; until [ -e /tmp/go ]; do sleep 0.05; done")
        nursery.start_soon(made.executor.run, job, made.heard, made.put_blob)
        await made.heard.said(b"up")
        (used,) = containers(made.settings.owner)
        await trio.sleep(0.5)  # as long as making one takes
        assert (made.executor.warm, waiting(made.settings.owner, "-a")) == (0, [])
        docker("exec", "--user", "root", used, "touch", "/tmp/go")
        await filled(made)


async def test_it_has_every_rule_that_a_cold_one_has(bench):
    """The engine describes both alike, but for what names them: user, labels, lifetime."""
    descriptions = []
    async with tended(bench) as made:
        used = ""
        for _ in range(2):
            made.heard = Heard()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(made.executor.run, made.job("echo up; sleep 300"), made.heard, made.put_blob)
                await made.heard.said(b"up")
                (used,) = {used} - {""} or set(containers(made.settings.owner)) - set(
                    waiting(made.settings.owner, "-a")
                )
                descriptions.append(json.loads(docker("inspect", used))[0])
                assert descriptions[-1]["State"]["Running"]
                await filled(made)
                (used,) = set(waiting(made.settings.owner)) - {used}
                nursery.cancel_scope.cancel()

    cold, warm = descriptions
    for said in descriptions:
        for name in ("User", "Labels", "Entrypoint"):
            said["Config"].pop(name)
        for mount in said["HostConfig"]["Mounts"]:
            mount["VolumeOptions"].pop("Labels")
        for path, options in said["HostConfig"]["Tmpfs"].items():
            said["HostConfig"]["Tmpfs"][path] = options.partition(",uid=")[0]
    assert warm["Name"].startswith("/chorus-warm-")
    assert not cold["Name"].startswith("/chorus-warm-")
    assert cold["HostConfig"] == warm["HostConfig"]
    assert cold["Config"] == warm["Config"]


async def test_a_task_of_another_kind_runs_cold(bench):
    """Other limits, another image: nothing is shared, and the one that waited gives way to the new kind."""
    async with tended(bench) as made:
        await made.run("true")
        (first,) = await filled(made)
        result = await made.run("cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null; true",
                                limits={"memory_mb": 100})  # fmt: skip
        assert result.output_tail.split() == [str(100 << 20)]
        with trio.fail_after(60):
            while first in waiting(bench.settings.owner):
                await trio.sleep(0.05)


async def test_a_repository_reaches_a_sandbox_that_waited(bench, tmp_path):
    """Its read-only input and its writable copy are as in a cold one."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "a.txt").write_text("content\n")
    async with tended(bench) as made:
        await made.run("true")
        await filled(made)
        result = await made.run("cat a.txt; echo x > a.txt", "! echo x > /workspace/input/a.txt", repository=folder)

        assert result.outcome == "completed", (result.detail, result.output_tail)
        assert "content" in result.output_tail


async def test_the_lifeline_is_set_to_the_task_that_takes_it(bench):
    """It waits with a timer of its own and gets the task's; set to a second it ends in about a second."""
    async with tended(bench) as made:
        await made.run("true")
        await filled(made)
        timers = await made.run("ps -o args | grep '[s]leep'", timeout_s=77)
        assert "sleep 197" in timers.output_tail
        (found,) = await filled(made)
        pool = made.executor._warm
        await pool._waiting[0].sandbox.set_lifetime(1)
        with trio.fail_after(20 * PATIENCE):  # far less than its own timer has
            while found in await trio.to_thread.run_sync(containers, bench.settings.owner):
                await trio.sleep(0.05)
        result = await made.run("echo ran")

        assert (result.outcome, result.output_tail) == ("completed", "ran\n")


async def test_cancelling_a_task_in_a_sandbox_that_waited_removes_it_at_once(bench):
    """As with a cold one: gone before the call returns, within 5 s; only a fresh one may wait."""
    async with tended(bench) as made:
        await made.run("true")
        (used,) = await filled(made)
        async with trio.open_nursery() as nursery:
            made.heard = Heard()
            nursery.start_soon(
                made.executor.run, made.job("echo up; trap '' TERM; sleep 300"), made.heard, made.put_blob
            )
            await made.heard.said(b"up")
            began = trio.current_time()
            nursery.cancel_scope.cancel()

        assert trio.current_time() - began < 5
        assert used not in containers(bench.settings.owner)


async def test_nothing_waits_after_a_drain_or_where_memory_is_short(bench):
    """A drain removes what waits and lets none come; without free memory none is made."""
    async with tended(bench) as made:
        await made.run("true")
        await filled(made)
        await made.executor.take_nothing_new()
        assert containers(bench.settings.owner) == []
        await made.run("true")
        await trio.sleep(0.5)
        assert containers(bench.settings.owner) == []
    async with tended(bench) as made:
        made.executor._warm._free_mb = lambda: 100.0
        await made.run("true")
        await trio.sleep(0.5)
        assert containers(bench.settings.owner) == []


async def test_what_waits_ends_with_a_killed_agent(images, tmp_path):
    """``kill -9`` of the process: the lifeline ends what waited within 5 s, and its volume goes in that time too."""
    owner = f"test-{secrets.token_hex(6)}"
    program = [
        sys.executable,
        "-m",
        "tests.integration.execution.engine_process",
        DOCKER_HOST,
        owner,
        str(tmp_path),
        "warm",
    ]
    process = await trio.lowlevel.open_process(program, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        with trio.fail_after(120):
            assert (await process.stdout.receive_some()).startswith(b"waiting")
        assert len(waiting(owner)) == 1
    finally:
        process.kill()
        await process.wait()

    assert await trio.to_thread.run_sync(gone_within, owner, 5)


async def test_a_waiting_sandbox_that_was_removed_from_outside_costs_a_task_nothing(bench):
    """The task runs cold."""
    async with tended(bench) as made:
        await made.run("true")
        docker("rm", "-fv", *await filled(made))
        result = await made.run("echo ran")

        assert (result.outcome, result.output_tail) == ("completed", "ran\n")
