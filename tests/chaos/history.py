"""Histories: what every peer's ``journal export`` holds in the end, and what was shown before. Pure.

Exports are read by ``docs/protocol.md`` alone, with no code of the engine: hashes, signatures and chains are computed here
again, so that an error in the engine's own reading cannot hide in its judge.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import base58
import rfc8785
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

FEED, CONTROL = b"chorus/feed/1\0", b"chorus/control/1\0"
OPENS_TERM = {"mesh_founded": "founder", "term_opened": "admin"}


@dataclass(frozen=True, slots=True)
class Said:
    """A feed entry as exported."""

    author: str
    epoch: str
    seq: int
    prev: str | None
    type: str
    data: dict[str, Any]
    hash: str


@dataclass(frozen=True, slots=True)
class Decided:
    """A control entry as exported."""

    mesh_id: str
    index: int
    term: int
    prev: str | None
    type: str
    data: dict[str, Any]
    hash: str

    @property
    def opened_by(self) -> str:
        """The admin of the term that this entry opens; empty when it opens none."""
        told = self.data.get(OPENS_TERM.get(self.type, ""), "")
        return str(told["peer_id"] if isinstance(told, dict) else told)


@dataclass(slots=True)
class Export:
    """What one peer holds: feed entries by hash, control logs by mesh. ``problems`` is what does not verify."""

    feeds: dict[str, Said] = field(default_factory=dict)
    logs: dict[str, list[Decided]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


@dataclass(slots=True)
class History:
    """Exports by peer id; the record in order of time; names to peer ids; and peers that are gone for good, with their disk."""

    exports: dict[str, Export]
    record: list[dict[str, Any]]
    ids: dict[str, str]
    gone: frozenset[str] = frozenset()

    def said(self, *kinds: str) -> Iterator[dict[str, Any]]:
        """Lines of the record of these kinds."""
        return (line for line in self.record if line["what"] in kinds)

    def decided(self) -> dict[tuple[str, int], Decided]:
        """Every entry of every log, of those that stand under one number the first."""
        found: dict[tuple[str, int], Decided] = {}
        for export in self.exports.values():
            for log in export.logs.values():
                for entry in log:
                    found.setdefault((entry.mesh_id, entry.index), entry)
        return found

    def given_up(self) -> dict[str, int]:
        """Meshes in whose place another was founded, and the last entry of theirs that counts."""
        found: dict[str, int] = {}
        for entry in self.decided().values():
            refounds = entry.data.get("refounds") if entry.type == "mesh_founded" else None
            if refounds:
                found[refounds["mesh_id"]] = refounds["index"]
        return found

    def standing(self) -> Iterator[Decided]:
        """Every entry that counts in the end: what a given-up mesh decided afterwards does not."""
        given_up = self.given_up()
        return (e for e in self.decided().values() if e.index <= given_up.get(e.mesh_id, e.index))


def read_export(lines: list[str]) -> Export:
    """Read and verify the lines of one export."""
    export = Export()
    admins: dict[tuple[str, int], str] = {}
    for line in lines:
        value = json.loads(line)
        if value["kind"] == "feed":
            _feed_entry(export, value)
        elif value["kind"] == "control":
            _control_entry(export, value, admins)
    _chains(export)
    return export


def _feed_entry(export: Export, value: dict[str, Any]) -> None:
    if "envelope" in value:
        envelope = json.loads(value["envelope"])
        log = envelope.pop("log")
        body = rfc8785.dumps(envelope)
        signed = rfc8785.dumps(
            {
                "author": envelope["from"], "body_hash": hashlib.sha256(body).hexdigest(), "body_size": len(body),
                "epoch": log["epoch"], "hlc": log["hlc"], "prev": log["prev"], "seq": log["seq"], "topic": value["topic"],
                "type": envelope["type"],
            }
        )  # fmt: skip
        sig, data = log["sig"], envelope["data"]
    else:
        signed, sig, data = value["header"].encode(), value["sig"], {}
    header = json.loads(signed)
    digest = hashlib.sha256(signed).hexdigest()
    if not verifies(header["author"], FEED + signed, sig):
        export.problems.append(f"feed entry {digest[:12]}: not signed by its author")
    export.feeds[digest] = Said(
        header["author"], header["epoch"], header["seq"], header["prev"], header["type"], data, digest
    )


def _control_entry(export: Export, value: dict[str, Any], admins: dict[tuple[str, int], str]) -> None:
    raw = value["entry"].encode()
    fields, digest = json.loads(raw), hashlib.sha256(raw).hexdigest()
    entry = Decided(
        fields["mesh_id"] or digest, fields["index"], fields["term"], fields["prev"], fields["type"], fields["data"], digest
    )  # fmt: skip
    if entry.opened_by:
        admins.setdefault((entry.mesh_id, entry.term), entry.opened_by)
    if not verifies(admins.get((entry.mesh_id, entry.term), ""), CONTROL + raw, value["sig"]):
        export.problems.append(f"control entry {entry.mesh_id[:8]}:{entry.index}: not signed by the admin of its term")
    export.logs.setdefault(entry.mesh_id, []).append(entry)


def _chains(export: Export) -> None:
    for mesh_id, log in export.logs.items():
        for number, entry in enumerate(log):
            before = log[number - 1] if number else None
            good = entry.index == number + 1 and entry.prev == (before.hash if before else None)
            if not good or (before is not None and entry.term < before.term):
                export.problems.append(
                    f"control entry {mesh_id[:8]}:{entry.index}: it does not follow the one before it"
                )
    epochs: dict[tuple[str, str], list[Said]] = defaultdict(list)
    for said in export.feeds.values():
        epochs[said.author, said.epoch].append(said)
    for (author, epoch), entries in epochs.items():
        entries.sort(key=lambda entry: entry.seq)
        for number, said in enumerate(entries):
            if said.seq != number or (number and said.prev != entries[number - 1].hash):
                export.problems.append(
                    f"feed {author[-8:]} {epoch[:8]}:{said.seq}: it does not follow the one before it"
                )


def verifies(peer_id: str, signed: bytes, sig: str) -> bool:
    """Whether the peer of this id signed exactly these bytes."""
    try:
        VerifyKey(base58.b58decode(peer_id)[-32:]).verify(signed, bytes.fromhex(sig))
    except (BadSignatureError, ValueError, TypeError):
        return False
    return True
