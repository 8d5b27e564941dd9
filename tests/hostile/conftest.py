"""One mesh for all hostile tests: its admin is the victim, a friend that must stay served, and a member that has gone bad."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from chorus_tui.engine.protocol.identity import Identity
from tests.integration.system.peers import NETWORK_KEY, Peer, eventually, mesh

KEY = bytes.fromhex(NETWORK_KEY)
UNMASKED = ["sh", "-c", 'umask 000; exec "$0" "$@"']
"""As if somebody's shell masked nothing."""
NO_DOCKER = {"DOCKER_HOST": "unix:///nonexistent.sock"}


@dataclass
class Scene:
    """``victim`` leads, ``friend`` is honest; ``rogue`` is a member's identity in the attacker's hand."""

    victim: Peer
    friend: Peer
    rogue: Identity
    folder: Path
    rounds: int = 0

    def memory_mb(self) -> float:
        """What the victim holds in memory."""
        return _status(self.victim, "VmRSS") / 1024

    def count_peak_anew(self) -> None:
        """From here on :meth:`peak_mb` counts."""
        Path(f"/proc/{self.victim.process.pid}/clear_refs").write_text("5")

    def peak_mb(self) -> float:
        """The most that the victim has held in memory at once."""
        return _status(self.victim, "VmHWM") / 1024

    def cpu_s(self) -> float:
        """What the victim has computed so far."""
        fields = Path(f"/proc/{self.victim.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def refused(self) -> dict[str, float]:
        """What the victim has refused so far, by reason."""
        found = re.findall(
            r'^chorus_\w*refused\w*_total\{reason="([^"]+)"\} (\S+)$',
            self.victim._ask("GET", "/metrics")[1].decode(),
            re.MULTILINE,
        )
        return {reason: float(count) for reason, count in found}

    def served(self, seconds: float = 15.0) -> None:
        """What the friend says now reaches the victim, whose doors answer: nobody is kept out by others' doing."""
        self.rounds += 1
        spec = {"title": f"Still here {self.rounds}", "commands": ["true"]}
        code, said = self.friend.post("/api/v1/tasks", {"spec": spec})
        assert code == 200, said
        eventually(f"the victim hears of {said['task_id']}", lambda: self.victim.task(said["task_id"]), seconds)


def _status(peer: Peer, name: str) -> float:
    lines = Path(f"/proc/{peer.process.pid}/status").read_text().splitlines()
    return float(next(line for line in lines if line.startswith(name)).split()[1])


@pytest.fixture(scope="session")
def scene(tmp_path_factory) -> Iterator[Scene]:
    """Made once: each test leaves it as it was."""
    folder = tmp_path_factory.mktemp("hostile")
    with mesh(folder) as made:
        victim = Peer(folder, "victim", prefix=UNMASKED, **NO_DOCKER).start().ready()
        made.peers.append(victim)
        eventually("the victim has a mesh", lambda: victim.status().get("mesh_id"))
        friend, rogue = made.grow("friend", "rogue", **NO_DOCKER)
        rogue.stop()
        identity = Identity.from_key_file((rogue.data_dir / "identity.key").read_bytes())
        yield Scene(victim, friend, identity, folder)
