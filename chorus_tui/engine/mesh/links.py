"""Which peers are connected. The library counts connections, and two may lead to one peer; here a peer is one link.

Who is kept out gets no link: each of its connections is closed before it counts, also one that it makes while another is being closed.

A peer that dials us has lost what it had: an older connection to it, whose end never reached us, is closed then. Else
gossip would go on into the dead one, and the two would be linked but deaf until a ping is missed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import structlog
import trio
from libp2p.abc import INotifee
from libp2p.peer.id import ID

from chorus_tui.engine.mesh.hardening.yamux import cut, heard_at
from chorus_tui.engine.mesh.interface import Link, LinkHandler

log = structlog.get_logger(__name__)

DIAL_TAKES_S: Final = 10.0
"""Seconds from the begin of a dial to its connection, at most: the other side's may have begun before ours arrived."""


class Links(INotifee):
    """``table``: the live table, by peer id. ``handlers``: told after our own parts. ``kept_out``: whether that peer may have no link."""

    def __init__(self, kept_out: Callable[[str], bool]) -> None:
        self.table: dict[str, Link] = {}
        self.handlers: list[LinkHandler] = []
        self._kept_out = kept_out
        self._swarm: Any = None
        self._since: dict[Any, float] = {}

    def attach(self, swarm: Any, up: Callable[[str], None], down: Callable[[str], None]) -> None:
        """Follow a swarm that is about to run. ``up`` and ``down`` hear of each change first."""
        self.table.clear()
        self._since.clear()
        self._swarm = swarm
        self._up, self._down = up, down
        swarm.register_notifee(self)

    async def connected(self, _network: Any, conn: Any) -> None:
        """The library has a new connection."""
        if self._kept_out(str(conn.muxed_conn.peer_id)):
            await self._close(conn)
            return
        self._since[conn] = trio.current_time()
        self._compare(str(conn.muxed_conn.peer_id))
        for old in self._overtaken(conn):
            log.info("peer has dialled anew, closing its old connection", peer=str(conn.muxed_conn.peer_id))
            await self._close(old)

    async def disconnected(self, _network: Any, conn: Any) -> None:
        """The library lost a connection."""
        self._since.pop(conn, None)
        self._compare(str(conn.muxed_conn.peer_id))

    async def opened_stream(self, _network: Any, _stream: Any) -> None:
        """Of no interest here."""

    async def closed_stream(self, _network: Any, _stream: Any) -> None:
        """Of no interest here."""

    async def listen(self, _network: Any, _address: Any) -> None:
        """Of no interest here."""

    async def listen_close(self, _network: Any, _address: Any) -> None:
        """Of no interest here."""

    async def drop(self, peer_id: str, polite: float = 0.0) -> None:
        """Close all connections to a peer: a goodbye for ``polite`` seconds at most, then the sockets."""
        for conn in list(self._swarm.get_connections(ID.from_string(peer_id))):
            await self._close(conn, polite)
        self._compare(peer_id)

    async def drop_all(self, polite: float) -> None:
        """Close everything at once, as :meth:`drop`."""
        async with trio.open_nursery() as nursery:
            for peer in list(self._swarm.connections):
                nursery.start_soon(self.drop, str(peer), polite)

    async def _close(self, conn: Any, polite: float = 0.0) -> None:
        with trio.move_on_after(polite):
            await conn.close()
        _cut(conn)
        with trio.move_on_after(1):
            await conn.close()
        if not conn.event_closed.is_set() or conn in self._swarm.get_connections(conn.muxed_conn.peer_id):
            self._swarm.remove_conn(conn)

    def heard_at(self, peer_id: str) -> float:
        """When something was last read from that peer, by trio's clock; minus infinity when nothing was."""
        conns = self._swarm.get_connections(ID.from_string(peer_id))
        return max((heard_at(conn.muxed_conn) for conn in conns), default=-math.inf)

    def _overtaken(self, conn: Any) -> list[Any]:
        """What stood before ``conn``, a dial of the peer's: all it dialled itself, and ours unless both dialled at once."""
        if _ours(conn):
            return []
        long_ago = trio.current_time() - DIAL_TAKES_S
        others = (c for c in self._swarm.get_connections(conn.muxed_conn.peer_id) if c is not conn)
        return [c for c in others if not _ours(c) or self._since.get(c, long_ago) <= long_ago]

    def _compare(self, peer_id: str) -> None:
        peer = ID.from_string(peer_id)
        open_ones = [c for c in self._swarm.get_connections(peer) if not (c.is_closed or self._kept_out(peer_id))]
        if open_ones and peer_id not in self.table:
            conn = open_ones[0]
            self.table[peer_id] = Link(peer_id, _addresses(conn, peer_id), trio.current_time(), inbound=not _ours(conn))
            self._tell(self._up, peer_id, connected=True)
        elif not open_ones and self.table.pop(peer_id, None) is not None:
            self._tell(self._down, peer_id, connected=False)

    def _tell(self, first: Callable[[str], None], peer_id: str, *, connected: bool) -> None:
        first(peer_id)
        for handler in self.handlers:
            try:
                handler(peer_id, connected)
            except Exception:
                log.exception("link handler failed", peer=peer_id)


def _ours(conn: Any) -> bool:
    """Whether this side dialled."""
    return bool(conn.muxed_conn.is_initiator_value)


def _cut(conn: Any) -> None:
    try:
        cut(conn.muxed_conn)
    except (AttributeError, OSError) as error:
        log.debug("socket gone already", reason=repr(error))


def _addresses(conn: Any, peer_id: str) -> list[str]:
    return [f"{str(a).partition('/p2p/')[0]}/p2p/{peer_id}" for a in conn.muxed_conn.get_transport_addresses()]
