"""Real sandboxes on the machine's Docker Engine. Everything made here carries the owner ``TEST_OWNER``."""

from __future__ import annotations

import hashlib
import io
import secrets
import subprocess
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trio

from chorus_tui.contract.models.task_spec import Limits, TaskSpec
from chorus_tui.engine.execution.executor import DockerExecutor
from chorus_tui.engine.execution.image_build import build_images
from chorus_tui.engine.execution.interface import Job
from chorus_tui.engine.execution.settings import ExecutionSettings
from tests.support.docker_engine import DOCKER_HOST


def docker(*arguments: str) -> str:
    """The docker command's output: an observer that shares no code with us."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True, timeout=120)
    return done.stdout


def containers(owner: str) -> list[str]:
    """Ids of all containers of an owner, in any state."""
    return docker("ps", "-aq", "--no-trunc", "--filter", f"label=chorus.owner={owner}").split()


def volumes(owner: str) -> list[str]:
    """Names of all volumes of an owner."""
    return docker("volume", "ls", "-q", "--filter", f"label=chorus.owner={owner}").split()


class Heard:
    """A report that remembers; ``reached(phase)`` waits for a phase."""

    def __init__(self) -> None:
        self.phases: list[tuple[str, str]] = []
        self.data = bytearray()
        self.seen: list[tuple[float, float, float]] = []
        self._changed = trio.Condition()

    async def phase(self, phase: str, detail: str = "") -> None:
        async with self._changed:
            self.phases.append((phase, detail))
            self._changed.notify_all()

    async def output(self, data: bytes) -> None:
        async with self._changed:
            self.data += data
            self._changed.notify_all()

    async def figures(self, cpu_percent: float, memory_mb: float, disk_mb: float) -> None:
        async with self._changed:
            self.seen.append((cpu_percent, memory_mb, disk_mb))
            self._changed.notify_all()

    async def reached(self, phase: str) -> None:
        async with self._changed:
            while phase not in [name for name, _ in self.phases]:
                await self._changed.wait()

    async def said(self, text: bytes) -> None:
        async with self._changed:
            while text not in self.data:
                await self._changed.wait()


@dataclass
class Bench:
    """An executor with its blobs. ``run`` is a task from command to result."""

    settings: ExecutionSettings
    folder: Path
    executor: DockerExecutor = field(init=False)
    blobs: dict[str, bytes] = field(default_factory=dict)
    heard: Heard = field(default_factory=Heard)

    def __post_init__(self) -> None:
        self.executor = DockerExecutor(self.settings)

    async def put_blob(self, path: Path) -> tuple[str, int]:
        data = await trio.Path(path).read_bytes()
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return digest, len(data)

    def job(self, *commands: str, repository: Path | None = None, limits: dict | None = None, **fields) -> Job:
        spec = TaskSpec(title="test", commands=list(commands), limits=Limits(**(limits or {})), **fields)
        return Job("01J" + secrets.token_hex(12).upper()[:23].replace("I", "0"), 1, spec, repository)

    async def run(self, *commands: str, **options):
        self.heard = Heard()
        return await self.executor.run(self.job(*commands, **options), self.heard, self.put_blob)

    def artifact(self, result, path: str) -> bytes:
        (found,) = [artifact for artifact in result.artifacts if artifact.path == path]
        return self.blobs["sha256:" + found.sha256]


@pytest.fixture(scope="session")
def images():
    """The base images, built unless they are there."""
    trio.run(lambda: build_images([], lambda _: None, docker_host=DOCKER_HOST))


@pytest.fixture
def bench(images, tmp_path):
    """An executor of an owner of its own; nothing of it may be left at the end."""
    owner = f"test-{secrets.token_hex(6)}"
    made = Bench(ExecutionSettings(docker_host=DOCKER_HOST, owner=owner, scratch=tmp_path), tmp_path)
    yield made
    left = containers(owner)
    if left:
        docker("rm", "-fv", *left)
    assert left == []
    assert volumes(owner) == []
    assert list(tmp_path.glob("chorus-*")) == []


def derived_image(name: str, changes: list[str], files: dict[str, bytes], base: str, links: dict[str, str]) -> None:
    """An image of ours with setuid files and links put in and instructions applied."""
    container = docker("create", base).strip()
    try:
        exported = subprocess.run(["docker", "export", container], capture_output=True, check=True).stdout
    finally:
        docker("rm", container)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar, tarfile.open(fileobj=io.BytesIO(exported)) as original:
        for member in original:
            if member.name not in links:
                tar.addfile(member, original.extractfile(member) if member.isreg() else None)
        for path, data in files.items():
            header = tarfile.TarInfo(path)
            header.size, header.mode = len(data), 0o4755
            tar.addfile(header, io.BytesIO(data))
        for path, target in links.items():
            header = tarfile.TarInfo(path)
            header.type, header.linkname = tarfile.SYMTYPE, target
            tar.addfile(header)
    flags = [part for change in changes for part in ("-c", change)]
    subprocess.run(["docker", "import", *flags, "-", name], input=archive.getvalue(), capture_output=True, check=True)


@pytest.fixture
def image(images):
    """Makes images with a name of their own; takes them away."""
    name = f"chorus-test-{secrets.token_hex(4)}:1"

    def make(
        changes: list[str], files: dict[str, bytes], base: str = "chorus-base", *, links: dict[str, str] | None = None
    ) -> str:
        derived_image(name, changes, files, base, links or {})
        return name

    yield make
    docker("rmi", "-f", name)
