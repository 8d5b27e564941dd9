"""The image and the compose file, for real: a mesh that forms, works, loses its admin, is restarted piece by piece, and stops clean."""

from __future__ import annotations

import time

import pytest

from tests.deploy.containers import AGENTS, LABEL, Containers, docker
from tests.integration.system.peers import eventually

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(600)]

GRACE_S = 60
REPOSITORY = (
    "mkdir -p /data/work && cd /data/work && git init -q -b main && echo 'print(6 * 7)' > answer.py && git add . && "
    "git -c user.name=t -c user.email=t@localhost commit -q -m first"
)


def test_an_agent_has_nothing_it_does_not_need(mesh: Containers):
    """Another user than root, a root that cannot be written, no capability, no way to more rights; and its health is watched."""
    described = mesh.inspect("agent-1")
    kernel = dict(line.split(":\t") for line in mesh.inside("agent-1", "cat", "/proc/self/status").splitlines())

    assert mesh.inside("agent-1", "id", "-u") == "10001"
    assert int(kernel["CapBnd"], 16) == int(kernel["CapEff"], 16) == 0
    assert kernel["NoNewPrivs"] == "1"
    assert "Read-only" in mesh.inside("agent-1", "sh", "-c", "touch /opt/chorus/x 2>&1 || true")
    assert described["Config"]["StopSignal"] == "SIGTERM"
    assert described["Config"]["StopTimeout"] == GRACE_S > 30 + 2 * 5
    assert mesh.inside("agent-1", *described["Config"]["Healthcheck"]["Test"][1:]) == ""
    assert described["Config"]["Labels"]["org.opencontainers.image.title"] == "chorus-tui"
    assert "unknown" not in mesh.inside("agent-1", "chorus-tui", "--version")


def test_a_task_with_a_repository_runs_through_the_mounted_docker(mesh: Containers):
    """The agent reads its own repository, the machine's engine runs the sandbox beside it, and the true output comes back."""
    mesh.agreed(*AGENTS)
    mesh.inside("agent-1", "sh", "-c", f"[ -d /data/work ] || {{ {REPOSITORY}; }}")
    ended = mesh.cli("agent-1", "task", "announce", "--title", "boxed", "--repository", "/data/work", "--language", "python",
                     "--command", "python3 answer.py", "--wait")  # fmt: skip
    shown = mesh.cli("agent-1", "task", "show", ended["task_id"])

    assert shown["state"] == "completed", shown
    assert "42" in shown["result"]["output_tail"]
    assert docker("ps", "-aq", "--filter", f"label=chorus.task={ended['task_id']}") == ""


def test_the_mesh_survives_the_sudden_death_of_its_admin(mesh: Containers):
    """``docker kill`` of the admin's container: the other two agree on another, and it comes back as the peer it was."""
    first = mesh.agreed(*AGENTS)["admin"]
    killed = next(agent for agent in AGENTS if mesh.status(agent)["peer_id"] == first["peer_id"])
    others = [agent for agent in AGENTS if agent != killed]

    docker("kill", mesh.container(killed))
    second = mesh.agreed(*others)["admin"]
    assert second["peer_id"] != first["peer_id"]
    docker("start", mesh.container(killed))
    mesh.agreed(*AGENTS)
    assert mesh.status(killed)["peer_id"] == first["peer_id"]


def test_a_rolling_restart_keeps_every_identity_and_an_admin(mesh: Containers):
    """One container after the other is replaced by a new one on the same volume: each stops with 0 within its grace, comes back as
    the peer it was, and the mesh is the same."""
    before = {agent: (mesh.status(agent)["peer_id"], mesh.inspect(agent)["Id"]) for agent in AGENTS}
    mesh_id = mesh.agreed(*AGENTS)["mesh_id"]
    for agent in AGENTS:
        assert stopped(mesh, agent) == 0
        mesh.compose("up", "-d", "--force-recreate", "--no-deps", agent)
        mesh.agreed(*AGENTS)
        assert mesh.status(agent)["peer_id"] == before[agent][0]
        assert mesh.inspect(agent)["Id"] != before[agent][1]
    assert mesh.agreed(*AGENTS)["mesh_id"] == mesh_id


def test_an_agent_without_a_volume_is_another_peer_after_each_restart(mesh: Containers):
    """Its identity goes with its container. It knows that it is ephemeral, joins each time, never votes, and the mesh does not mind."""
    mesh.agreed(*AGENTS)
    described = mesh.inspect("agent-1")
    settings = [f"--env={line}" for line in described["Config"]["Env"] if line.startswith("CHORUS_")]
    key = next(mount["Source"] for mount in described["Mounts"] if mount["Destination"] == "/run/secrets/network_key")
    name, seen = f"{mesh.project}-passing", set()
    for _ in range(2):
        docker("run", "-d", "--name", name, "--label", LABEL, "--init", "--network", f"{mesh.project}_mesh",
               "--volume", f"{key}:/run/secrets/network_key:ro", *settings, "--env=CHORUS_AGENT_ID=passing",
               described["Config"]["Image"])  # fmt: skip
        try:
            seen.add(eventually("it is a member", lambda: member(mesh), 60))
            docker("stop", "-t", str(GRACE_S), name)
            assert docker("inspect", "--format", "{{.State.ExitCode}}", name) == "0"
        finally:
            docker("rm", "-fv", name)
        mesh.agreed(*AGENTS)
    assert len(seen) == 2


def member(mesh: Containers) -> str:
    """The peer id of the agent without a volume, once agent-1 has it among the members; empty before."""
    known = mesh.peers("agent-1")
    return next(
        (
            peer["peer_id"]
            for peer in known
            if peer["agent_id"] == "passing" and peer["state"] == "connected" and peer["member"]
        ),
        "",
    )


def stopped(mesh: Containers, agent: str) -> int:
    """The exit code of a container that is told to stop, within its grace."""
    began = time.monotonic()
    mesh.compose("stop", agent)
    assert time.monotonic() - began < GRACE_S
    return mesh.inspect(agent)["State"]["ExitCode"]
