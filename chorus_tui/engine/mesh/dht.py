"""Kademlia for small immutable values: each is stored under its own hash, so that no peer can answer with another one.

The rule it keeps: what it says is what was seen. The library's own put tells nothing of what came of it, its get answers from a
copy that may be old, and both can wait long for peers that are gone; here a put counts the peers that confirmed, every value is
checked against its key, and all waiting is bounded. Nothing depends on the DHT: it may be off, empty or full.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
import trio
from libp2p.kad_dht.kad_dht import DHTMode, KadDHT
from libp2p.kad_dht.value_store import ValueStore
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo
from libp2p.records.validator import NamespacedValidator, Validator
from libp2p.tools.anyio_service import background_trio_service

from chorus_tui.engine.clock import Clock
from chorus_tui.engine.mesh.hardening.kad import PROTOCOL
from chorus_tui.engine.telemetry.histogram import Histogram

log = structlog.get_logger(__name__)

LARGEST: Final = 256 * 1024
"""Bytes of one value at most: what is larger is fetched as a blob."""
A_RECORD: Final = 1024
"""Bytes that keeping a value costs besides its own: small ones are not for nothing."""
COPIES: Final = 20
"""Peers that a value is put at, the nearest to its key (k of Kademlia)."""
WAIT_S: Final = 8.0
ONE_S: Final = 3.0
"""Seconds that one peer may take."""
TEND_S: Final = 5.0
A_ROUND: Final = 4
"""Own values put anew in one round at most."""
_KEY = re.compile(r"/chorus/([0-9a-f]{64})")


def key_of(digest: str) -> str:
    """``sha256:<hex>`` as a key of the DHT."""
    return f"/chorus/{digest.removeprefix('sha256:')}"


class ByHash(Validator):
    """A value belongs under its hash. Two values of one key are equal, so the newer copy may replace the older, which is how a
    put anew lives on."""

    def validate(self, key: str, value: bytes) -> None:
        """Raises ``ValueError``."""
        named = _KEY.fullmatch(key)
        if named is None:
            raise ValueError("the key is not /chorus/ and a hash")
        if len(value) > LARGEST:
            raise ValueError(f"a value has at most {LARGEST} bytes")
        if hashlib.sha256(value).hexdigest() != named[1]:
            raise ValueError("the value is not what its key names")

    def select(self, _key: str, values: list[bytes]) -> int:
        """The last, which is the newest."""
        return len(values) - 1


class Values(ValueStore):
    """The library's store with our time to live and a bound in bytes: the longest held goes first."""

    def __init__(self, host: Any, me: ID, limit: int, ttl_s: float, wall: Callable[[], float]) -> None:
        super().__init__(host=host, local_peer_id=me)
        self._limit, self._ttl_s, self._wall = limit, ttl_s, wall
        self.held = 0
        """Bytes of all values, with what keeping each costs."""

    def put(self, key: bytes, value: bytes, validity: float = 0.0) -> None:
        """The library's, with our time to live."""
        self.remove(key)
        super().put(key, value, validity or self._wall() + self._ttl_s)
        self._kept(key)

    def put_record(self, key: bytes, record: Any) -> None:
        """The library's, with our time to live."""
        self.remove(key)
        super().put_record(key, record)
        self.store[key] = (record, self._wall() + self._ttl_s)
        self._kept(key)

    def remove(self, key: bytes) -> bool:
        """The library's; whether it was there."""
        if key in self.store:
            self.held -= self._cost(key)
        return bool(super().remove(key))

    def cleanup_expired(self) -> int:
        """The library's; how many have gone."""
        gone = [key for key, (_, validity) in self.store.items() if self._wall() > validity]
        for key in gone:
            self.remove(key)
        return len(gone)

    def value(self, key: bytes) -> bytes | None:
        """What is held under a key."""
        return bytes(self.store[key][0].value) if self.has(key) else None

    def _kept(self, key: bytes) -> None:
        """A new one is in: others make room for it."""
        self.held += self._cost(key)
        while self.held > self._limit and self.store:
            self.remove(next(iter(self.store)))

    def _cost(self, key: bytes) -> int:
        return len(self.store[key][0].value) + A_RECORD


@dataclass(slots=True)
class Asked:
    """What became of the questions of one kind, since the start."""

    queries: int = 0
    failures: int = 0
    took: Histogram = field(default_factory=Histogram)


class Dht:
    """One peer's part in the DHT. ``linked`` are the peers connected now."""

    def __init__(self, linked: Callable[[], Iterable[str]], clock: Clock, limit: int, ttl_s: float) -> None:
        self._linked, self._clock, self._limit, self._ttl_s = linked, clock, limit, ttl_s
        self.problem = ""
        self.puts, self.gets = Asked(), Asked()
        self.hits = 0
        """Values asked for that were held here."""
        self._kad: Any = None
        self._own: dict[str, float] = {}
        """Keys of values of ours, and when they were last put."""

    def attach(self, host: Any, guarded: Callable[[Any], Any]) -> None:
        """Before the host runs. ``guarded`` puts the gate before the library's handler."""
        self._kad = KadDHT(
            host, DHTMode.SERVER, validator=NamespacedValidator({"chorus": ByHash()}), validator_changed=True,
            strict_validation=True, max_peers_per_subnet=0,
        )  # fmt: skip
        self._kad.value_store = Values(host, host.get_id(), self._limit, self._ttl_s, self._clock.wall)
        host.set_stream_handler(PROTOCOL, guarded(self._kad.handle_stream))

    async def run(self) -> None:
        """Until cancelled: know who is linked, put own values anew. If the library fails, this peer goes on without a DHT."""
        try:
            async with background_trio_service(self._kad):
                while True:
                    await self._tend()
                    await trio.sleep(TEND_S)
        except Exception:
            log.exception("the DHT failed; going on without it")
            self._kad = None
            self.problem = "the DHT failed and is off until the next start; the log has the details"

    async def _tend(self) -> None:
        """The library's table stays empty unless peers are named to it, and keeps who is gone."""
        linked = set(self._linked())
        for peer_id in self._kad.routing_table.get_peer_ids():
            if str(peer_id) not in linked:
                self._kad.routing_table.remove_peer(peer_id)
        for one in sorted(linked):
            with trio.move_on_after(ONE_S):
                # Without addresses: it is linked, and of who dialled us none may be known yet.
                await self._kad.routing_table.add_peer(PeerInfo(ID.from_string(one), []))
        self._kad.value_store.cleanup_expired()
        now = self._clock.monotonic()
        due = [key for key, put_at in self._own.items() if now - put_at >= self._ttl_s / 3]
        for key in due[:A_ROUND]:
            value = self._kad.value_store.value(key.encode())
            if value is None:
                del self._own[key]  # others' values needed the room
            else:
                await self._put(self._kad, key, value)

    @property
    def known(self) -> int:
        """Peers in the routing table."""
        return int(self._kad.get_routing_table_size()) if self._kad is not None else 0

    @property
    def holding(self) -> tuple[int, int]:
        """Values held for the mesh, and the bytes they take."""
        return (len(self._kad.value_store.store), self._kad.value_store.held) if self._kad is not None else (0, 0)

    async def put(self, value: bytes) -> int:
        """Store a value under its hash and keep it there; how many other peers confirmed that they hold it. 0 also when it is larger
        than :data:`LARGEST`."""
        kad = self._kad
        if kad is None or len(value) > LARGEST:
            return 0
        began = self._clock.monotonic()
        confirmed = await self._put(kad, key_of(hashlib.sha256(value).hexdigest()), value)
        self._note(self.puts, began, well=confirmed > 0)
        return confirmed

    def _note(self, asked: Asked, began: float, *, well: bool) -> None:
        asked.queries += 1
        asked.failures += not well
        asked.took.observe(self._clock.monotonic() - began)

    async def _put(self, kad: Any, key: str, value: bytes) -> int:
        self._own[key] = self._clock.monotonic()
        raw = key.encode()
        kad.value_store.put(raw, value)
        holders: set[ID] = set()

        async def at(peer: ID) -> None:
            with trio.move_on_after(ONE_S):
                # The library's public put does not say what came of it; this does.
                if await kad.value_store._store_at_peer(peer, raw, value):  # noqa: SLF001 - as above
                    holders.add(peer)

        with trio.move_on_after(WAIT_S):
            nearest = await self._nearest(kad, raw)
            async with trio.open_nursery() as nursery:
                for peer in nearest:
                    nursery.start_soon(at, peer)
        log.debug("value put", key=key, confirmed=len(holders))
        return len(holders)

    async def _nearest(self, kad: Any, key: bytes) -> list[ID]:
        """By a look-up in the network; by the own table when that takes too long."""
        found: list[ID] = []
        with trio.move_on_after(WAIT_S / 2):
            found = await kad.peer_routing.find_closest_peers_network(key)
        found = found or kad.routing_table.find_local_closest_peers(key, COPIES)
        return [peer for peer in found if peer != kad.local_peer_id][:COPIES]

    async def get(self, digest: str) -> bytes | None:
        """The value with this hash, or None when nobody who was reached has it."""
        kad = self._kad
        if kad is None:
            return None
        began = self._clock.monotonic()
        self.hits += kad.value_store.has(key_of(digest).encode())
        value: bytes | None = None
        with trio.move_on_after(WAIT_S):
            value = await kad.get_value(key_of(digest))
        right = value is not None and f"sha256:{hashlib.sha256(value).hexdigest()}" == digest
        self._note(self.gets, began, well=right)
        return value if right else None
