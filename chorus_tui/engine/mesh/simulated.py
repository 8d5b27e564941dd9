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

import heapq
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import structlog
import trio

from chorus_tui.engine.clock import Entropy, SeededEntropy
from chorus_tui.engine.mesh.interface import (
    FrameTooLarge,
    Gate,
    GossipHandler,
    Link,
    LinkHandler,
    MeshCounters,
    MeshError,
    NotJoined,
    StreamHandler,
    Unreachable,
    Validator,
    Verdict,
)
from chorus_tui.engine.mesh.limits import GOSSIP_QUEUE, MAX_GOSSIP
from chorus_tui.engine.mesh.simulated_stream import Pipe, SimulatedStream
from chorus_tui.engine.protocol.identity import Identity

log = structlog.get_logger(__name__)

_SEEN = 20_000


class Wire:
    """What is on its way to one peer: actions ordered by due time, then by order of sending."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._wake = trio.Event()

    def at(self, due: float, action: Callable[[], None]) -> None:
        """Run ``action`` at ``due`` (trio's clock)."""
        heapq.heappush(self._heap, (due, next(self._numbers), action))
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            self._wake = trio.Event()
            while self._heap and self._heap[0][0] <= trio.current_time():
                heapq.heappop(self._heap)[2]()
            with trio.move_on_at(self._heap[0][0] if self._heap else float("inf")):
                await self._wake.wait()


@dataclass(frozen=True, slots=True)
class _Gossip:
    number: int
    topic: str
    data: bytes
    author: str


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


class SimulatedMesh:
    """One peer of a :class:`SimulatedNetwork`; see :class:`chorus_tui.engine.mesh.interface.Mesh`."""

    def __init__(self, network: SimulatedNetwork, peer_id: str, bootstrap: list[str]) -> None:
        self.peer_id = peer_id
        self.counters = MeshCounters()
        self.wire = Wire()
        self.running = False
        self.topics: dict[str, None] = {}
        self._network = network
        self._bootstrap = bootstrap
        self._links: dict[str, Link] = {}
        self._known: dict[str, None] = {}
        self._forgotten: dict[str, None] = {}
        self._streams: dict[str, list[SimulatedStream]] = {}
        self._seen: dict[int, None] = {}
        self._link_handlers: list[LinkHandler] = []
        self._validator: Validator = lambda _topic, _data, _author, _forwarder: Verdict.ACCEPT
        self._gossip: GossipHandler | None = None
        self._gate: Gate = lambda _peer, _protocol: True
        self._serving: dict[str, StreamHandler] = {}
        self._inbox_in, self._inbox_out = trio.open_memory_channel[_Gossip](GOSSIP_QUEUE)
        self._scope = trio.CancelScope()
        self._nursery: trio.Nursery | None = None

    async def run(self, *, task_status: object = trio.TASK_STATUS_IGNORED) -> None:
        """Take part until cancelled or crashed."""
        with self._scope:
            try:
                async with trio.open_nursery() as nursery:
                    self._nursery = nursery
                    self.running = True
                    nursery.start_soon(self.wire.run)
                    nursery.start_soon(self._deliver)
                    nursery.start_soon(self._keep_links)
                    cast("Any", task_status).started()
            finally:
                self._stop()

    def die(self) -> None:
        """End at once; see :meth:`SimulatedNetwork.crash`."""
        self._stop()
        self._scope.cancel()

    def addresses(self) -> list[str]:
        """Own multiaddr."""
        return [self._network.address(self.peer_id)]

    def links(self) -> dict[str, Link]:
        """Connected peers by id."""
        return dict(self._links)

    def problems(self) -> list[str]:
        """None: what goes wrong here was ordered."""
        return []

    def on_link(self, handler: LinkHandler) -> None:
        """Told of every change."""
        self._link_handlers.append(handler)

    def set_validator(self, validator: Validator) -> None:
        """One for all topics."""
        self._validator = validator

    def on_gossip(self, handler: GossipHandler) -> None:
        """One for all topics."""
        self._gossip = handler

    def set_gate(self, gate: Gate) -> None:
        """Who may open which protocol here."""
        self._gate = gate

    def serve(self, protocol: str, handler: StreamHandler) -> None:
        """Answer a protocol."""
        self._serving[protocol] = handler

    async def join(self, topic: str) -> None:
        """Idempotent."""
        self.topics[topic] = None
        await trio.lowlevel.checkpoint()

    async def leave(self, topic: str) -> None:
        """Idempotent."""
        self.topics.pop(topic, None)
        await trio.lowlevel.checkpoint()

    async def publish(self, topic: str, data: bytes) -> None:
        """Raises :class:`NotJoined`, :class:`FrameTooLarge`."""
        if topic not in self.topics:
            raise NotJoined(f"not joined: {topic}")
        if len(data) > MAX_GOSSIP:
            raise FrameTooLarge(f"a gossip message of {len(data)} bytes; {MAX_GOSSIP} are allowed")
        await trio.lowlevel.checkpoint()
        self.counters.sent += 1
        self._spread(_Gossip(next(self._network.numbers), topic, data, self.peer_id), self.peer_id)

    async def open(self, peer_id: str, protocol: str, *, timeout: float = 5.0) -> SimulatedStream:  # noqa: ASYNC109 - the interface has it
        """A new stream; dials when there is no link. Raises :class:`Unreachable`."""
        if peer_id not in self._links:
            await self._dial(peer_id, timeout)
        await trio.sleep(self._network.delay())
        target = self._network.running(peer_id)
        if target is None or peer_id not in self._links:
            raise Unreachable(f"the link to {peer_id} is gone")
        if protocol not in target._serving:  # noqa: SLF001 - the same class
            raise Unreachable(f"{peer_id} does not speak {protocol}")
        there, back = Pipe(self._network, self, target), Pipe(self._network, target, self)
        stream = SimulatedStream(peer_id, there, back)
        self._keep_stream(stream)
        target.accept(protocol, SimulatedStream(self.peer_id, back, there))
        return stream

    async def connect(self, address: str, *, timeout: float = 10.0) -> str:  # noqa: ASYNC109 - the interface has it
        """Dial an address; the peer id. Raises :class:`Unreachable`."""
        peer_id = self._network.find(address)
        await self._dial(peer_id, timeout)
        return peer_id

    async def forget(self, peer_id: str) -> None:
        """Close the link and stop redialling."""
        self._forgotten[peer_id] = None
        self._network.unlink(self.peer_id, peer_id)
        await trio.lowlevel.checkpoint()

    def accept(self, protocol: str, stream: SimulatedStream) -> None:
        """A stream another peer opened here: refused by the gate, or handed to its handler in a task of its own."""
        if not self._gate(stream.peer_id, protocol) or self._nursery is None:
            self._refuse("gate")
            stream.reset()
            return
        self._keep_stream(stream)
        self._nursery.start_soon(self._answer, self._serving[protocol], stream)

    def link_up(self, other: SimulatedMesh, *, inbound: bool) -> None:
        """A link stands; both sides tell each other whom they know."""
        self._links[other.peer_id] = Link(
            other.peer_id,
            other.addresses(),
            trio.current_time(),
            latency_ms=self._network.delay() * 2e3,
            inbound=inbound,
        )
        self._known |= {other.peer_id: None} | other._known
        for handler in self._link_handlers:
            handler(other.peer_id, True)  # noqa: FBT003 - the interface has it

    def link_down(self, peer_id: str) -> None:
        """The link is gone: its streams break."""
        if self._links.pop(peer_id, None) is None:
            return
        for stream in self._streams.pop(peer_id, []):
            stream.reset()
        for handler in self._link_handlers:
            handler(peer_id, False)  # noqa: FBT003 - the interface has it

    def hear(self, gossip: _Gossip, forwarder: str) -> None:
        """A gossip message arrives from a linked peer."""
        if gossip.topic not in self.topics or forwarder not in self._links:
            return
        first = gossip.number not in self._seen
        if self._validator(gossip.topic, gossip.data, gossip.author, forwarder) is not Verdict.ACCEPT:
            self._refuse("validator")
            return
        self.counters.received += 1
        try:
            self._inbox_in.send_nowait(gossip)
        except trio.WouldBlock:
            self._refuse("handler queue full")
        if first:
            self._spread(gossip, forwarder)

    def _spread(self, gossip: _Gossip, forwarder: str) -> None:
        self._seen[gossip.number] = None
        if len(self._seen) > _SEEN:
            del self._seen[next(iter(self._seen))]
        for peer_id in self._links:
            if peer_id not in (forwarder, gossip.author):
                self._transmit(gossip, peer_id)

    def _transmit(self, gossip: _Gossip, peer_id: str) -> None:
        target = self._network.running(peer_id)
        if target is None or self._network.chance(self._network.loss):
            return
        # A copy that comes late, after the cache of seen messages forgot the first, is delivered again.
        for late_copy in (False, True) if self._network.chance(self._network.duplication) else (False,):
            arrive = partial(self._arrive, target, gossip, late_copy=late_copy)
            target.wire.at(trio.current_time() + self._network.delay(), arrive)

    def _arrive(self, target: SimulatedMesh, gossip: _Gossip, *, late_copy: bool) -> None:
        cut = self._network.is_cut(self.peer_id, target.peer_id)
        if not cut and (late_copy or gossip.number not in target._seen):
            target.hear(gossip, self.peer_id)

    async def _deliver(self) -> None:
        async for gossip in self._inbox_out:
            if self._gossip is not None:
                try:
                    await self._gossip(gossip.topic, gossip.data, gossip.author)
                except Exception:
                    log.exception("gossip handler failed", topic=gossip.topic)
                    self._refuse("handler failed")

    async def _answer(self, handler: StreamHandler, stream: SimulatedStream) -> None:
        try:
            await handler(stream)
        except MeshError as error:
            log.debug("stream ended", peer=stream.peer_id, reason=str(error))
        except Exception:
            log.exception("stream handler failed", peer=stream.peer_id)
            self._refuse("handler failed")
            stream.reset()
        finally:
            stream.close_now()

    async def _keep_links(self) -> None:
        await trio.sleep(self._network.entropy.uniform(0.05, 0.5))
        for address in self._bootstrap:
            try:
                self._known[self._network.find(address)] = None
            except Unreachable as error:
                log.warning("bootstrap peer not reachable", address=address, reason=str(error))
        while True:
            for peer_id in self._wanted():
                target = self._network.running(peer_id)
                if target is not None:
                    self._network.link(self, target)
            await trio.sleep(self._network.entropy.uniform(*self._network.redial))

    def _wanted(self) -> list[str]:
        known = [mesh.peer_id for mesh in self._network.all_running()] if self._network.discovery else list(self._known)
        return [p for p in known if p != self.peer_id and p not in self._links and p not in self._forgotten]

    async def _dial(self, peer_id: str, timeout: float) -> None:  # noqa: ASYNC109 - passed on
        if peer_id == self.peer_id:
            raise Unreachable("that is this peer itself")
        self._forgotten.pop(peer_id, None)
        await trio.sleep(self._network.delay() * 2)
        target = self._network.running(peer_id)
        if target is None or not self.running:
            raise Unreachable(f"{peer_id} does not answer: connection refused")
        if not self._network.link(self, target):
            await trio.sleep(timeout)
            raise Unreachable(f"{peer_id} does not answer within {timeout:g} s")

    def _keep_stream(self, stream: SimulatedStream) -> None:
        kept = [s for s in self._streams.get(stream.peer_id, []) if not s.over]
        self._streams[stream.peer_id] = [*kept, stream]

    def _refuse(self, reason: str) -> None:
        self.counters.refused[reason] = self.counters.refused.get(reason, 0) + 1

    def _stop(self) -> None:
        self.running = False
        for peer_id in list(self._links):
            other = self._network.running(peer_id)
            if other is not None:
                other.link_down(self.peer_id)
            self.link_down(peer_id)
