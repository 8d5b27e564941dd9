"""The world of a run: its peers, their disks, what lies between them, and what was seen.

Whatever happens to a peer from outside happens through here: start, crash, stop, and things to do inside it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import trio

from chorus_tui.engine.clock import SeededEntropy
from chorus_tui.engine.control.parameters import FAST
from chorus_tui.engine.control.settings import ControlSettings
from chorus_tui.engine.control.voters import Seat
from chorus_tui.engine.journal.simulated_database import PowerLost
from chorus_tui.engine.mesh.simulated import SimulatedNetwork
from chorus_tui.engine.protocol.identity import Identity
from chorus_tui.engine.simulation import peer as peers
from chorus_tui.engine.simulation.clocks import SimulatedClock
from chorus_tui.engine.simulation.cuts import Cuts
from chorus_tui.engine.simulation.dice import Dice
from chorus_tui.engine.simulation.disk import Disk
from chorus_tui.engine.simulation.invariants import Invariants
from chorus_tui.engine.simulation.peer import Kind, Peer
from chorus_tui.engine.simulation.plan import Options
from chorus_tui.engine.simulation.scheduler import Stopped, ancestors
from chorus_tui.engine.simulation.timeline import Timeline
from chorus_tui.engine.simulation.watch import TimelineBus, Watch

LEASE_S = 10.0
GRACE_S = 3.0
MAX_TASKS = 2


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that did not hold. ``at`` in simulated seconds."""

    at: float
    name: str
    text: str


@dataclass(slots=True)
class Machine:
    """What of a peer outlives its processes."""

    name: str
    kind: Kind
    identity: Identity
    disk: Disk
    clock: SimulatedClock
    lives: int = 0
    watch: Watch | None = None
    voter_sets: list[tuple[Seat, ...]] = field(default_factory=list)
    """In the log that the last crash left."""


class World:
    """One run. Everything in it comes from ``options``."""

    def __init__(self, nursery: trio.Nursery, options: Options, stopped: Stopped) -> None:
        self.options = options
        self.nursery = nursery
        self.stopped = stopped
        self.timeline = Timeline()
        self.violation: Violation | None = None
        self.over = trio.Event()
        self.counts: Counter[str] = Counter()
        self.invariants = Invariants(self.broken)
        self.network = SimulatedNetwork(self.entropy("network"))
        self.cuts = Cuts(self.network)
        self.peers: dict[str, Peer] = {}
        self.spoiled: set[Seat] = set()
        """Seats whose disk was lost or set back. Who comes back with another disk votes, if at all, from another seat."""
        self.dead: set[str] = set()
        """Names of peers that never come back."""
        self.reckless = False
        """A majority of the voters was spoiled: nothing is promised any more but that nothing wrong is decided."""
        self.met = False
        """All peers have become the meshes that they begin with."""
        self.sparing = False
        """A scenario needs the disks that are left: none is spoiled by chance."""
        self.machines = {name: self._machine(name, kind) for name, kind in _names(options)}
        self.expect = dict.fromkeys(self.machines, len(self.machines))
        """How many peers each waits for before it founds a mesh."""

    def entropy(self, what: str) -> SeededEntropy:
        """A source of chance of its own."""
        return SeededEntropy(f"{self.options.seed} {what}")

    def dice(self, what: str) -> Dice:
        """The same, as faults draw."""
        return Dice(self.entropy(what))

    def say(self, what: str, who: str = "") -> None:
        """A line of the time-line."""
        self.timeline.add(who, what)

    def broken(self, name: str, text: str) -> None:
        """An invariant does not hold: the run ends."""
        if self.violation is None:
            self.violation = Violation(trio.current_time(), name, text)
            self.say(f"✗ {name}: {text}")
            self.over.set()

    # ── peers ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _machine(self, name: str, kind: Kind) -> Machine:
        identity = Identity(self.entropy(f"identity {name}").bytes(32))
        disk = Disk(name, self.entropy(f"disk {name}"))
        return Machine(name, kind, identity, disk, SimulatedClock())

    def running(self) -> list[Peer]:
        """Peers that live and are not stopped, by name."""
        return [peer for _, peer in sorted(self.peers.items()) if not peer.stopped]

    def id_of(self, name: str) -> str:
        """A peer's id."""
        return str(self.machines[name].identity.peer_id)

    async def start(self, name: str) -> Peer:
        """Start a process on a peer's disk as it is."""
        machine = self.machines[name]
        machine.lives += 1
        peer = self._build(machine)
        before, machine.watch = machine.watch, Watch(peer, machine.disk.binding, self.invariants, self.timeline)
        self.peers[name] = peer
        self.say(f"starts, life {machine.lives}", name)
        up = trio.Event()
        self.nursery.start_soon(self._live, peer, up)
        await up.wait()
        if (
            peer.alive and before is not None and before.disk == machine.disk.binding
        ):  # of what was lost nothing is promised
            self._compare(name, before, machine.watch)
        return peer

    def _build(self, machine: Machine) -> Peer:
        settings = ControlSettings(
            grace_s=GRACE_S, expect=self.expect[machine.name], binding=machine.disk.binding,
            parameters={"lease_s": LEASE_S} | (FAST if self.options.fast else {}),
        )  # fmt: skip
        return peers.build(
            machine.name, machine.kind, machine.identity, self.network.mesh(machine.identity), machine.disk.open(),
            machine.clock, self.entropy(f"{machine.name} life {machine.lives}"), TimelineBus(machine.name, self.timeline),
            settings, MAX_TASKS if machine.kind == "agent" else 0,
        )  # fmt: skip

    async def _live(self, peer: Peer, up: trio.Event) -> None:
        try:
            await peer.live(up)
        except* PowerLost:
            self.say("is without power", peer.name)
        except* Exception as errors:  # noqa: BLE001 - whatever it is, it is a finding
            if peer.alive:
                self.broken("X1", f"{peer.name} ended: {_words(errors)}")
        finally:
            up.set()

    def _compare(self, name: str, before: Watch, now: Watch) -> None:
        if lost := before.held - now.held:
            self.broken("F1", f"{name} lost {len(lost)} feed entries in a crash, {min(lost)} among them")
        control = self.peers[name].control
        applied = before.commits.get(control.mesh_id or "", 0)
        if control.commit < applied:
            self.broken("C2", f"{name} had applied entry {applied} and came back with {control.commit}")

    def crash(self, name: str) -> None:
        """Pull the plug of a peer that lives."""
        peer, machine = self.peers.pop(name), self.machines[name]
        peer.alive = False
        machine.voter_sets = peer.voter_sets()
        self.network.crash(peer.peer_id)
        peer.scope.cancel()
        machine.disk.image = peer.stores.crash(self.dice(f"crash {name} {machine.lives}"))
        assert peer.root is not None
        self.stopped.go_on(peer.root)

    def spoil(self, name: str) -> None:
        """The disk of a peer, running or not, is about to be lost or set back: no seat that it has had is whole any more."""
        self.spoiled |= self.seats_of(name)

    def seats_of(self, name: str) -> set[Seat]:
        """Every seat of a peer that some log names, and the one that it has now."""
        named = {seat for voters in self.voter_sets() for seat in voters if seat.peer_id == self.id_of(name)}
        own = self.peers[name].seat if name in self.peers else None
        return named | ({own} if own is not None else set())

    def voter_sets(self) -> set[tuple[Seat, ...]]:
        """Every set of voters that some log holds, and that may therefore have to elect."""
        logs = [
            self.peers[name].voter_sets() if name in self.peers else machine.voter_sets
            for name, machine in self.machines.items()
        ]
        return {voters for found in logs for voters in found}

    def forks_still(self, name: str) -> bool:
        """Whether a peer's running process is one that forked its feed."""
        newest = self.peers[name].journal.store.last_own(self.id_of(name))
        return newest is not None and newest.key[:2] in self.invariants.forked

    def back_up(self) -> None:
        """Keep what is on every running peer's disk now, for a restore."""
        for name, peer in sorted(self.peers.items()):
            self.machines[name].disk.backups.append(peer.stores.image())

    def stop(self, name: str) -> None:
        """Stop a peer's process; nothing of it runs, and what reaches it waits."""
        peer = self.peers[name]
        assert peer.root is not None
        peer.stopped = True
        self.stopped.stop(peer.root)

    def go_on(self, name: str) -> None:
        """Let a stopped process run again. Idempotent."""
        peer = self.peers.get(name)
        if peer is not None and peer.root is not None and peer.stopped:
            peer.stopped = False
            self.stopped.go_on(peer.root)

    def who_is(self, task: trio.lowlevel.Task) -> Peer | None:
        """The living peer that a task belongs to."""
        roots = {peer.root: peer for peer in self.peers.values()}
        return next((roots[above] for above in ancestors(task) if above in roots), None)


def _names(options: Options) -> list[tuple[str, Kind]]:
    """Agents, and in every third run a person among them."""
    person = options.seed % 3 == 0 and options.peers > 2
    last: Kind = "human" if person else "agent"
    return [*((f"p{n}", "agent") for n in range(1, options.peers)), (f"p{options.peers}", last)]


def _words(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"
