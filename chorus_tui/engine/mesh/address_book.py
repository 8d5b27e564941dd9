"""Where peers can be reached: each peer's own signed statement, passed on by all, kept on disk.

The rules it keeps: an address is believed only from the peer it belongs to, and a newer statement replaces an older
one; when there are too many, strangers go before peers that are known here, whatever they say of their age. So a mesh
outlives its bootstrap peer, and nobody can send others astray or crowd them out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import structlog

from chorus_tui.engine.private_file import replace_private
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.identity import ADDRESSES, Identity, verify
from chorus_tui.engine.settings import MULTIADDR
from chorus_tui.engine.shhh.cutting import beginning

log = structlog.get_logger(__name__)

PROTOCOL: Final = "/chorus/addresses/1.0.0"
MAX_RECORD: Final = 4096
"""Bytes of one statement."""
MAX_ADDRESSES: Final = 16
MAX_PEERS: Final = 512
"""Statements kept; strangers' go first, then the oldest."""
FUTURE_MS: Final = 24 * 3600 * 1000
"""How far ahead of our clock a statement may be dated; one from beyond could never be replaced."""


class AddressBook:
    """``path``: the JSON file. ``wall``: Unix time in seconds. ``known``: whether a peer is no stranger here."""

    def __init__(
        self,
        path: Path,
        identity: Identity,
        wall: Callable[[], float],
        known: Callable[[str], bool] = lambda _peer_id: False,
    ) -> None:
        self._path = path
        self._identity = identity
        self._wall = wall
        self._known = known
        self._records: dict[str, dict[str, Any]] = {}
        self._dirty = False
        self._unkept = False

    def load(self) -> None:
        """Read what is on disk; a damaged file or entry is left out and said."""
        try:
            stored = json.loads(self._path.read_bytes())
            entries = [json.dumps(entry).encode() for entry in stored["peers"]]
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("address book unreadable, starting an empty one", path=str(self._path), reason=str(error))
            return
        for entry in entries:
            self._take(entry, canonical_bytes=False)
        self._keep_most()
        self._dirty = False

    def save(self) -> None:
        """Write the book if it changed, whole or not at all; blocks for a sync. One that cannot be written is tried again next time."""
        if not self._dirty:
            return
        self._dirty = False
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            replace_private(self._path, json.dumps({"peers": list(self._records.values())}).encode())
        except OSError as error:
            self._dirty = True
            if not self._unkept:
                log.warning("address book not written, trying again", path=str(self._path), reason=error.strerror)
            self._unkept = True
        else:
            self._unkept = False

    def state_own(self, addresses: list[str]) -> None:
        """Sign a new statement of one's own addresses, newer than any before."""
        me = self._identity.peer_id
        before = self._records.get(me, {}).get("counter", 0)
        body = {
            "addresses": addresses[:MAX_ADDRESSES],
            "counter": max(int(self._wall() * 1000), before + 1),
            "peer_id": me,
        }
        self._put({**body, "sig": self._identity.sign(ADDRESSES, canonical.encode(body))})
        self._keep_most()

    def merge(self, frames: Iterable[bytes]) -> int:
        """Take statements as received; how many were new and have a place. Bad ones are left out."""
        taken = {peer_id for frame in frames if (peer_id := self._take(frame, canonical_bytes=True)) is not None}
        self._keep_most()
        return len(taken & self._records.keys())

    def frames(self) -> list[bytes]:
        """All statements, as they are sent."""
        return [canonical.encode(record) for record in self._records.values()]

    def addresses(self, peer_id: str) -> list[str]:
        """What the peer said of itself and can be dialled from here, best first; empty when unknown."""
        return [
            address for address in self._records.get(peer_id, {}).get("addresses", []) if MULTIADDR.fullmatch(address)
        ]

    def peers(self) -> list[str]:
        """All known peers but oneself."""
        return [peer_id for peer_id in self._records if peer_id != self._identity.peer_id]

    def _take(self, data: bytes, *, canonical_bytes: bool) -> str | None:
        """The peer whose statement this is, when it is new."""
        try:
            record = canonical.decode(data, limit=MAX_RECORD) if canonical_bytes else json.loads(data)
            _check(record)
        except (WireError, ValueError, RecursionError) as error:
            log.debug("address statement refused", reason=beginning(str(error), 200))
            return None
        peer_id: str = record["peer_id"]
        known = self._records.get(peer_id)
        too_far = record["counter"] > self._wall() * 1000 + FUTURE_MS
        if too_far or (peer_id == self._identity.peer_id and canonical_bytes):
            return None
        if known is not None and known["counter"] >= record["counter"]:
            return None
        self._put(record)
        return peer_id

    def _put(self, record: dict[str, Any]) -> None:
        self._records[record["peer_id"]] = record
        self._dirty = True

    def _keep_most(self) -> None:
        surplus = len(self._records) - MAX_PEERS
        if surplus <= 0:
            return
        known = {peer_id: self._known(peer_id) for peer_id in self.peers()}
        for peer_id in sorted(known, key=lambda p: (known[p], self._records[p]["counter"], p))[:surplus]:
            del self._records[peer_id]


def _check(record: Any) -> None:
    """Raise ValueError unless ``record`` is a statement signed by its peer."""
    if not isinstance(record, dict) or set(record) != {"peer_id", "addresses", "counter", "sig"}:
        raise ValueError("not an address statement")
    addresses, counter = record["addresses"], record["counter"]
    if not isinstance(counter, int) or isinstance(counter, bool) or counter < 0:
        raise ValueError("counter is not a whole number")
    if not isinstance(addresses, list) or len(addresses) > MAX_ADDRESSES:
        raise ValueError("addresses is not a short list")
    if not all(isinstance(a, str) and a.startswith("/") and len(a) <= 200 for a in addresses):
        raise ValueError("an address is not a multiaddr")
    body = {key: record[key] for key in ("addresses", "counter", "peer_id")}
    if not isinstance(record["peer_id"], str) or not isinstance(record["sig"], str):
        raise ValueError("peer_id and sig are strings")  # noqa: TRY004 - bad input, whatever its type
    if not verify(record["peer_id"], ADDRESSES, canonical.encode(body), record["sig"]):
        raise ValueError("not signed by its peer")
