"""One peer of the simulated network; see :mod:`chorus_tui.engine.mesh.simulated`.

The rule it keeps: whatever happens to a peer happens in the order of its wire, so that a seed replays.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import structlog
import trio

from chorus_tui.engine.mesh.interface import (
    Ban,
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
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.simulated_time import Sleeper

if TYPE_CHECKING:
    from chorus_tui.engine.mesh.simulated import SimulatedNetwork

log = structlog.get_logger(__name__)

_SEEN = 20_000


class Wire:
    """What is on its way to one peer: actions ordered by due time, then by order of sending."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._waits = Sleeper()

    def at(self, due: float, action: Callable[[], None]) -> None:
        """Run ``action`` at ``due`` (trio's clock)."""
        number = next(self._numbers)
        heapq.heappush(self._heap, (due, number, action))
        if self._heap[0][1] == number:  # else something that is waited for already is due before it
            self._waits.sooner(due)

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            while self._heap and self._heap[0][0] <= trio.current_time():
                heapq.heappop(self._heap)[2]()
            self._waits = Sleeper()
            await self._waits.sleep_until(self._heap[0][0] if self._heap else math.inf)


@dataclass(frozen=True, slots=True)
class Gossip:
    """One message on its way. ``number`` is its own in the whole network."""

    number: int
    topic: str
    data: bytes
    author: str


class SimulatedMesh:
    """One peer of a :class:`SimulatedNetwork`; see :class:`chorus_tui.engine.mesh.interface.Mesh`."""

    def __init__(self, network: SimulatedNetwork, peer_id: str, bootstrap: list[str]) -> None:
        self.peer_id = peer_id
        self.counters = MeshCounters()
        self.values = None
        """There is no DHT in simulated networks; everything holds without one."""
        self.wire = Wire()
        self.running = False
        self.topics: dict[str, None] = {}
        self._network = network
        self._bootstrap = bootstrap
        self._links: dict[str, Link] = {}
        self._known: dict[str, None] = {}
        self._forgotten: dict[str, None] = {}
        self._banned: dict[str, Ban] = {}
        self._streams: dict[str, list[SimulatedStream]] = {}
        self._seen: dict[int, None] = {}
        self._link_handlers: list[LinkHandler] = []
        self._validator: Validator = lambda _topic, _data, _author, _forwarder: Verdict.ACCEPT
        self._gossip: GossipHandler | None = None
        self._gate: Gate = lambda _peer, _protocol: True
        self._serving: dict[str, StreamHandler] = {}
        self._inbox_in, self._inbox_out = trio.open_memory_channel[Gossip](GOSSIP_QUEUE)
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
        gossip = Gossip(next(self._network.numbers), topic, data, self.peer_id)
        self._network.published.append(gossip)
        self._spread(gossip, self.peer_id)

    def repeat(self, old: Gossip) -> None:
        """Say an old message again, as one that nobody has seen."""
        self._spread(Gossip(next(self._network.numbers), old.topic, old.data, old.author), self.peer_id)

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

    def bans(self) -> dict[str, Ban]:
        """Whom a person here keeps out; nobody is out for conduct in a simulated network."""
        return dict(self._banned)

    def held_against(self, peer_id: str) -> float:  # noqa: ARG002 - the interface has it
        """Nothing: conduct is not judged in a simulated network."""
        return 0.0

    def ban(self, peer_id: str, why: str, seconds: float | None) -> None:
        """Cut a peer off and keep it out for ``seconds``, or until :meth:`lift`."""
        now = trio.current_time()
        self._banned[peer_id] = Ban(why, now, None if seconds is None else now + seconds, by_person=True)
        self._forgotten[peer_id] = None
        self._network.unlink(self.peer_id, peer_id)
        if seconds is not None:
            self.wire.at(now + seconds, partial(self._end_ban, peer_id))

    def _end_ban(self, peer_id: str) -> None:
        self.lift(peer_id)

    def lift(self, peer_id: str) -> bool:
        """End a ban; whether there was one."""
        self._forgotten.pop(peer_id, None)
        return self._banned.pop(peer_id, None) is not None

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
            handler(other.peer_id, True)

    def link_down(self, peer_id: str) -> None:
        """The link is gone: its streams break."""
        if self._links.pop(peer_id, None) is None:
            return
        for stream in self._streams.pop(peer_id, []):
            stream.reset()
        for handler in self._link_handlers:
            handler(peer_id, False)

    def hear(self, gossip: Gossip, forwarder: str) -> None:
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

    def _spread(self, gossip: Gossip, forwarder: str) -> None:
        self._seen[gossip.number] = None
        if len(self._seen) > _SEEN:
            del self._seen[next(iter(self._seen))]
        for peer_id in self._links:
            if peer_id not in (forwarder, gossip.author):
                self._transmit(gossip, peer_id)

    def _transmit(self, gossip: Gossip, peer_id: str) -> None:
        target = self._network.running(peer_id)
        if target is None or self._network.chance(self._network.loss):
            return
        # A copy that comes late, after the cache of seen messages forgot the first, is delivered again.
        for late_copy in (False, True) if self._network.chance(self._network.duplication) else (False,):
            arrive = partial(self._arrive, target, gossip, late_copy=late_copy)
            target.wire.at(trio.current_time() + self._network.delay(), arrive)

    def _arrive(self, target: SimulatedMesh, gossip: Gossip, *, late_copy: bool) -> None:
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
        except WireError as error:
            log.debug("stream made no sense", peer=stream.peer_id, reason=str(error))
            stream.reset()
        except trio.TooSlowError:
            log.debug("stream ended", peer=stream.peer_id, reason="the peer fell silent")
            stream.reset()
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
        # All of them: one may still hold a link that this side gave up in a cut, and no ping would ever find out.
        for other in self._network.all_running():
            other.link_down(self.peer_id)
        for peer_id in list(self._links):
            self.link_down(peer_id)
