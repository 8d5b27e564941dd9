"""Faults of the machine below an engine: its disk, its processors, its open files."""

from __future__ import annotations

import contextlib
import resource
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.system.alerting.world import IDLE, TOKENS, World, again_and_again, fault, filled, say, stopped
from tests.integration.system.peers import Peer, eventually


@fault("ChorusDiskFull", "ChorusDiskLow")
def the_disk_is_full(world: World) -> Iterator[None]:
    """All but 50 MiB."""
    with filled(world, free_mb=50):
        yield


@fault("ChorusLoopSlow")
def the_machine_stalls(world: World) -> Iterator[None]:
    """Gamma gets no processor for most of each second."""

    def stalls() -> None:
        with stopped(world["gamma"]):
            time.sleep(0.8)

    with again_and_again(stalls, 0.5):
        yield


@fault("ChorusJournalSlow")
def the_disk_is_slow(world: World) -> Iterator[None]:
    """Another process holds delta's journal for a second, again and again."""
    delta = world["delta"]

    def holds() -> None:
        with contextlib.closing(sqlite3.connect(delta.data_dir / "journal.db", isolation_level=None)) as journal:
            journal.execute("PRAGMA busy_timeout = 5000")
            journal.execute("BEGIN IMMEDIATE")
            time.sleep(1.5)
            journal.execute("ROLLBACK")

    with again_and_again(holds, 0.2), again_and_again(lambda: say(delta), 0.1):
        yield


@contextmanager
def descriptors(peer: Peer, at_most: int) -> Iterator[None]:
    """It may have so many files open."""
    assert peer.process is not None
    soft, hard = resource.prlimit(peer.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(peer.process.pid, resource.RLIMIT_NOFILE, (at_most, hard))
    try:
        yield
    finally:
        resource.prlimit(peer.process.pid, resource.RLIMIT_NOFILE, (soft, hard))


def open_files(peer: Peer) -> int:
    """How many it has."""
    assert peer.process is not None
    return len(list(Path(f"/proc/{peer.process.pid}/fd").iterdir()))


@fault("ChorusDescriptorsLow")
def few_descriptors(world: World) -> Iterator[None]:
    """Delta may open a tenth more than it has."""
    with descriptors(world["delta"], int(open_files(world["delta"]) * 1.1) + 2):
        yield


@fault("ChorusMetricsBroken")
def no_descriptors(world: World) -> Iterator[None]:
    """A peer may open no file at all, so that it cannot count those it has; who is connected already gets an answer."""
    starved = Peer(world.folder, "starved", **IDLE).start().ready()
    try:
        world.asked.scrape([*world.made.peers, starved])
        eventually("it is looked at", lambda: "instance=starved,job=chorus" in world.asked.ask("up == 1"))
        with descriptors(starved, 3):
            yield
    finally:
        starved.stop()
        world.asked.scrape(world.made.peers)


@fault("ChorusServiceFails")
def a_file_is_in_the_way(world: World) -> Iterator[None]:
    """A folder stands where delta writes what SHHH found."""
    way = world["delta"].data_dir / ".shhh-audit.json.new"
    way.mkdir()
    world["delta"].post("/api/v1/hmmm/rooms/general/send", {"message": f"It is {TOKENS[0]}"})
    yield
    way.rmdir()
