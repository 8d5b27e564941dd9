"""Dialling a multiaddr, with or without the peer's id, and saying in words why it failed.

Rules: an address without ``/p2p/<id>`` is asked who it is by a handshake of its own, which proves the id; two dials to
one peer never run at once; the library's list of recently failed peers (60 s without an attempt) is bypassed. A name may
stand for several peers, this one among them, as that of a Swarm service does: each of its addresses is dialled. The library
would look it up for each step anew and take the first address, so that who was asked and who was dialled could differ.
"""

from __future__ import annotations

import random
import socket
from typing import Any, Final
from weakref import WeakValueDictionary

import trio
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.peer.id import ID
from libp2p.transport.exceptions import OpenConnectionError
from multiaddr import Multiaddr

from chorus_tui.engine.mesh.hardening.private_network import PrivateConnection
from chorus_tui.engine.mesh.interface import Unreachable
from chorus_tui.engine.settings import MULTIADDR

HANDSHAKE: Final = "it answers, but the secure handshake failed: another network key, or no peer of this kind"
ITSELF: Final = " is this peer itself"
NAMES: Final = {"dns": socket.AF_UNSPEC, "dns4": socket.AF_INET, "dns6": socket.AF_INET6}
MAX_PLACES: Final = 16
"""Addresses of one name that are dialled at once; of more, any."""


class Dialer:
    """``host``: the running libp2p host. ``key``: the network key."""

    def __init__(self, host: Any, key: bytes | None) -> None:
        self._host = host
        self._swarm = host.get_network()
        self._key = key
        self._locks: WeakValueDictionary[str, trio.Lock] = WeakValueDictionary()
        """One a peer or address that is being dialled, for as long as somebody does."""

    async def dial(self, address: str, limit: float) -> str:
        """Connect to ``address`` within ``limit`` seconds, or to all that its name stands for; the id of a peer reached.

        Raises :class:`Unreachable`.
        """
        target, wanted = _parsed(address)
        reached: list[str] = []
        failed: list[Unreachable] = []

        async def attempt(one: Multiaddr) -> None:
            try:
                reached.append(await self._dial(one, wanted, address))
            except Unreachable as error:
                failed.append(error)

        with trio.move_on_after(limit) as patience:
            places = await _places(target, address)
            async with trio.open_nursery() as nursery:
                for one in places:
                    nursery.start_soon(attempt, one)
        if reached:
            return reached[0]
        if patience.cancelled_caught:
            late = f"{address} does not answer within {limit:g} s (nobody there, or another network key)"
            failed.append(Unreachable(late))
        # Why others were not reached tells more than that one of the addresses is our own.
        raise min(failed, key=lambda why: str(why).endswith(ITSELF))

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
            raise Unreachable(f"{address}{ITSELF}")
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


def _parsed(address: str) -> tuple[Multiaddr, ID | None]:
    place, _, expected = address.partition("/p2p/")
    reason = f"{address} is not a multiaddr such as /ip4/192.0.2.7/tcp/9000"
    if not MULTIADDR.fullmatch(place):
        raise Unreachable(reason)
    try:
        return Multiaddr(place), ID.from_string(expected) if expected else None
    except Exception as error:
        raise Unreachable(reason) from error


async def _places(target: Multiaddr, address: str) -> list[Multiaddr]:
    """The addresses that a name stands for; an address stands for itself."""
    first = next(iter(target.protocols())).name
    if first not in NAMES:
        return [target]
    name, port = target.value_for_protocol(first), int(target.value_for_protocol("tcp"))
    try:
        found = await trio.socket.getaddrinfo(name, port, NAMES[first], trio.socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        raise Unreachable(f"{address}: no such host ({getattr(error, 'strerror', None) or 'no name'})") from error
    hosts = {(family, str(place[0]).partition("%")[0]) for family, _, _, _, place in found}
    # In any order: the system's is the same for all that ask, and begins with the asker's own.
    chosen = random.SystemRandom().sample(sorted(hosts), min(len(hosts), MAX_PLACES))
    return [Multiaddr(f"/{'ip6' if family == socket.AF_INET6 else 'ip4'}/{host}/tcp/{port}") for family, host in chosen]


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
