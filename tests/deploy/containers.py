"""A mesh of real containers, made by the compose file as it stands, on a network that leads nowhere."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.integration.system.peers import eventually
from tests.support.docker_engine import DOCKER_HOST, SOCKET

ROOT = Path(__file__).resolve().parents[2]
LABEL = "chorus.test=deploy"
AGENTS = ("agent-1", "agent-2", "agent-3")
LED = '"reachable":true'
ASK = """
for turn in 1 2 3 4 5 6 7 8 9 10; do
    token=$(sed -n 's/^read //p' /data/agent/api.tokens 2>/dev/null)
    said=$(busybox wget -q -O- --header "Authorization: Bearer $token" "$0" 2>/dev/null)
    case "$said" in *"$1"*) [ -z "$said" ] || break ;; esac
    sleep 0.3
done
echo "$said"
"""
OF_DEBIAN = ("chorus-runtime-base", "chorus-build-base")


def tool(name: str) -> str:
    """A program of this environment's packages, or of the machine."""
    own = Path(sys.executable).parent / name
    return str(own) if own.exists() else name


def docker(*arguments: str, check: bool = True, seconds: float = 120) -> str:
    """The docker command's output."""
    done = subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=False, timeout=seconds, env=environment()
    )
    assert done.returncode == 0 or not check, f"docker {' '.join(arguments)}: {done.stderr[-2000:]}"
    return done.stdout.strip()


def environment(**more: str) -> dict[str, str]:
    """Ours, with the engine of this run, without settings that compose would take into its file."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("CHORUS_")}
    return {**own, "DOCKER_HOST": DOCKER_HOST, **more}


def build_image(tag: str) -> None:
    """The image ``chorus-tui:tag`` from Debian packages, as on a machine without a registry."""
    done = subprocess.run(
        [ROOT / "deploy/image/build.sh", "--debian", tag],
        env=environment(PYTHON=sys.executable), capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def remove_image(tag: str, there_before: set[str]) -> None:
    """The image, the stage it was built in, and the bases if there were none before."""
    made = [f"chorus-tui:{tag}", *(name for name in OF_DEBIAN if f"{name}:latest" not in there_before)]
    docker("rmi", "-f", *made, check=False)
    docker("image", "prune", "-f", "--filter", "label=chorus.stage=build", check=False)


def images_there() -> set[str]:
    return set(docker("images", "--format", "{{.Repository}}:{{.Tag}}").split())


class Containers:
    """The agents of ``deploy/compose.yml`` as a project of its own name. What it starts carries the label."""

    def __init__(self, folder: Path, tag: str) -> None:
        self.project = f"chorus-test-{secrets.token_hex(4)}"
        self._folder, self._tag = folder, tag
        name, _, value = LABEL.partition("=")
        quick = {"CHORUS_DISCOVERY_GRACE": "2", "CHORUS_ELECTION_PROFILE": "fast", "CHORUS_SANDBOX_WARM": "0"}
        labels = {name: value}
        (folder / "test.json").write_text(
            json.dumps(
                {
                    "services": {agent: {"labels": labels, "environment": quick} for agent in AGENTS},
                    "networks": {"mesh": {"internal": True, "labels": labels}},
                    "volumes": {agent: {"labels": labels} for agent in AGENTS},
                    "secrets": {"network_key": {"file": str(folder / "secrets/network.key")}},
                }
            )
        )

    def compose(self, *arguments: str) -> str:
        """``docker compose`` with the product's file and what makes the test quick."""
        done = subprocess.run(
            [tool("docker-compose"), "-p", self.project, "--env-file", self._folder / ".env",
             "-f", ROOT / "deploy/compose.yml", "-f", self._folder / "test.json", *arguments],
            capture_output=True, text=True, check=False, timeout=180, env=environment(CHORUS_TAG=self._tag, CHORUS_API_PORT="0"),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def up(self) -> None:
        """Prepare as an operator does, and start the agents."""
        subprocess.run(
            [ROOT / "deploy/prepare.sh", self._folder], check=True, capture_output=True,
            env=environment(DOCKER_SOCKET=os.path.realpath(SOCKET)),
        )  # fmt: skip
        self.compose("up", "-d", *AGENTS)

    def gone(self) -> None:
        """All of it, by the label."""
        with contextlib.suppress(AssertionError):
            self.compose("down", "-v", "-t", "20")
        for kind in ("container", "volume", "network"):
            listing = ["ps", "-aq"] if kind == "container" else [kind, "ls", "-q"]
            left = docker(*listing, "--filter", f"label={LABEL}").split()
            if left:
                docker(kind, "rm", "-f", *left, check=False)

    def container(self, agent: str) -> str:
        """Its name."""
        return f"{self.project}-{agent}-1"

    def inspect(self, agent: str) -> Any:
        """What Docker says of it."""
        return json.loads(docker("inspect", self.container(agent)))[0]

    def inside(self, agent: str, *command: str, check: bool = True) -> str:
        """What a command in its container prints."""
        return docker("exec", self.container(agent), *command, check=check)

    def cli(self, agent: str, *arguments: str) -> Any:
        """The command line in its container: the JSON answer."""
        return json.loads(self.inside(agent, "chorus-tui", *arguments, "--json"))

    def status(self, agent: str) -> Any:
        """Its status; empty while it does not answer."""
        return self._ask(agent, "/api/v1/status")

    def peers(self, agent: str) -> Any:
        """The peers it knows; none while it does not answer."""
        return self._ask(agent, "/api/v1/peers").get("peers", [])

    def _ask(self, agent: str, path: str, shows: str = "") -> Any:
        """Over HTTP, much cheaper than the command line. Waits inside, a few seconds at most, until the answer ``shows`` that."""
        said = self.inside(agent, "sh", "-c", ASK, f"http://127.0.0.1:8080{path}", shows, check=False)
        # What Docker itself says of a container that does not run comes here too, and is no answer.
        return json.loads(said) if said.startswith("{") else {}

    def _changing(self, agent: str) -> bool:
        """Whether its voters are being changed: until that is decided the old ones are needed too."""
        return bool(self._ask(agent, "/api/v1/election", '"changing":').get("changing", True))

    def agreed(self, *agents: str, voters: int = 3, seconds: float = 60) -> Any:
        """Waits until ``agents`` name one admin that is among them, and so many voters; the status of the first."""

        def agree() -> Any:
            seen = [self._ask(agent, "/api/v1/status", LED) for agent in agents]
            leaders = {(each.get("admin") or {}).get("peer_id") for each in seen}
            there = {each.get("peer_id") for each in seen}
            same = (
                len(leaders) == 1 and leaders <= there and all(len(each.get("voters", ())) == voters for each in seen)
            )
            return seen[0] if same and not any(map(self._changing, agents)) else None

        return eventually(f"{agents} agree on an admin", agree, seconds)
