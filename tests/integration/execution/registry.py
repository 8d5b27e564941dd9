"""A real registry on loopback: Debian's ``docker-registry``, unpacked from its package and run from a folder of ours."""

from __future__ import annotations

import contextlib
import re
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chorus_tui.engine.execution.debian_packages import download, need_debian
from tests.integration.execution.conftest import docker
from tests.integration.system.peers import eventually

# The account "who" with the password "what".
ACCOUNT = "who:$2b$05$/54P4vKouA3U6wzvuBv.fuL70LYxWc3HeB0JkoCIC6qxO.AkV6.fS\n"


@dataclass
class Registry:
    """One that runs. ``host`` is its address as it stands in an image's name; ``storage`` is its disk."""

    host: str
    storage: Path
    process: subprocess.Popen[bytes]

    def holds(self, folder: Path) -> tuple[str, str]:
        """Push an image that was never seen before, with 2 MiB of noise; forget it here: (its name, its digest)."""
        name = f"{self.host}/box/{secrets.token_hex(4)}:1"
        (folder / "noise").write_bytes(secrets.token_bytes(2 << 20))
        container = docker("create", "chorus-base").strip()
        docker("cp", str(folder / "noise"), f"{container}:/noise")
        docker("commit", container, name)
        docker("rm", container)
        docker("push", "-q", name)
        known = docker("inspect", "--format", '{{join .RepoDigests "\\n"}}', name).split()
        (pinned,) = [one for one in known if one.startswith(name.rpartition(":")[0])]
        docker("rmi", name)
        return name, pinned.partition("@")[2]

    def blob(self, digest: str) -> Path:
        """Where it keeps what has this digest."""
        hexadecimal = digest.removeprefix("sha256:")
        return self.storage / "docker/registry/v2/blobs/sha256" / hexadecimal[:2] / hexadecimal / "data"

    def forget(self) -> None:
        """Take away every image that came from here."""
        names = docker(
            "images", "--format", "{{.Repository}}@{{.Digest}} {{.Repository}}:{{.Tag}}", "--digests"
        ).split()
        for name in {one for one in names if one.startswith(self.host) and "<none>" not in one}:
            subprocess.run(["docker", "rmi", "-f", name], capture_output=True, check=False, timeout=120)


def unpacked(folder: Path) -> Path:
    """The registry's program, fetched as the images' packages are."""
    need_debian()
    (deb,) = [path for path in download(["docker-registry"], folder) if path.name.startswith("docker-registry_")]
    subprocess.run(["dpkg-deb", "-x", str(deb), str(folder / "registry")], check=True)
    return folder / "registry/usr/bin/docker-registry"


@contextlib.contextmanager
def running(program: Path, folder: Path, *, closed: bool = False) -> Iterator[Registry]:
    """Run it on a free port; ``closed``: it asks for a password."""
    folder.mkdir()
    lock = ""
    if closed:
        (folder / "accounts").write_text(ACCOUNT)
        lock = f"auth:\n  htpasswd:\n    realm: box\n    path: {folder}/accounts\n"
    (folder / "config.yml").write_text(
        f"version: 0.1\nlog:\n  level: info\nstorage:\n  filesystem:\n    rootdirectory: {folder}/data\n"
        f"http:\n  addr: 127.0.0.1:0\n{lock}"
    )
    log = folder / "log"
    with log.open("wb") as said:
        process = subprocess.Popen([str(program), "serve", str(folder / "config.yml")], stdout=said, stderr=said)
    try:
        found = eventually(
            "the registry listens", lambda: re.search(r"listening on (127\.0\.0\.1:\d+)", log.read_text())
        )
        made = Registry(found.group(1), folder / "data", process)
        yield made
        made.forget()
    finally:
        process.kill()
        process.wait()
