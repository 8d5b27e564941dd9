"""An agent that is a container itself: it has the engine's socket and nothing else of the machine, and runs tasks."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess

import pytest

from chorus_tui.engine.execution.docker_api import socket_of
from tests.integration.execution import agent_image
from tests.integration.execution.conftest import docker
from tests.integration.system.peers import eventually
from tests.support.docker_engine import DOCKER_HOST

pytestmark = [pytest.mark.docker, pytest.mark.slow]

SECRET = "of-the-agent-alone"
ENVIRONMENT = {
    "CHORUS_LICENSE_ID": "dev-test", "CHORUS_AGENT_ID": "boxed", "CHORUS_DATA_DIR": "/data/chorus", "HOME": "/data",
    "CHORUS_NETWORK_KEY": secrets.token_hex(32), "CHORUS_MDNS_ENABLED": "false", "CHORUS_P2P_HOST": "127.0.0.1",
    "CHORUS_P2P_PORT": "0", "CHORUS_API_PORT": "0", "CHORUS_HEALTH_PORT": "0", "CHORUS_DISCOVERY_GRACE": "1",
    "DOCKER_HOST": "unix:///run/engine.sock", "XDG_RUNTIME_DIR": "/data", "SECRET_OF_THE_AGENT": SECRET,
}  # fmt: skip
REPOSITORY = (
    "mkdir -p /data/work && cd /data/work && git init -q -b main && echo 'print(6 * 7)' > answer.py && git add . && "
    "git -c user.name=t -c user.email=t@localhost commit -q -m first"
)


@pytest.fixture(scope="module")
def agent(images, tmp_path_factory):
    """A running agent: its container's name."""
    image = agent_image.build(tmp_path_factory.mktemp("agent"))
    name = f"chorus-test-agent-{secrets.token_hex(4)}"
    # The socket is the one thing of the machine it gets.
    flags = [part for key, value in ENVIRONMENT.items() for part in ("-e", f"{key}={value}")]
    try:
        docker(
            "run", "-d", "--name", name, "--network=none", "--init", "--tmpfs", "/data:exec,mode=0700",
            "-v", f"{os.path.realpath(socket_of(DOCKER_HOST))}:/run/engine.sock", *flags,
            image, "python3", "-m", "chorus_tui", "--headless",
        )  # fmt: skip
        yield name
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            docker("stop", "-t", "20", name)
        with contextlib.suppress(subprocess.CalledProcessError):
            docker("rm", "-fv", name)
        docker("rmi", "-f", image)


def inside(name: str, *command: str) -> str:
    """A command in the agent's container: what it printed."""
    done = subprocess.run(["docker", "exec", name, *command], capture_output=True, text=True, check=False, timeout=240)
    return done.stdout if done.returncode == 0 else ""


def cli(name: str, *arguments: str) -> dict:
    """The command line in the agent's container: its JSON answer; empty when it failed."""
    said = inside(name, "python3", "-m", "chorus_tui", *arguments, "--json")
    return json.loads(said) if said else {}


def test_a_task_with_a_repository_runs_and_sees_nothing_of_its_agent(agent):
    """The agent's own repository goes in through a volume, though no path of the agent is one of the machine's; inside and
    in the engine's description there is neither its environment nor its socket, keys or disk."""
    eventually("it answers", lambda: cli(agent, "status").get("mesh_id"), 60)
    assert docker("inspect", "--format", "{{range .Mounts}}{{.Destination}} {{end}}", agent).split() == [
        "/run/engine.sock"
    ]
    inside(agent, "/bin/sh", "-c", REPOSITORY)
    look = (
        "env; cat /proc/self/environ /proc/1/environ 2>/dev/null | tr '\\0' '\\n'; cat /proc/mounts; "
        "ls -A / /run /data /tmp /workspace/data 2>/dev/null; echo looked; sleep 15"
    )
    task = cli(agent, "task", "announce", "--title", "boxed", "--repository", "/data/work", "--command", "python3 answer.py",
               "--command", look, "--output", "*")["task_id"]  # fmt: skip
    sandbox = eventually("its sandbox", lambda: docker("ps", "-q", "--filter", f"label=chorus.task={task}").split(), 60)
    described = docker("inspect", *sandbox)
    shown = eventually("its end", lambda: _ended(cli(agent, "task", "show", task)), 60)

    assert shown["state"] == "completed", shown
    output = shown["result"]["output_tail"]
    assert "42" in output
    assert "looked" in output
    assert "chorus-python-dev" in shown["result"]["image"]
    for text in (output, described):
        for hidden in (SECRET, ENVIRONMENT["CHORUS_NETWORK_KEY"], "engine.sock", "identity.key", "CHORUS_LICENSE_ID"):
            assert hidden not in text
    assert "answer.py" in output
    assert json.loads(described)[0]["HostConfig"]["Binds"] is None
    assert _left(task) == []


LETTING_OUT = """
import hashlib, sys, tempfile, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
import trio
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.execution.executor import DockerExecutor
from chorus_tui.engine.execution.interface import Job
from chorus_tui.engine.execution.settings import ExecutionSettings

class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "12")
        self.end_headers()
        self.wfile.write(b"from outside")

class Silent:
    async def phase(self, *said): await trio.lowlevel.checkpoint()
    output = figures = phase

async def put(path):
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size

server = HTTPServer(("127.0.0.1", 0), Page)
threading.Thread(target=server.serve_forever, daemon=True).start()
at = f"127.0.0.1:{server.server_port}"
ask = f"printf 'CONNECT {at} HTTP/1.1\\r\\n\\r\\nGET / HTTP/1.0\\r\\n\\r\\n' | nc 127.0.0.1 3128"
spec = TaskSpec(title="out", commands=[ask], allowed_hosts=[at])
settings = ExecutionSettings(owner="boxed-out", docker_host="unix:///run/engine.sock", sandbox_hosts=(at,))
executor = DockerExecutor(settings)
result = trio.run(executor.run, Job(sys.argv[1], 1, spec, None), Silent(), put)
print(result.outcome, result.detail, result.output_tail)
"""


def test_a_task_is_let_out_through_its_agent(agent):
    """Nothing but the engine's socket is needed: the connection is made by the agent, from within its own container."""
    task = "01J" + "0" * 23
    said = inside(agent, "python3", "-c", LETTING_OUT, task)

    assert "completed out: 1 let through" in said
    assert "from outside" in said
    assert _left(task) == []


def _ended(task: dict) -> dict:
    return task if task.get("state") in {"completed", "failed", "cancelled", "budget_exhausted"} else {}


def _left(task: str) -> list[str]:
    return docker("ps", "-aq", "--filter", f"label=chorus.task={task}").split()
