"""Where peers can be reached: each peer's own signed statement, passed on by all, kept on disk.

The rule it keeps: an address is believed only from the peer it belongs to, and a newer statement replaces an older
one. So a mesh outlives its bootstrap peer, and nobody can send others astray.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import structlog

from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.identity import ADDRESSES, Identity, verify
from chorus_tui.engine.shhh.cutting import beginning

log = structlog.get_logger(__name__)

PROTOCOL: Final = "/chorus/addresses/1.0.0"
MAX_RECORD: Final = 4096
"""Bytes of one statement."""
MAX_ADDRESSES: Final = 16
MAX_PEERS: Final = 512
"""Statements kept; the oldest go first."""
FUTURE_MS: Final = 24 * 3600 * 1000
"""How far ahead of our clock a statement may be dated; one from beyond could never be replaced."""


class AddressBook:
    """``path``: the JSON file. ``wall``: Unix time in seconds."""

    def __init__(self, path: Path, identity: Identity, wall: Callable[[], float]) -> None:
        self._path = path
        self._identity = identity
        self._wall = wall
        self._records: dict[str, dict[str, Any]] = {}
        self._dirty = False

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
        self._dirty = False

    def save(self) -> None:
        """Write the book if it changed, whole or not at all."""
        if not self._dirty:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)
        with os.fdopen(handle, "w") as file:
            json.dump({"peers": list(self._records.values())}, file)
        Path(name).replace(self._path)
        self._dirty = False

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

    def merge(self, frames: Iterable[bytes]) -> int:
        """Take statements as received; how many were new. Bad ones are left out."""
        return sum(self._take(frame, canonical_bytes=True) for frame in frames)

    def frames(self) -> list[bytes]:
        """All statements, as they are sent."""
        return [canonical.encode(record) for record in self._records.values()]

    def addresses(self, peer_id: str) -> list[str]:
        """What the peer said of itself, best first; empty when unknown."""
        return list(self._records.get(peer_id, {}).get("addresses", []))

    def peers(self) -> list[str]:
        """All known peers but oneself."""
        return [peer_id for peer_id in self._records if peer_id != self._identity.peer_id]

    def _take(self, data: bytes, *, canonical_bytes: bool) -> bool:
        try:
            record = canonical.decode(data, limit=MAX_RECORD) if canonical_bytes else json.loads(data)
            _check(record)
        except (WireError, ValueError, RecursionError) as error:
            log.debug("address statement refused", reason=beginning(str(error), 200))
            return False
        peer_id = record["peer_id"]
        known = self._records.get(peer_id)
        too_far = record["counter"] > self._wall() * 1000 + FUTURE_MS
        if too_far or (peer_id == self._identity.peer_id and canonical_bytes):
            return False
        if known is not None and known["counter"] >= record["counter"]:
            return False
        self._put(record)
        return True

    def _put(self, record: dict[str, Any]) -> None:
        self._records[record["peer_id"]] = record
        self._dirty = True
        while len(self._records) > MAX_PEERS:
            others = [r for r in self._records.values() if r["peer_id"] != self._identity.peer_id]
            del self._records[min(others, key=lambda r: (r["counter"], r["peer_id"]))["peer_id"]]


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
