"""The Docker Engine stops and starts again under a task, and under an agent that waits."""

from __future__ import annotations

import secrets

import pytest
import trio
import trio.testing

from chorus_tui.engine.execution.settings import ExecutionSettings
from tests.integration.execution.conftest import Bench
from tests.integration.execution.private_docker import PrivateDocker, private_docker
from tests.integration.system.peers import eventually, mesh

pytestmark = [pytest.mark.docker, pytest.mark.slow]


@pytest.fixture(scope="module")
def engine(images):
    """An engine of these tests' own."""
    with private_docker() as made:
        yield made


async def test_an_engine_that_goes_away_mid_task_is_a_lost_sandbox(engine, tmp_path):
    """A typed error, not the task's failure; the next task runs when the engine is back."""
    bench = Bench(
        ExecutionSettings(docker_host=engine.host, owner=f"test-{secrets.token_hex(6)}", scratch=tmp_path), tmp_path
    )
    results = []
    async with trio.open_nursery() as nursery:

        async def run() -> None:
            results.append(await bench.run("echo up; sleep 300"))

        nursery.start_soon(run)
        await trio.testing.wait_all_tasks_blocked()
        await bench.heard.said(b"up")
        await trio.to_thread.run_sync(engine.stop)
    down = await bench.executor.probe()
    await trio.to_thread.run_sync(engine.start)

    assert (results[0].outcome, results[0].reason) == ("error", "sandbox_lost"), results[0].detail
    assert not down.available
    again = await bench.run("echo again")
    assert again.outcome == "completed", again.detail
    await bench.executor.close()  # an engine that stops leaves the volumes; their labels tell whose they are
    assert engine.says("ps", "-aq") == ""
    assert engine.says("volume", "ls", "-q") == ""


def test_a_task_is_granted_anew_after_the_engine_was_restarted_and_idle_agents_tell(engine: PrivateDocker, tmp_path):
    """One agent alone: its engine restarts mid-task; the task waits for it and completes. Idle, it is not ready meanwhile."""
    with mesh(tmp_path) as made:
        (peer,) = made.grow("lonely", DOCKER_HOST=engine.host)
        eventually("it is ready", lambda: peer.get("/ready"))
        task_id = peer.announce("--title", "long", "--command", "[ $CHORUS_ATTEMPT -gt 1 ] || sleep 300")
        eventually("it runs", lambda: peer.task(task_id)["state"] == "running")
        engine.stop()
        eventually("it is not ready", lambda: peer.get("/ready") is None)
        engine.start()
        task = eventually("done", lambda: peer.task(task_id)["state"] == "completed" and peer.task(task_id), 40)

        assert [one["ended"] for one in task["attempts"]] == ["released", "accepted"]
        assert "sandbox_lost" in task["attempts"][0]["reason"]
        eventually("it is ready", lambda: peer.get("/ready"))
        engine.stop()
        eventually("idle, it is not ready either", lambda: peer.get("/ready") is None)
        assert any("Docker" in check["name"] and check["level"] == "degraded" for check in peer.status()["checks"])
        engine.start()
        eventually("it is ready again", lambda: peer.get("/ready"))
