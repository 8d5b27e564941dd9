"""The mesh over a virtual network: latency, loss, duplication, reordering, partitions, crashes; no threads, no sockets.

Time is trio's, so a mock clock governs it; chance comes from one :class:`~chorus_tui.engine.clock.Entropy`. Given
trio's deterministic scheduling, a seed replays byte for byte: nothing here iterates over a set or asks the machine's
clock.

    network = SimulatedNetwork(SeededEntropy(7))
    mesh = network.mesh(identity)              # register handlers, then: await nursery.start(mesh.run)
    network.cut(a.peer_id, b.peer_id)          # also one_way=True, partition([...], [...]), isolate(a)
    network.heal()
    network.crash(a.peer_id)                   # a.run returns; network.mesh(identity) again is the restart
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Sequence
from functools import partial

import trio

from chorus_tui.engine.clock import Entropy, SeededEntropy
from chorus_tui.engine.mesh.interface import MeshError, Unreachable
from chorus_tui.engine.mesh.simulated_mesh import Gossip, SimulatedMesh
from chorus_tui.engine.protocol.identity import Identity

__all__ = ["Gossip", "SimulatedMesh", "SimulatedNetwork"]

PUBLISHED_KEPT = 400


class SimulatedNetwork:
    """Everything between the peers. Attributes may be changed at any time; they hold for what is sent from then on.

    ``latency``: seconds one way, drawn anew for every message (which reorders gossip). ``loss``, ``duplication``:
    probabilities for one hop of gossip; on streams a loss is a late frame. ``detection``: seconds until a dead path is
    noticed. ``redial``: seconds between attempts to link. ``discovery``: whether running peers find each other by
    themselves, as by mDNS; if not, they know their bootstrap addresses and what linked peers tell them.
    """

    def __init__(self, entropy: Entropy | None = None, *, discovery: bool = True) -> None:
        self.entropy = entropy or SeededEntropy(0)
        self.discovery = discovery
        self.latency = (0.001, 0.02)
        self.loss = 0.0
        self.duplication = 0.0
        self.detection = 8.0
        self.redial = (2.0, 5.0)
        self.numbers = itertools.count(1)
        self.published: deque[Gossip] = deque(maxlen=PUBLISHED_KEPT)
        """The newest messages, for those who say old things again."""
        self._meshes: dict[str, SimulatedMesh] = {}
        self._hosts: dict[str, int] = {}
        self._cuts: dict[tuple[str, str], None] = {}

    def mesh(self, identity: Identity, *, bootstrap: Sequence[str] = ()) -> SimulatedMesh:
        """A new peer, or the restart of one that has stopped. It takes part once its ``run`` is started."""
        running = self._meshes.get(identity.peer_id)
        if running is not None and running.running:
            raise MeshError(f"{identity.peer_id} is running already")
        self._hosts.setdefault(identity.peer_id, len(self._hosts) + 1)
        mesh = SimulatedMesh(self, identity.peer_id, list(bootstrap))
        self._meshes[identity.peer_id] = mesh
        return mesh

    def address(self, peer_id: str) -> str:
        """The multiaddr of a peer of this network."""
        number = self._hosts[peer_id]
        return f"/ip4/10.0.{number // 250}.{number % 250 + 1}/tcp/9000/p2p/{peer_id}"

    def cut(self, a: str, b: str, *, one_way: bool = False) -> None:
        """Let nothing pass from ``a`` to ``b`` (and back, unless ``one_way``) until :meth:`heal`."""
        self._cuts[a, b] = None
        if not one_way:
            self._cuts[b, a] = None
        due = trio.current_time() + self.detection
        for mesh, other in ((self.running(a), b), (self.running(b), a)):
            if mesh is not None:
                mesh.wire.at(due, partial(self._notice_cut, mesh, other))

    def partition(self, *groups: Iterable[str]) -> None:
        """Cut every path between peers of different groups."""
        for left, right in itertools.combinations([list(group) for group in groups], 2):
            for a, b in itertools.product(left, right):
                self.cut(a, b)

    def isolate(self, peer_id: str) -> None:
        """Cut a peer off from all others, as a pulled cable or a stopped process does."""
        self.partition([peer_id], [other for other in self._hosts if other != peer_id])

    def heal(self, a: str | None = None, b: str | None = None) -> None:
        """Mend all paths, those of ``a``, or that between ``a`` and ``b``; links come back as peers redial."""
        for pair in list(self._cuts):
            if (a is None or a in pair) and (b is None or b in pair):
                del self._cuts[pair]

    def mend(self, source: str, target: str) -> None:
        """Let everything pass from ``source`` to ``target`` again. Idempotent."""
        self._cuts.pop((source, target), None)

    def is_cut(self, source: str, target: str) -> bool:
        """Whether nothing passes from ``source`` to ``target``."""
        return (source, target) in self._cuts

    def crash(self, peer_id: str) -> None:
        """Kill a peer's mesh: its ``run`` returns, its links break at once. Cancel the peer's other tasks yourself."""
        mesh = self.running(peer_id)
        if mesh is not None:
            mesh.die()

    def connect_all(self) -> None:
        """Link every two running peers between which nothing is cut, now."""
        for a, b in itertools.combinations(self.all_running(), 2):
            self.link(a, b)

    def running(self, peer_id: str) -> SimulatedMesh | None:
        """The peer's mesh, if it runs."""
        mesh = self._meshes.get(peer_id)
        return mesh if mesh is not None and mesh.running else None

    def all_running(self) -> list[SimulatedMesh]:
        """The running peers, in the order they were made."""
        return [mesh for mesh in self._meshes.values() if mesh.running]

    def find(self, address: str) -> str:
        """The peer id behind an address with or without ``/p2p/<id>``; raises :class:`Unreachable`."""
        place, _, peer_id = address.partition("/p2p/")
        for known in self._hosts:
            if self.address(known).startswith(f"{place}/p2p/") and peer_id in ("", known):
                return known
        raise Unreachable(f"nobody answers at {address}")

    def delay(self) -> float:
        """One latency."""
        return self.entropy.uniform(*self.latency)

    def stream_delay(self) -> float:
        """The latency of a stream frame: a lost one is sent again."""
        return self.delay() + (0.2 if self.chance(self.loss) else 0.0)

    def chance(self, probability: float) -> bool:
        """True with that probability; draws only when it can be true."""
        return probability > 0 and self.entropy.uniform(0.0, 1.0) < probability

    def link(self, a: SimulatedMesh, b: SimulatedMesh) -> bool:
        """Link two running peers if the path stands both ways."""
        if self.is_cut(a.peer_id, b.peer_id) or self.is_cut(b.peer_id, a.peer_id):
            return False
        if a.peer_id in b.bans() or b.peer_id in a.bans():
            return False
        if b.peer_id not in a.links():
            a.link_up(b, inbound=False)
            b.link_up(a, inbound=True)
        return True

    def unlink(self, a: str, b: str) -> None:
        """Break the link between two peers, on both sides."""
        for mesh, other in ((self.running(a), b), (self.running(b), a)):
            if mesh is not None:
                mesh.link_down(other)

    def _notice_cut(self, mesh: SimulatedMesh, other: str) -> None:
        if self.is_cut(mesh.peer_id, other) or self.is_cut(other, mesh.peer_id):
            mesh.link_down(other)
