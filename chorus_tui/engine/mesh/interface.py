"""What the engine sees of the network: gossip, framed streams, links. Implemented by libp2p and by a simulation.

Gossip is best effort: unordered, at most once, lossy. Everything that must arrive also travels by the journal.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from chorus_tui.engine.telemetry.histogram import LATENCY_S, SIZE_BYTES, Histogram

MAX_FRAME = 1 << 20
"""Bytes of one stream frame at most."""


class Verdict(Enum):
    """What a validator says of a gossip message. Only ACCEPT delivers and forwards it."""

    ACCEPT = "accept"
    REJECT = "reject"
    IGNORE = "ignore"


class MeshError(Exception):
    """The network could not do it. The text is for people."""


class Unreachable(MeshError):
    """No connection to that peer, and dialling failed."""


class StreamClosed(MeshError):
    """The other side closed or reset the stream, or the connection is gone."""


class FrameTooLarge(MeshError):
    """A frame over the agreed size."""


class NotKept(MeshError):
    """What a person said of a peer holds now, and could not be written: after a restart it is as before. The text is the disk's."""


class NotJoined(MeshError):
    """Publishing to a topic that was not joined."""


class Stream(Protocol):
    """An ordered, encrypted stream of frames (4-byte big-endian length, then bytes) to one verified peer."""

    peer_id: str

    async def send(self, frame: bytes) -> None:
        """Raises :class:`StreamClosed` or :class:`FrameTooLarge`."""
        ...

    async def receive(self, limit: int = MAX_FRAME) -> bytes | None:
        """The next frame, or None when the other side has finished. The length is checked before the bytes are read."""
        ...

    async def finish(self) -> None:
        """Say that no more frames come from here; receiving goes on."""
        ...

    async def close(self) -> None:
        """Give the stream up. Safe to call twice."""
        ...


@dataclass(slots=True)
class Link:
    """One connected peer. ``latency_ms`` is None until measured; ``suspect`` when it stopped answering pings."""

    peer_id: str
    addresses: list[str]
    since: float
    latency_ms: float | None = None
    suspect: bool = False
    inbound: bool = False


@dataclass(frozen=True, slots=True)
class Ban:
    """A peer that is kept out. ``since`` and ``until`` are Unix time; ``until`` is None while a person blocks it."""

    why: str
    since: float
    until: float | None
    by_person: bool


@dataclass(slots=True)
class MeshCounters:
    """Totals since the start, read by telemetry and status.

    ``refused``: messages, frames and streams by reason. ``handshakes_refused``: inbound connections that were cut before
    they said who they are, by reason. ``throttled``: how often a connection had to wait because its peer sent too fast.
    """

    sent: int = 0
    received: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    handshakes_refused: dict[str, int] = field(default_factory=dict)
    throttled: int = 0
    bans: int = 0
    sent_bytes: int = 0
    received_sizes: Histogram = field(default_factory=lambda: Histogram(SIZE_BYTES))
    links_opened: int = 0
    links_closed: int = 0
    dials: int = 0
    dials_failed: int = 0
    pings: Histogram = field(default_factory=lambda: Histogram(LATENCY_S))
    pings_lost: int = 0


Validator = Callable[[str, bytes, str, str], Verdict]
"""(topic, data, author, forwarder) → verdict. Called for every message before it is forwarded; must not raise."""
GossipHandler = Callable[[str, bytes, str], Awaitable[None]]
"""(topic, data, author): an accepted message of another peer; own messages are not delivered."""
StreamHandler = Callable[[Stream], Awaitable[None]]
LinkHandler = Callable[[str, bool], None]
"""(peer id, connected): called on every change, from the mesh's task; must not block."""
Gate = Callable[[str, str], bool]
"""(peer id, protocol) → may this peer open this protocol here?"""


class Values(Protocol):
    """Small immutable values that the network keeps under their hash, whoever put them."""

    async def put(self, value: bytes) -> int:
        """How many other peers confirmed that they hold it; 0 when none did, or it is too large."""
        ...

    async def get(self, digest: str) -> bytes | None:
        """The value with this hash (``sha256:<hex>``), verified; None when nobody who was reached has it."""
        ...


class Mesh(Protocol):
    """The network as one peer sees it. All calls are made from the engine's trio thread."""

    peer_id: str
    counters: MeshCounters

    @property
    def values(self) -> Values | None:
        """The DHT; None when it is off."""
        ...

    async def run(self, *, task_status: object) -> None:
        """Serve until cancelled; report started (``task_status.started()``) once it listens.

        Closes links on the way out. Raises :class:`MeshError` when it cannot listen.
        """
        ...

    def addresses(self) -> list[str]:
        """Own multiaddrs with ``/p2p/<id>``, best first."""
        ...

    def links(self) -> dict[str, Link]:
        """Connected peers by id."""
        ...

    def problems(self) -> list[str]:
        """What a person should know now, in words: bootstrap peers out of reach, no discovery, an open network."""
        ...

    def on_link(self, handler: LinkHandler) -> None:
        """Register before :meth:`run`."""
        ...

    def set_validator(self, validator: Validator) -> None:
        """One for all topics; register before :meth:`run`."""
        ...

    def on_gossip(self, handler: GossipHandler) -> None:
        """One for all topics; register before :meth:`run`. Messages of one author arrive in the order received."""
        ...

    def set_gate(self, gate: Gate) -> None:
        """Who may open which stream protocol here; register before :meth:`run`."""
        ...

    def serve(self, protocol: str, handler: StreamHandler) -> None:
        """Answer a protocol. A handler that raises loses its stream, never the mesh. Register before :meth:`run`."""
        ...

    async def join(self, topic: str) -> None:
        """Idempotent."""
        ...

    async def leave(self, topic: str) -> None:
        """Frees everything of the topic; idempotent."""
        ...

    async def publish(self, topic: str, data: bytes) -> None:
        """Raises :class:`NotJoined`; returns when handed to the network, which promises nothing."""
        ...

    async def open(self, peer_id: str, protocol: str, *, timeout: float = 5.0) -> Stream:  # noqa: ASYNC109 - the reason names the time
        """A new stream; dials when there is no link. Raises :class:`Unreachable`."""
        ...

    async def connect(self, address: str, *, timeout: float = 10.0) -> str:  # noqa: ASYNC109 - the reason names the time
        """Dial a multiaddr, with or without ``/p2p/<id>``; the peer id. Raises :class:`Unreachable` with the reason."""
        ...

    async def forget(self, peer_id: str) -> None:
        """Close the link and stop redialling."""
        ...

    def bans(self) -> dict[str, Ban]:
        """Who is kept out now, by peer id."""
        ...

    def held_against(self, peer_id: str) -> float:
        """Points for what a peer itself did to this one; it is kept out at 100, and they decay (:mod:`.rules`)."""
        ...

    def ban(self, peer_id: str, why: str, seconds: float | None) -> None:
        """Cut a peer off and keep it out for ``seconds``; None: until :meth:`lift`, also after a restart. Raises :class:`NotKept`."""
        ...

    def lift(self, peer_id: str) -> bool:
        """End a ban; whether there was one. Raises :class:`NotKept`."""
        ...
