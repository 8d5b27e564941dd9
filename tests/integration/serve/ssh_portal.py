"""The SSH portal as a real process on a real engine, and OpenSSH's own clients of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from tests.integration.system.peers import CLI, Peer, eventually
from tests.integration.system.terminal import Terminal


class SSHPortal:
    """``chorus-tui ssh`` on the engine of ``peer``."""

    def __init__(self, peer: Peer, folder: Path) -> None:
        self.peer = peer
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> SSHPortal:
        """Return when it says where it listens."""
        with (self.folder / "ssh.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*CLI, "ssh", "--port", "0"],
                env=self.peer.environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        eventually(f"it serves: {self.log}", lambda: self.row, 40)
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it; its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(80)

    @property
    def log(self) -> str:
        """What it has said and logged."""
        return (self.folder / "ssh.log").read_text(errors="replace")

    @property
    def row(self) -> dict[str, Any]:
        """What it tells in the register."""
        assert self.process is not None
        path = self.peer.data_dir / "portals" / f"ssh-{self.process.pid}.json"
        return json.loads(path.read_text()) if path.exists() else {}

    @property
    def guests(self) -> list[dict[str, Any]]:
        """Who is here, by the register."""
        return self.row["guests"]

    @property
    def memory_mb(self) -> float:
        """What the process takes, by itself."""
        assert self.process is not None
        rollup = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return int(rollup.split("Pss:")[1].split()[0]) / 1024

    def tokens(self) -> list[dict[str, Any]]:
        """The engine's tokens that were made for guests."""
        return [row for row in self.peer.get("/api/v1/tokens")["tokens"] if row["name"].startswith("ssh:")]

    def key(self, person: str, scope: str = "") -> Path:
        """The private key of ``person``; with a ``scope`` it may come in."""
        path = self.folder / person
        if not path.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", person, "-f", str(path)], check=True)
        if scope:
            done = self.peer.run("ssh", "keys", "add", f"{path}.pub", "--person", person, "--scope", scope)
            assert done.returncode == 0, done.stderr
        return path

    def command(self, person: str, *options: str, user: str = "whoever", program: str = "ssh") -> list[str]:
        """The line of OpenSSH's own client."""
        port = self.row["address"].rpartition(":")[2]
        quiet = (
            "LogLevel=ERROR",
            "StrictHostKeyChecking=no",
            f"UserKnownHostsFile={self.folder}/known",
            "IdentitiesOnly=yes",
            "BatchMode=yes",
        )
        given = [part for option in quiet for part in ("-o", option)]
        place = ["-P" if program == "sftp" else "-p", port, *options, f"{user}@127.0.0.1"]
        return [program, "-F", "none", *given, "-i", str(self.key(person)), *place]

    def run(
        self, person: str, *options: str, then: tuple[str, ...] = (), **more: str
    ) -> subprocess.CompletedProcess[str]:
        """A client to its end."""
        return subprocess.run(
            [*self.command(person, *options, **more), *then],
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
            stdin=subprocess.DEVNULL,
        )

    def window(self, person: str, width: int = 120, height: int = 40) -> Terminal:
        """A client in a terminal; what it leaves behind is seen in the shell that began it."""
        environment = {**os.environ, "TERM": "xterm-256color", "SSH_AUTH_SOCK": ""}
        line = " ".join([*self.command(person), "; echo left with $?; cat"])
        return Terminal(["sh", "-c", line], environment, width=width, height=height)
