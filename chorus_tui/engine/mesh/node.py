"""The mesh on libp2p: TCP, the network key, Noise, Yamux, GossipSub, and everything the library needs around it.

The rule it keeps: nothing a peer sends ends this node, and nothing the library forgets (dead peers, redialling, order,
bounds) is left to it. The parts: :mod:`hardening` patches, :mod:`dialer` and :mod:`keeper` connect,
:mod:`address_book` remembers, :mod:`discovery` finds, :mod:`gossip` carries messages, :mod:`serving` streams.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any, cast

import structlog
import trio
from libp2p.custom_types import TProtocol
from libp2p.peer.id import ID
from libp2p.tools.anyio_service import background_trio_service

from chorus_tui.engine.clock import Clock, Entropy, SystemClock, SystemEntropy
from chorus_tui.engine.mesh import hardening, host
from chorus_tui.engine.mesh.address_book import AddressBook
from chorus_tui.engine.mesh.address_exchange import AddressExchange
from chorus_tui.engine.mesh.block_list import BlockList
from chorus_tui.engine.mesh.conduct import Conduct
from chorus_tui.engine.mesh.config import MeshConfig
from chorus_tui.engine.mesh.dht import Dht
from chorus_tui.engine.mesh.dialer import Dialer
from chorus_tui.engine.mesh.discovery import Discovery
from chorus_tui.engine.mesh.doorkeeper import Doorkeeper
from chorus_tui.engine.mesh.gossip import Gossip
from chorus_tui.engine.mesh.hardening import floods
from chorus_tui.engine.mesh.hardening.inbound import keep as keep_door
from chorus_tui.engine.mesh.hardening.kad import PROTOCOL
from chorus_tui.engine.mesh.hardening.records import forget as forget_record
from chorus_tui.engine.mesh.hardening.streams import guard
from chorus_tui.engine.mesh.interface import (
    Ban,
    Gate,
    GossipHandler,
    Link,
    LinkHandler,
    MeshCounters,
    MeshError,
    StreamHandler,
    Unreachable,
    Validator,
)
from chorus_tui.engine.mesh.keeper import Keeper
from chorus_tui.engine.mesh.links import Links
from chorus_tui.engine.mesh.own_addresses import advertised
from chorus_tui.engine.mesh.ping import Pings
from chorus_tui.engine.mesh.serving import Serving
from chorus_tui.engine.mesh.streams import Libp2pStream
from chorus_tui.engine.protocol.identity import Identity
from chorus_tui.engine.shhh.cutting import beginning

log = structlog.get_logger(__name__)

POLITE_S = 0.7
"""Seconds that saying goodbye may take at the end."""


class Libp2pMesh:
    """One peer on the real network; see :class:`chorus_tui.engine.mesh.interface.Mesh`."""

    def __init__(
        self, identity: Identity, config: MeshConfig, clock: Clock | None = None, entropy: Entropy | None = None
    ) -> None:
        hardening.install()
        self.peer_id = identity.peer_id
        self.counters = MeshCounters()
        self._identity = identity
        self._config = config
        self._clock = clock or SystemClock()
        self._entropy = entropy or SystemEntropy()
        blocked = BlockList(config.data_dir / "blocked.json")
        self._conduct = Conduct(self.counters, self._clock.monotonic, self._clock.wall, self._cut_off, blocked)
        self._links = Links(self._conduct.banned)
        self._serving = Serving(self._conduct)
        self._gossip = Gossip(self.peer_id, self._conduct, partial(self._serving.lets_in, protocol=PROTOCOL))
        self._book = AddressBook(config.data_dir / "addresses.json", identity, self._clock.wall, self._knows)
        self._own: list[str] = []
        self._host: Any = None
        self._dialer: Dialer | None = None
        self._nursery: trio.Nursery | None = None
        self._pings: Pings | None = None
        self._keeper = Keeper(
            config,
            self.peer_id,
            self._book,
            self._links.table,
            self._entropy,
            dial=self._dial,
            ping=self._ping,
            heard_at=self._links.heard_at,
            drop=self._drop,
        )
        self._exchange = AddressExchange(self._book, self._links.table, self.open, self._keeper.changed)
        self._serving.add_open(self._exchange.protocol, self._exchange.answer)
        self._discovery: Discovery | None = None
        self.values = Dht(self._links.table.keys, self._clock, config.dht_cache, config.dht_ttl) if config.dht else None

    async def run(self, *, task_status: object = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; started once it listens. Raises :class:`MeshError`."""
        try:
            await self._run(cast("Any", task_status))
        except Exception as error:
            found = _mesh_error(error)
            if found is not None:
                raise found from error
            log.exception("the network layer failed")
            raise MeshError(f"The network layer failed: {type(error).__name__}. The log has the details.") from error
        finally:
            self._host = self._dialer = self._nursery = self._pings = None
            self._book.save()

    async def _run(self, task_status: Any) -> None:
        config = self._config
        host.listen_address(config)
        host.check_port(config.listen_host, config.p2p_port)
        self._book.load()
        self._conduct.load()
        self._host = host.make(self._identity, config, lambda: self._own)
        router, pubsub = self._gossip.make(self._host, int(self._clock.wall() * 1e9))
        for protocol, handler in self._serving.handlers().items():
            self._host.set_stream_handler(TProtocol(protocol), handler)
        if self.values is not None:
            self.values.attach(self._host, partial(self._serving.guarded, PROTOCOL))
        swarm = self._host.get_network()
        keep_door(swarm, Doorkeeper(self.counters, trio.current_time))
        floods.watch(swarm, self._conduct)
        self._links.attach(swarm, self._link_up, self._link_down)
        async with self._host.run(listen_addrs=[host.listen_address(config)]):
            port = host.listening_port(self._host, config)
            guard(self._host)
            self._dialer = Dialer(self._host, config.network_key)
            self._set_addresses(port)
            async with background_trio_service(pubsub), background_trio_service(router):
                await pubsub.wait_until_ready()
                await self._serve(port, task_status)

    async def _serve(self, port: int, task_status: Any) -> None:
        async with trio.open_nursery() as nursery:
            self._nursery, self._pings = nursery, Pings(self._host, nursery)
            self._serving.nursery = nursery
            nursery.start_soon(self._part_at_the_end)
            await self._gossip.start(nursery)
            nursery.start_soon(self._exchange.run)
            nursery.start_soon(self._keep_addresses, port)
            nursery.start_soon(self._keeper.run)
            if self.values is not None:
                nursery.start_soon(self.values.run)
            if self._config.mdns:
                self._discovery = Discovery(
                    self.peer_id, self._config.network_key, self.addresses, self._keeper.heard_of,
                    loopback_only=self._config.loopback_only or host.on_loopback(self._config),
                )  # fmt: skip
                nursery.start_soon(self._discovery.run, port)
            log.info("mesh listening", addresses=self._own, private=self._config.network_key is not None)
            task_status.started()

    def addresses(self) -> list[str]:
        """Own multiaddrs with ``/p2p/<id>``, best first."""
        return list(self._own)

    def links(self) -> dict[str, Link]:
        """Connected peers by id."""
        return dict(self._links.table)

    def set_bootstrap(self, addresses: list[str]) -> None:
        """Whom to dial for ever from now on."""
        self._keeper.set_bootstrap(addresses)

    def problems(self) -> list[str]:
        """What a person should know: bootstrap peers out of reach, no discovery, an open network."""
        found = self._keeper.problems()
        if self._discovery is not None and self._discovery.problem:
            found.append(self._discovery.problem)
        if self.values is not None and self.values.problem:
            found.append(self.values.problem)
        if self._config.network_key is None:
            found.append("the network key is switched off: anybody on this machine may join")
        return found

    def on_link(self, handler: LinkHandler) -> None:
        """Told of every change. Register before :meth:`run`."""
        self._links.handlers.append(handler)

    def set_validator(self, validator: Validator) -> None:
        """One for all topics. Register before :meth:`run`."""
        self._gossip.validator = validator

    def on_gossip(self, handler: GossipHandler) -> None:
        """One for all topics. Register before :meth:`run`."""
        self._gossip.handler = handler

    def set_gate(self, gate: Gate) -> None:
        """Who may open which protocol here. The exchange of addresses is open to all that hold the network key."""
        self._serving.gate = gate

    def serve(self, protocol: str, handler: StreamHandler) -> None:
        """Answer a protocol. Register before :meth:`run`."""
        self._serving.add(protocol, handler)

    async def join(self, topic: str) -> None:
        """Idempotent; before :meth:`run` it is done at the start."""
        await self._gossip.join(topic)

    async def leave(self, topic: str) -> None:
        """Idempotent."""
        await self._gossip.leave(topic)

    async def publish(self, topic: str, data: bytes) -> None:
        """Raises :class:`NotJoined`, :class:`FrameTooLarge`, or :class:`MeshError` when not running."""
        await self._gossip.publish(topic, data)

    async def open(self, peer_id: str, protocol: str, *, timeout: float = 5.0) -> Libp2pStream:  # noqa: ASYNC109 - the interface has it
        """A new stream; dials when there is no link. Raises :class:`Unreachable`."""
        began = trio.current_time()
        if peer_id not in self._links.table:
            await self._dial_known(peer_id, timeout)
        running, nursery = self._host, self._nursery
        if running is None or nursery is None:
            raise Unreachable("the mesh is not running")
        with trio.move_on_after(max(0.1, timeout - (trio.current_time() - began))):
            try:
                stream = await running.new_stream(ID.from_string(peer_id), [TProtocol(protocol)])
            except Exception as error:
                raise Unreachable(f"{peer_id} does not answer {protocol}: {beginning(str(error), 200)}") from error
            return Libp2pStream(stream, nursery)
        raise Unreachable(f"{peer_id} does not answer within {timeout:g} s")

    async def connect(self, address: str, *, timeout: float = 10.0) -> str:  # noqa: ASYNC109 - the interface has it
        """Dial a multiaddr, with or without ``/p2p/<id>``; the peer id. Raises :class:`Unreachable`."""
        peer_id = await self._dial(address, timeout)
        self._keeper.remember(peer_id)
        self._keeper.heard_of(peer_id, [address])
        return peer_id

    async def forget(self, peer_id: str) -> None:
        """Close the link and stop redialling."""
        self._keeper.forget(peer_id)
        await self._drop(peer_id)

    def bans(self) -> dict[str, Ban]:
        """Who is kept out now, by peer id."""
        return self._conduct.bans()

    def held_against(self, peer_id: str) -> float:
        """Points of its conduct."""
        return self._conduct.points(peer_id)

    def ban(self, peer_id: str, why: str, seconds: float | None) -> None:
        """Cut a peer off and keep it out; None: until :meth:`lift`, also after a restart."""
        self._conduct.ban(peer_id, why, seconds)

    def lift(self, peer_id: str) -> bool:
        """End a ban, and dial the peer again; whether there was one."""
        self._keeper.remember(peer_id)
        self._keeper.changed()
        return self._conduct.lift(peer_id)

    async def _dial(self, address: str, limit: float) -> str:
        if self._dialer is None:
            raise Unreachable("the mesh is not running")
        if self._conduct.banned(address.partition("/p2p/")[2]):
            raise Unreachable("that peer is kept out; see: chorus-tui peers")
        self.counters.dials += 1
        try:
            return await self._dialer.dial(address, limit)
        except Unreachable:
            self.counters.dials_failed += 1
            raise

    async def _dial_known(self, peer_id: str, limit: float) -> None:
        reason = "no address of it is known"
        deadline = trio.current_time() + limit
        for address in self._keeper.places(peer_id):
            try:
                await self._dial(address, max(0.1, deadline - trio.current_time()))
            except Unreachable as error:
                reason = str(error)
                continue
            return
        raise Unreachable(f"{peer_id} is not reachable: {reason}")

    async def _ping(self, peer_id: str) -> float | None:
        if self._pings is None:
            return None
        seconds = await self._pings.measure(peer_id, self._config.ping_timeout, self._entropy.bytes(32))
        if seconds is None:
            self.counters.pings_lost += 1
        else:
            self.counters.pings.observe(seconds)
        return seconds

    async def _drop(self, peer_id: str) -> None:
        if self._host is not None:
            await self._links.drop(peer_id)

    def _cut_off(self, peer_id: str) -> None:
        ban = self._conduct.bans()[peer_id]
        log.warning("peer is kept out", peer=peer_id, reason=ban.why)
        if self._nursery is not None:
            self._nursery.start_soon(self._drop, peer_id)

    def _knows(self, peer_id: str) -> bool:
        return peer_id in self._links.table or self._serving.lets_in(peer_id, PROTOCOL)

    def _link_up(self, peer_id: str) -> None:
        self.counters.links_opened += 1
        if self._nursery is None:
            return
        self._nursery.start_soon(self._keeper.watch, peer_id)
        self._nursery.start_soon(self._exchange.tell, peer_id)

    def _link_down(self, peer_id: str) -> None:
        self.counters.links_closed += 1
        forget_record(self._host, ID.from_string(peer_id))
        floods.forget(self._host.get_network(), peer_id)
        self._gossip.forget(peer_id)
        if self._pings is not None:
            self._pings.forget(peer_id)
        self._keeper.lost(peer_id)

    def _set_addresses(self, port: int) -> bool:
        config = self._config
        own = advertised(config.listen_host, port, self.peer_id, config.announce_addresses)
        changed = own != self._own
        if changed:
            self._own = own
            self._book.state_own(own)
        return changed

    async def _keep_addresses(self, port: int) -> None:
        # Interfaces come and go: a laptop changes its network.
        while True:
            await trio.sleep(30)
            if self._set_addresses(port):
                self._exchange.spread()

    async def _part_at_the_end(self) -> None:
        try:
            await trio.sleep_forever()
        finally:
            began = time.perf_counter()
            with trio.CancelScope(shield=True):
                await self._links.drop_all(POLITE_S)
                with trio.move_on_after(POLITE_S):
                    await self._host.close()
            log.debug("mesh closed", took_s=round(time.perf_counter() - began, 2))


def _mesh_error(error: BaseException) -> MeshError | None:
    if isinstance(error, MeshError):
        return error
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            found = _mesh_error(inner)
            if found is not None:
                return found
    return None
