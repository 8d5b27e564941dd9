"""The mesh in which alerts fire: five engines, what they depend on, and ways to hurt them that leave no trace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.integration.system.peers import Mesh, Peer, eventually, mesh
from tests.integration.system.prometheus import Prometheus, prometheus
from tests.support.docker_engine import SOCKET
from tests.support.failing_model import FailingModel, failing_model
from tests.support.kaching import Kaching, kaching

MEMBERS = 11
"""Members of a mesh in which each knows ten others."""
DISK_MB = 800
"""Size of odd's disk."""
FAULTY = [sys.executable, "-m", "tests.integration.system.faulty"]
TOKENS = [f"ghp_{number:02}{'abcdefghij' * 4}"[:40] for number in range(60)]
TIMES = {"CHORUS_TASK_LEASE_S": "4", "CHORUS_EPHEMERAL": "false"}
IDLE = {**TIMES, "DOCKER_HOST": "unix:///nonexistent.sock", "CHORUS_AGENT_MAX_TASKS": "0"}


@dataclass
class World:
    """``alpha``, ``beta`` and ``gamma`` work, ``delta`` only votes, ``odd`` has all that can fail: a licence, a model, a disk."""

    made: Mesh
    asked: Prometheus
    folder: Path
    licences: Kaching
    model: FailingModel
    mounted: int
    """The process that keeps odd's disk."""
    peers: dict[str, Peer] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Peer:
        return self.peers[name]

    @property
    def docker(self) -> Path:
        """Where the workers look for the Docker Engine."""
        return self.folder / "docker.sock"

    @property
    def faults(self) -> Path:
        """Odd's own faults."""
        return self.folder / "faults"

    @property
    def odd_disk(self) -> Path:
        """Odd's disk, which only odd sees."""
        return Path(f"/proc/{self.mounted}/root{self['odd'].data_dir}")

    def fires(self, alert: str) -> bool:
        """Whether it does now, for any instance."""
        return alert in {name for name, _ in self.asked.firing()}

    def calm(self) -> None:
        """All that run are in one mesh with an admin, and Prometheus looks at them."""
        eventually("one mesh", self.made.whole, 60)
        self.asked.scrape([peer for peer in self.made.peers if peer.process and peer.process.poll() is None])

    def again(self, name: str) -> None:
        """Start a stopped one again."""
        self[name].start().ready()
        self.calm()

    def announce(self, count: int, *commands: str, **more: Any) -> list[str]:
        """Tasks of alpha; their ids."""
        made = []
        for number in range(count):
            spec = {"title": f"Number {number}", **({"commands": list(commands)} if commands else {}), **more}
            status, answer = self["alpha"].post("/api/v1/tasks", {"spec": spec})
            assert status == 200, answer
            made.append(answer["task_id"])
        return made

    def cancel(self, task_ids: list[str]) -> None:
        """Those of alpha, as far as they have not ended."""
        for task_id in task_ids:
            self["alpha"].post(f"/api/v1/tasks/{task_id}/cancel", {})

    def running(self, task_ids: list[str]) -> list[str]:
        """The names of who runs them now."""
        found = [self["alpha"].task(task_id) for task_id in task_ids]
        return [task["holder_name"] for task in found if task.get("state") == "running"]


Fault = Callable[[World], AbstractContextManager[None]]
FAULTS: dict[str, Fault] = {}
"""By the alert's name, in an order that costs little."""


def fault(*alerts: str) -> Callable[[Callable[[World], Iterator[None]]], Fault]:
    """A block in which these alerts fire."""

    def known(block: Callable[[World], Iterator[None]]) -> Fault:
        made = contextmanager(block)
        FAULTS.update(dict.fromkeys(alerts, made))
        return made

    return known


@contextmanager
def stopped(*peers: Peer) -> Iterator[None]:
    """They stand still, as on a machine that hangs."""
    for peer in peers:
        peer.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for peer in peers:
            peer.signal(signal.SIGCONT)


@contextmanager
def again_and_again(act: Callable[[], None], pause_s: float) -> Iterator[None]:
    """Something that goes on beside the block."""
    over = threading.Event()

    def acts() -> None:
        while not over.wait(pause_s):
            act()

    thread = threading.Thread(target=acts)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def say(peer: Peer) -> None:
    """Something that everybody hears."""
    peer.post("/api/v1/hmmm/rooms/general/send", {"message": "Still here."})


@contextmanager
def filled(world: World, *, free_mb: int) -> Iterator[None]:
    """Odd's disk has only so much room."""
    file, room = world.odd_disk / "filling", os.statvfs(world.odd_disk)
    with file.open("wb") as filling:
        os.posix_fallocate(filling.fileno(), 0, room.f_bavail * room.f_frsize - (free_mb << 20))
    try:
        yield
    finally:
        file.unlink()


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Five peers in one mesh, and a Prometheus that looks at them."""
    with ExitStack() as stack:
        made = stack.enter_context(mesh(folder))
        licences = stack.enter_context(kaching(lease_s=12.0))
        licences.licences[
            "prod-123"
        ].nodes = 64  # more than peers are ever here: a mesh larger than its licence is unwell
        model = stack.enter_context(failing_model())
        (folder / "docker.sock").symlink_to(SOCKET)
        (folder / "faults").mkdir()
        works = {**TIMES, "DOCKER_HOST": f"unix://{folder / 'docker.sock'}"}
        made.grow("alpha", **works, CHORUS_AGENT_MAX_TASKS="1")
        made.add("beta", **works)
        made.add("gamma", **works, CHORUS_AGENT_MAX_TASKS="1")
        made.add("delta", **IDLE)
        mounted = stack.enter_context(disk(folder / "odd"))
        odd = Peer(
            folder, "odd", prefix=["nsenter", f"--target={mounted}", "--mount"], program=FAULTY, FAULTS=str(folder / "faults"),
            **{**works, **licences.environment, **model.environment, "CHORUS_KACHING_TIMEOUT_S": "5"},
            CHORUS_AGENT_MAX_TASKS="1", CHORUS_BOOTSTRAP_PEERS=made.peers[0].address,
        )  # fmt: skip
        made.peers.append(odd.start())
        for peer in made.peers:
            peer.ready()
        eventually("one mesh", made.whole, 60)
        asked = stack.enter_context(prometheus(folder / "prometheus", made.peers))
        yield World(made, asked, folder, licences, model, mounted, {peer.name: peer for peer in made.peers})


@contextmanager
def disk(place: Path) -> Iterator[int]:
    """A small disk, mounted where only one process and whom it lets in see it: that process. It takes root to mount one."""
    place.mkdir()
    mounts = f"mount -t tmpfs -o size={DISK_MB}m,mode=700 odd {place} && echo mounted && exec sleep infinity"
    with subprocess.Popen(["unshare", "--mount", "sh", "-c", mounts], stdout=subprocess.PIPE) as keeper:
        try:
            assert keeper.stdout is not None
            assert keeper.stdout.readline() == b"mounted\n"
            yield keeper.pid
        finally:
            keeper.kill()
