"""Dialling a multiaddr, with or without the peer's id, and saying in words why it failed.

Rules: an address without ``/p2p/<id>`` is asked who it is by a handshake of its own, which proves the id; two dials to
one peer never run at once; the library's list of recently failed peers (60 s without an attempt) is bypassed.
"""

from __future__ import annotations

from typing import Any, Final

import trio
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.peer.id import ID
from libp2p.transport.exceptions import OpenConnectionError
from multiaddr import Multiaddr

from chorus_tui.engine.mesh.hardening.private_network import PrivateConnection
from chorus_tui.engine.mesh.interface import Unreachable

HANDSHAKE: Final = "it answers, but the secure handshake failed: another network key, or no peer of this kind"


class Dialer:
    """``host``: the running libp2p host. ``key``: the network key."""

    def __init__(self, host: Any, key: bytes | None) -> None:
        self._host = host
        self._swarm = host.get_network()
        self._key = key
        self._locks: dict[str, trio.Lock] = {}

    async def dial(self, address: str, limit: float) -> str:
        """Connect to ``address`` within ``limit`` seconds; the peer id. Raises :class:`Unreachable`."""
        try:
            place, _, expected = address.partition("/p2p/")
            target = Multiaddr(place)
            wanted = ID.from_string(expected) if expected else None
        except Exception as error:
            raise Unreachable(f"{address} is not a multiaddr such as /ip4/192.0.2.7/tcp/9000") from error
        with trio.move_on_after(limit):
            return await self._dial(target, wanted, address)
        raise Unreachable(f"{address} does not answer within {limit:g} s (nobody there, or another network key)")

    async def _dial(self, target: Multiaddr, wanted: ID | None, address: str) -> str:
        lock = self._locks.setdefault(str(wanted or target), trio.Lock())
        async with lock:
            try:
                peer = wanted or await self._ask(target)
                if peer != self._host.get_id() and not self.linked(peer):
                    await self._swarm.dial_addr(target, peer)
            except Exception as error:
                raise Unreachable(f"{address}: {_reason(error)}") from error
        if peer == self._host.get_id():
            raise Unreachable(f"{address} is this peer itself")
        return str(peer)

    def linked(self, peer: ID) -> bool:
        """Whether an open connection to the peer stands."""
        return any(not c.is_closed for c in self._swarm.get_connections(peer))

    async def _ask(self, target: Multiaddr) -> ID:
        transport = self._swarm.transport_manager.transport_for_dialing(target)
        if transport is None:
            raise OpenConnectionError(f"{target} is not a TCP address")
        raw: RawConnection = await transport.dial(target)
        try:
            guarded = raw if self._key is None else PrivateConnection(raw, self._key.hex())
            security = self._swarm.upgrader.security_multistream
            _, noise = await security.select_transport_and_protocol(guarded, True)
            session = await noise.get_pattern().handshake_outbound(guarded, None)
            return session.get_remote_peer()
        finally:
            with trio.CancelScope(shield=True):
                await raw.close()


def _reason(error: BaseException) -> str:
    chain: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in chain:
        chain.append(at)
        at = at.__cause__ or at.__context__
    told = " ".join(str(link) for link in chain)
    for link in chain:
        if isinstance(link, OSError) and link.strerror:
            return link.strerror.lower()
    if "does not correspond" in told or "mismatch" in told.lower():
        return "another peer than the address names answers there"
    if "limit" in told.lower():
        return "too many connections here"
    if any(isinstance(link, OpenConnectionError) for link in chain):
        return "no connection (refused, or no such host)"
    return HANDSHAKE
