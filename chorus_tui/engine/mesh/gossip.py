"""Topics and messages: joined topics outlive a restart of the network layer, one task delivers in order.

The rule it keeps: neither a validator nor a handler that raises gets any further than its message.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
import trio
from libp2p.peer.id import ID

from chorus_tui.engine.mesh.conduct import Conduct
from chorus_tui.engine.mesh.hardening.pubsub import SafePubsub, gossipsub
from chorus_tui.engine.mesh.interface import FrameTooLarge, GossipHandler, MeshError, NotJoined, Validator, Verdict
from chorus_tui.engine.mesh.limits import GOSSIP_QUEUE, MAX_GOSSIP

log = structlog.get_logger(__name__)


class Gossip:
    """The gossip side of the mesh; implements :class:`hardening.pubsub.Listener`. ``knows``: whether a peer is no stranger."""

    def __init__(self, own_id: str, conduct: Conduct, knows: Callable[[str], bool]) -> None:
        self.knows = knows
        self.validator: Validator = lambda _topic, _data, _author, _forwarder: Verdict.ACCEPT
        self.handler: GossipHandler | None = None
        self._own_id = own_id
        self._conduct = conduct
        self._topics: set[str] = set()
        self._pubsub: SafePubsub | None = None
        self._running = False
        self._changing = trio.Lock()
        self._in, self._out = trio.open_memory_channel[tuple[str, bytes, str]](GOSSIP_QUEUE)

    def make(self, host: Any, first_number: int) -> tuple[Any, SafePubsub]:
        """Router and pubsub for a host that is about to run."""
        self._running = False
        router = gossipsub()
        self._pubsub = SafePubsub(host, router, self, first_number)
        return router, self._pubsub

    async def start(self, nursery: trio.Nursery) -> None:
        """Pubsub runs: subscribe to what was joined before, and deliver."""
        assert self._pubsub is not None
        async with self._changing:
            for topic in sorted(self._topics):
                await self._pubsub.subscribe(topic)
            self._running = True
        nursery.start_soon(self._pubsub.clear_leaks)
        nursery.start_soon(self._deliver_all)

    async def join(self, topic: str) -> None:
        """Idempotent."""
        async with self._changing:
            if topic not in self._topics:
                self._topics.add(topic)
                if self._running and self._pubsub is not None:
                    await self._pubsub.subscribe(topic)

    async def leave(self, topic: str) -> None:
        """Idempotent."""
        async with self._changing:
            if topic in self._topics:
                self._topics.discard(topic)
                if self._running and self._pubsub is not None:
                    await self._pubsub.unsubscribe(topic)

    async def publish(self, topic: str, data: bytes) -> None:
        """Raises :class:`NotJoined`, :class:`FrameTooLarge`, :class:`MeshError`."""
        if topic not in self._topics:
            raise NotJoined(f"not joined: {topic}")
        if len(data) > MAX_GOSSIP:
            raise FrameTooLarge(f"a gossip message of {len(data)} bytes; {MAX_GOSSIP} are allowed")
        if not self._running or self._pubsub is None:
            raise MeshError("the mesh is not running")
        await self._pubsub.publish(topic, data)
        self._conduct.sent(len(data))

    def forget(self, peer_id: str) -> None:
        """The peer has disconnected."""
        if self._pubsub is not None:
            self._pubsub.forget(ID.from_string(peer_id))

    def judge(self, topic: str, data: bytes, author: str, forwarder: str) -> Verdict:
        """Ask the validator; one that raises has ignored the message."""
        try:
            verdict = self.validator(topic, data, author, forwarder)
        except Exception:
            log.exception("validator failed", topic=topic)
            self._conduct.refused(forwarder, "validator failed")
            return Verdict.IGNORE
        if verdict is Verdict.REJECT:
            self._conduct.refused(forwarder, "validator")
        elif verdict is Verdict.IGNORE:
            self._conduct.refused(forwarder, "ignored")
        return verdict

    def deliver(self, topic: str, data: bytes, author: str) -> None:
        """Queue an accepted message for the handler."""
        self._conduct.received(len(data))
        try:
            self._in.send_nowait((topic, data, author))
        except trio.WouldBlock:
            self._conduct.refused(author, "handler queue full")

    def offended(self, peer_id: str, reason: str) -> None:
        """A peer sent what it should not have."""
        self._conduct.refused(peer_id, reason)

    async def _deliver_all(self) -> None:
        while True:
            topic, data, author = await self._out.receive()
            if self.handler is None or topic not in self._topics:
                continue
            try:
                await self.handler(topic, data, author)
            except Exception:
                log.exception("gossip handler failed", topic=topic)
                self._conduct.refused(author, "handler failed")
