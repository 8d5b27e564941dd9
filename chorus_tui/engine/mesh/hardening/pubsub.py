"""GossipSub that a hostile frame can't end, that keeps an author's order, and asks our validator.

Reasons, all measured on the library as shipped: one malformed frame from a connected peer (a broken protobuf, a bad
key, an empty sender) ends the process; so does an exception in a validator; each message runs in a task of its own, so
two messages of one author may overtake each other; sequence numbers start at the Unix second, so that a restarted node
repeats them and its messages are dropped as seen (97 of 100); times of delivery are kept for ever; a message over the
limit is lost without an error; spam protection drops more than ten messages a second; what it remembers of prunes, of
topics' names and of peers without end of either has no bound, and one frame may ask for one message ten thousand times.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

import libp2p.pubsub.pubsub as library
import structlog
import trio
from libp2p.exceptions import ValidationError
from libp2p.io.exceptions import IOException
from libp2p.network.connection.exceptions import RawConnError
from libp2p.network.stream.exceptions import StreamEOF, StreamError
from libp2p.peer.id import ID
from libp2p.pubsub.gossipsub import PROTOCOL_ID, PROTOCOL_ID_V11, GossipSub
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.pubsub import Pubsub
from libp2p.pubsub.validators import signature_validator
from libp2p.utils.varint import read_varint_prefixed_bytes_limited

from chorus_tui.engine.mesh.hardening.records import consume
from chorus_tui.engine.mesh.hardening.streams import quiet_reset
from chorus_tui.engine.mesh.interface import Verdict
from chorus_tui.engine.mesh.limits import (
    BYTES_PER_SECOND,
    CONTROL_PER_SECOND,
    MAX_RPC,
    MAX_TOPIC,
    MESSAGES_PER_SECOND,
    OFFERS_PER_SECOND,
    STRANGERS_PER_SECOND,
    WANTED_AT_ONCE,
    Allowance,
)
from chorus_tui.engine.protocol.identity import is_peer_id
from chorus_tui.engine.shhh.cutting import beginning

log = structlog.get_logger(__name__)

PROTOCOLS: Final = [PROTOCOL_ID_V11, PROTOCOL_ID]
"""meshsub 1.1 and 1.0. 1.2 adds a control frame to every mesh peer for every message, whatever its size."""


LONGEST_BACK_OFF_S: Final = 60
"""Seconds a peer may ask not to be grafted."""
MOST_CONTROL: Final = int(10 * CONTROL_PER_SECOND)
"""Parts of gossip's own talk in one frame: as many as the burst of what may come at all."""


class Allowances:
    """What one forwarder may bring."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.messages = Allowance(MESSAGES_PER_SECOND, 4 * MESSAGES_PER_SECOND, now)
        self.size = Allowance(BYTES_PER_SECOND, 4 * BYTES_PER_SECOND, now)
        self.stranger = Allowance(STRANGERS_PER_SECOND, 4 * STRANGERS_PER_SECOND, now)
        self.control = Allowance(CONTROL_PER_SECOND, 10 * CONTROL_PER_SECOND, now)
        self.offers = Allowance(OFFERS_PER_SECOND, 4 * OFFERS_PER_SECOND, now)


class Listener(Protocol):
    """What the mesh is told by gossip."""

    def judge(self, topic: str, data: bytes, author: str, forwarder: str) -> Verdict:
        """May this message be delivered and forwarded? Must not raise."""
        ...

    def deliver(self, topic: str, data: bytes, author: str) -> None:
        """An accepted message of another peer; must not block."""
        ...

    def offended(self, peer_id: str, reason: str) -> None:
        """A peer sent what it should not have; counted."""
        ...

    def knows(self, peer_id: str) -> bool:
        """Whether the peer is no stranger."""
        ...


def gossipsub() -> GossipSub:
    """The router with the settings that carry a burst, return to a topic at once, and forget."""
    router = GossipSub(
        protocols=PROTOCOLS,
        degree=6,
        degree_low=4,
        degree_high=12,
        heartbeat_interval=1,
        gossip_window=3,
        gossip_history=5,
        prune_back_off=2,
        unsubscribe_back_off=1,
        spam_protection_enabled=False,
        adaptive_gossip_enabled=False,
        eclipse_protection_enabled=False,
    )
    # With the library's 10 s, a peer that leaves a topic and returns stays mute for over a minute.
    router.graft_flood_threshold = 0
    return router


class SafePubsub(Pubsub):
    """See the module. ``first_number``: where sequence numbers start, ns since the epoch."""

    def __init__(self, host: Any, router: GossipSub, listener: Listener, first_number: int) -> None:
        super().__init__(
            host,
            router,
            strict_signing=True,
            max_inbound_rpc_size=MAX_RPC,
            max_subscriptions_per_rpc=1000,
            max_subscriptions_per_peer=500,
        )
        self.counter = first_number
        self._listener = listener
        self._allowances: dict[ID, Allowances] = {}

    async def continuously_read_stream(self, stream: Any) -> None:
        """Read frames until the stream ends; a bad one costs the stream and is counted."""
        peer = stream.muxed_conn.peer_id
        try:
            while self.manager.is_running:
                await self._take(peer, await read_varint_prefixed_bytes_limited(stream, self.max_inbound_rpc_size))
        except (StreamEOF, StreamError, RawConnError) as error:
            log.debug("gossip stream ended", peer=str(peer), reason=beginning(repr(error), 200))
            ours = self.peers.get(peer)
            if ours is not None and ours.muxed_conn.is_closed:
                self._handle_dead_peer(peer)
        except Exception as error:  # noqa: BLE001 - whatever a hostile frame provokes stays here
            if not isinstance(error, IOException) or type(error).__name__ == "MessageTooLarge":
                self._listener.offended(str(peer), "bad frame")
                log.warning("bad gossip frame", peer=str(peer), reason=beginning(repr(error), 200))
            await quiet_reset(stream)
            self._handle_dead_peer(peer)

    async def _take(self, peer: ID, frame: bytes) -> None:
        rpc = rpc_pb2.RPC()
        rpc.ParseFromString(frame)
        if not consume(rpc, self.host, peer):
            self._listener.offended(str(peer), "bad peer record")
            return
        # One after the other, in the frame's order; the library starts a task for each.
        for message in rpc.publish:
            if self._is_subscribed_to_msg(message) and self._within_allowance(peer, message):
                await self.push_msg(peer, message)
        if len(rpc.subscriptions) > self.max_subscriptions_per_rpc:
            self._listener.offended(str(peer), "too many subscriptions")
        for subscription in rpc.subscriptions[: self.max_subscriptions_per_rpc]:
            if len(subscription.topicid) > MAX_TOPIC:
                self._listener.offended(str(peer), "long topic")
            else:
                self.handle_subscription(peer, subscription)
        if rpc.HasField("control") and self._bound_control(peer, rpc.control):
            await self.router.handle_rpc(rpc, peer)

    def _bound_control(self, peer: ID, control: Any) -> bool:
        """Take out of a frame's control part what is not ours or too much; whether it may be handled at all."""
        # By number before anything else: whatever is done for each of them is done for a bounded number.
        if sum(map(len, (control.graft, control.prune, control.ihave, control.iwant))) > MOST_CONTROL:
            self._listener.offended(str(peer), "too many control messages")
            return False
        for part in (control.graft, control.prune, control.ihave):
            ours = [one for one in part if one.topicID in self.topic_ids]
            if len(ours) < len(part):  # made anew: to remove one after the other compares each with all before it
                del part[:]
                part.extend(ours)
        for prune in control.prune:
            del prune.peers[:]  # the keeper finds peers
            prune.backoff = min(prune.backoff, LONGEST_BACK_OFF_S)
        for named in (*control.ihave, *control.iwant):
            wanted = list(dict.fromkeys(named.messageIDs))[:WANTED_AT_ONCE]
            del named.messageIDs[:]
            named.messageIDs.extend(wanted)
        if not self._allowance(peer).offers.take(sum(len(named.messageIDs) for named in control.ihave)):
            del control.ihave[:]  # a busy peer's: it loses these, and nothing else of the frame
            self._listener.offended(str(peer), "over its rate")
        size = len(control.graft) + len(control.prune) + sum(len(named.messageIDs) for named in control.iwant)
        if self._allowance(peer).control.take(size):
            return True
        self._listener.offended(str(peer), "too many control messages")
        return False

    async def push_msg(self, msg_forwarder: ID, msg: Any) -> None:
        """As the library's; a message that breaks it is dropped."""
        try:
            await super().push_msg(msg_forwarder, msg)
            if _Unsigned.last is msg:
                _Unsigned.last = None
                self._listener.offended(str(msg_forwarder), "bad signature")
        except Exception as error:  # noqa: BLE001 - a bad key or sender raises anything
            self._listener.offended(str(msg_forwarder), "bad message")
            log.warning("gossip message dropped", peer=str(msg_forwarder), reason=beginning(repr(error), 200))

    async def validate_msg(self, msg_forwarder: ID, msg: Any) -> None:
        """Ask the mesh; the library's own cache keeps verdicts by id for 5 minutes, which we do not want."""
        if msg_forwarder == self.my_id:
            return
        author = ID(msg.from_id).to_base58()
        if len(msg.topicIDs) != 1 or not is_peer_id(author):
            self._listener.offended(str(msg_forwarder), "malformed")
            verdict = Verdict.IGNORE
        else:
            verdict = self._listener.judge(msg.topicIDs[0], msg.data, author, msg_forwarder.to_base58())
        if verdict is not Verdict.ACCEPT:
            self._mark_msg_seen(msg)
            raise ValidationError("refused")

    def notify_subscriptions(self, publish_message: Any) -> None:
        """Hand a message of another peer to the mesh."""
        author = ID(publish_message.from_id)
        if author != self.my_id:
            self._listener.deliver(publish_message.topicIDs[0], publish_message.data, author.to_base58())

    async def write_msg(self, stream: Any, rpc_msg: Any) -> bool:
        """As the library's; whatever a broken stream raises ends this peer's sending, not the node."""
        try:
            return bool(await super().write_msg(stream, rpc_msg))
        except Exception as error:  # noqa: BLE001 - see above
            log.debug("gossip write failed", peer=str(stream.muxed_conn.peer_id), reason=beginning(repr(error), 200))
            await quiet_reset(stream)
            self._handle_dead_peer(stream.muxed_conn.peer_id)
            return False

    def _handle_dead_peer(self, peer_id: ID) -> None:
        # Called late, for a stream of an old connection, the library's would forget what the peer subscribed to by its
        # new one; it tells that only once, and would get nothing from us ever after.
        topics = [topic for topic, peers in self.peer_topics.items() if peer_id in peers]
        super()._handle_dead_peer(peer_id)
        if self._peer_is_connected(peer_id):
            for topic in topics:
                self.peer_topics.setdefault(topic, set()).add(peer_id)
            self._peer_subscription_count[peer_id] = len(topics)

    def forget(self, peer: ID) -> None:
        """The peer has disconnected.

        The library hears of it through a queue, and skips a peer that is back by then: it would go on writing to the
        stream of the old connection, and the two would be linked but deaf.
        """
        self._allowances.pop(peer, None)
        self._handle_dead_peer(peer)

    async def clear_leaks(self, every: float = 30.0) -> None:
        """Drop, now and then, the list of delivery times that the router only appends to."""
        while True:
            await trio.sleep(every)
            self.router.recent_message_deliveries.clear()

    def _within_allowance(self, peer: ID, message: Any) -> bool:
        allowance = self._allowance(peer)
        known = self._listener.knows(str(peer)) or allowance.stranger.take(1)
        if known and allowance.messages.take(1) and allowance.size.take(len(message.data)):
            return True
        self._listener.offended(str(peer), "over its rate")
        return False

    def _allowance(self, peer: ID) -> Allowances:
        if peer not in self._allowances:
            self._allowances[peer] = Allowances(trio.current_time)
        return self._allowances[peer]


class _Unsigned:
    """The last message whose signature did not hold. The library drops it without a word, and without waiting in between."""

    last: Any = None


def _signed(message: Any) -> bool:
    holds = bool(signature_validator(message))
    if not holds:
        _Unsigned.last = message
    return holds


def install() -> None:
    """See which messages the library drops for their signature: no honest peer forwards one."""
    library.signature_validator = _signed
