"""Every way a job can be cut short leaves no container behind, and soon."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import trio
import trio.testing

from chorus_tui.engine.execution.executor import DockerExecutor
from chorus_tui.engine.execution.profile import (
    LABEL_ATTEMPT,
    LABEL_DEADLINE,
    LABEL_OWNER,
    LABEL_RUN,
    LABEL_TASK,
    LIFELINE,
)
from chorus_tui.engine.execution.settings import ExecutionSettings
from tests.integration.execution.conftest import Heard, containers, docker, volumes
from tests.integration.execution.trees import git, write
from tests.support.docker_engine import DOCKER_HOST
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.docker


def gone_within(owner: str, seconds: float) -> bool:
    """Whether the owner's containers go within the time (a bound, not a pause), and their volumes, which Docker removes after them."""
    until = time.monotonic() + seconds
    while containers(owner) or volumes(owner):
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.parametrize("phase", ["pulling", "creating", "starting", "running", "collecting"])
async def test_cancel_in_any_phase_removes_the_container_before_it_returns(bench, phase, tmp_path):
    """Cancelled in each phase, the call comes back within 5 s and no container is left."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "f").write_text("x")
    command = (
        "head -c 60000000 /dev/zero > /workspace/output/big" if phase == "collecting" else "trap '' TERM; sleep 300"
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: bench.run(command, repository=folder))
        await trio.testing.wait_all_tasks_blocked()
        await bench.heard.reached(phase)
        began = trio.current_time()
        nursery.cancel_scope.cancel()

    assert trio.current_time() - began < 5
    assert containers(bench.settings.owner) == []


async def test_a_killed_agent_takes_its_container_along(images, tmp_path):
    """``kill -9`` of the engine's process mid-task: the container, its daemons and its volume are gone within 5 s."""
    owner = f"test-{secrets.token_hex(6)}"
    program = [sys.executable, "-m", "tests.integration.execution.engine_process", DOCKER_HOST, owner, str(tmp_path)]
    process = await trio.lowlevel.open_process(program, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        with trio.fail_after(120):
            assert (await process.stdout.receive_some()).startswith(b"running")
        (container,) = containers(owner)
        volume = docker("inspect", "--format", "{{(index .Mounts 0).Name}}", container).strip()
    finally:
        process.kill()
        await process.wait()

    assert await trio.to_thread.run_sync(gone_within, owner, 5)
    assert volume not in docker("volume", "ls", "-q")


async def test_the_lifeline_ends_a_sandbox_by_its_own_timer(bench):
    """The deadline inside holds without any agent: shown with a timer of a second."""
    assert await _held_open(bench, LIFELINE) < 10 * PATIENCE


async def _held_open(bench, script: str) -> float:
    """Seconds until a container with an open standard input ends."""
    process = await trio.lowlevel.open_process(
        ["docker", "run", "--rm", "-i", "--init", "--network=none", "--log-driver=none",
         "--label", f"chorus.owner={bench.settings.owner}",
         "--entrypoint=/bin/sh", "chorus-base", "-c", script, "lifeline", "1"],
        stdin=subprocess.PIPE,
    )  # fmt: skip
    began = trio.current_time()
    with trio.fail_after(80):
        await process.wait()
    return trio.current_time() - began


async def test_the_task_cannot_stop_its_lifeline(bench):
    """The lifeline runs under another user: signals from the task do not reach it."""
    result = await bench.run(
        "kill -9 1; for p in $(ls /proc | grep '^[0-9]*$'); do [ $p = $$ ] || kill -9 $p; done; echo here"
    )

    assert result.outcome == "completed", result.detail
    assert "here" in result.output_tail


async def test_daemons_that_escape_their_parent_die_with_the_task(bench):
    """A double fork outlives its command, not its task; what it writes after the commands is not collected."""
    result = await bench.run("(setsid sh -c 'sleep 1000' >/dev/null 2>&1 &)", "ps | grep -c '[s]leep 1000'")

    assert result.outcome == "completed"
    assert result.output_tail.strip() == "1"
    assert containers(bench.settings.owner) == []


async def test_a_sandbox_removed_from_outside_is_an_error_not_a_failure(bench):
    """The task itself did nothing wrong; the worker could not run it. Its volume, left behind, goes by its label."""
    results = []
    async with trio.open_nursery() as nursery:

        async def run() -> None:
            results.append(await bench.run("echo up; sleep 300"))

        nursery.start_soon(run)
        await trio.testing.wait_all_tasks_blocked()
        await bench.heard.said(b"up")
        await trio.to_thread.run_sync(docker, "rm", "-f", *containers(bench.settings.owner))

    assert (results[0].outcome, results[0].reason) == ("error", "sandbox_lost")
    assert len(volumes(bench.settings.owner)) == 1
    await bench.executor.close()


class Removing(Heard):
    """Its owner's sandbox goes between the last command and the bringing of what it made."""

    def __init__(self, owner: str, *how: str) -> None:
        super().__init__()
        self._owner, self._how = owner, how

    async def phase(self, phase: str, detail: str = "") -> None:
        if phase == "collecting":
            await trio.to_thread.run_sync(docker, *self._how, *containers(self._owner))
        await super().phase(phase, detail)


@pytest.mark.parametrize("how", [("rm", "-f"), ("kill",)], ids=["removed", "ended"])
@pytest.mark.parametrize("with_repository", [False, True], ids=["files", "change"])
async def test_work_whose_sandbox_goes_before_it_is_brought_is_not_done(bench, tmp_path, how, with_repository):
    """Its commands ended well, and there is nothing to show for it: nobody is to blame, and it is not called completed."""
    folder = tmp_path / "repository"
    if with_repository:
        repository(folder)
    job = bench.job("echo it > f; echo it > /workspace/output/f", repository=folder if with_repository else None)
    result = await bench.executor.run(job, Removing(bench.settings.owner, *how), bench.put_blob)
    await bench.executor.close()

    assert (result.outcome, result.reason, result.exit_code) == ("error", "sandbox_lost", 0)
    assert (result.artifacts, result.change, bench.blobs) == ([], None, {})


async def test_the_change_is_brought_though_files_take_all_the_time_there_is(bench, tmp_path, monkeypatch):
    """What is not brought is said."""
    monkeypatch.setattr("chorus_tui.engine.execution.attempt.COLLECT_BOUND_S", 3.0 * PATIENCE)
    folder = repository(tmp_path / "repository")

    async def put_blob(path):
        if path.read_bytes() == b"slow\n":
            await trio.sleep_forever()
        return await bench.put_blob(path)

    job = bench.job("echo it > f; echo slow > /workspace/output/f", repository=folder)
    result = await bench.executor.run(job, Heard(), put_blob)

    assert (result.outcome, result.artifacts, result.change.names) == ("completed", [], ["f"])
    assert "1 left out: the rest, since bringing it took" in result.detail


def repository(folder: Path) -> Path:
    """One commit."""
    write(folder, {b"README": ("file", b"x\n")})
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        git(folder, *words)
    return folder


def labelled(owner: str, **changes: str) -> str:
    """A container that looks like a sandbox nobody started."""
    labels = {
        LABEL_TASK: "T",
        LABEL_ATTEMPT: "1",
        LABEL_OWNER: owner,
        LABEL_RUN: "elsewhere",
        LABEL_DEADLINE: "1",
    } | changes
    flags = [part for name, value in labels.items() if value for part in ("--label", f"{name}={value}")]
    return docker("create", *flags, "chorus-base").strip()


async def test_reaping_takes_what_is_past_its_deadline_and_nothing_else(bench):
    """Past the deadline: gone, whoever made it. Fresh, or without the full set of labels: untouched."""
    owner = bench.settings.owner
    later = str(int(time.time()) + 1000)
    # "stranger" is another peer on the same engine.
    old = labelled(owner, **{LABEL_OWNER: f"{owner}-stranger"})
    fresh = labelled(owner, **{LABEL_OWNER: f"{owner}-stranger", LABEL_DEADLINE: later})
    partial = labelled(owner, **{LABEL_TASK: ""})
    mine = labelled(owner, **{LABEL_DEADLINE: later})

    try:
        reaped = await bench.executor.reap()
        there = docker("ps", "-aq", "--no-trunc").split()

        assert reaped >= 1  # of the two one is this peer's own; the other any engine here may have taken first
        assert (old in there, fresh in there, partial in there, mine in there) == (False, True, True, False)
    finally:
        docker("rm", "-fv", *[c for c in (fresh, partial) if c in docker("ps", "-aq", "--no-trunc").split()])


async def test_close_removes_what_still_runs(bench):
    """After ``close`` no sandbox of this process is left."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: bench.run("echo up; sleep 300"))
        await trio.testing.wait_all_tasks_blocked()
        await bench.heard.said(b"up")
        await bench.executor.close()

        assert containers(bench.settings.owner) == []
        nursery.cancel_scope.cancel()


async def test_no_engine_is_said_with_the_way_out(tmp_path):
    """A socket that is not there, one that nobody serves, an address of another kind: each in words."""
    stale = tmp_path / "stale.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(stale))
    for host, words in (
        (f"unix://{tmp_path}/none.sock", "no Docker Engine at"),
        (f"unix://{stale}", "does not answer"),
        ("tcp://127.0.0.1:2375", "only a Unix socket"),
    ):
        settings = ExecutionSettings(owner="nobody", docker_host=host, scratch=tmp_path)
        state = await DockerExecutor(settings).probe()

        assert not state.available
        assert words in state.problem
