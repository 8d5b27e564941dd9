"""A Docker Engine of a test's own: own disk, socket and network, no firewall; it can be stopped and started again."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.system.peers import eventually


@dataclass
class PrivateDocker:
    """One engine. ``host`` is its DOCKER_HOST. Needs root and ``dockerd``, as the private engine of ``make test`` does."""

    folder: Path
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def host(self) -> str:
        """Where it listens."""
        return f"unix://{self.folder}/docker.sock"

    def start(self) -> PrivateDocker:
        """Start it; returns when it answers.

        It has a network of its own: told to have no bridge, it removes that of the engine which is already there.
        """
        where = self.folder
        with (where / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["unshare", "--net", "dockerd", "--host", self.host, "--data-root", f"{where}/data", "--exec-root", f"{where}/exec",
                 "--pidfile", f"{where}/pid", "--bridge=none", "--iptables=false", "--ip6tables=false"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        eventually(
            f"the private engine answers (see {where}/log)",
            lambda: self.says("version", "--format", "{{.Server.Version}}").strip(),
            40,
        )
        return self

    def says(self, *arguments: str) -> str:
        """The docker command's output on this engine; empty when it fails."""
        command = ["docker", "--host", self.host, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120).stdout

    def give(self, image: str) -> None:
        """Copy an image over from the machine's engine."""
        saved = subprocess.run(["docker", "save", image], capture_output=True, check=True, timeout=240).stdout
        subprocess.run(
            ["docker", "--host", self.host, "load"], input=saved, capture_output=True, check=True, timeout=240
        )

    def stop(self) -> None:
        """End it as a service manager does."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(160)

    def gone(self) -> None:
        """Stop it and remove all it has left on this machine."""
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.stop()
            self.process.kill()
            self.process.wait()
        for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
            if (place := line.split()[1]).startswith(str(self.folder)):
                subprocess.run(["umount", "-l", place], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def private_docker() -> Iterator[PrivateDocker]:
    """One with the base image; gone at the end."""
    # Not below pytest's folder: a Unix socket's path has 108 bytes at most, and containerd puts its own below this.
    made = PrivateDocker(Path(tempfile.mkdtemp(prefix="chorus-engine-", dir=os.environ.get("TMPDIR", "/tmp"))))
    try:
        made.start().give("chorus-base:latest")
        yield made
    finally:
        made.gone()
