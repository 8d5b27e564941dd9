"""``journal verify FILE``: an export proves itself, on any machine, without an engine or a data folder.

Every line must be exactly what an export writes, every signature right, every feed a chain from its first number, every
control log founded by its own hash, led by elected admins and acknowledged by a majority. Evidence of a fork is believed
only when both signatures are right. The last line counts the lines and names their hash, so that a line that is missing is
missed. What is wrong is named by its line.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from chorus_tui.contract.models.journal import ProvenFork, Verification
from chorus_tui.engine.control.entries import Commit, Election, ack_holds, vote_holds
from chorus_tui.engine.control.log import Gap, Log
from chorus_tui.engine.control.raft_log import Position
from chorus_tui.engine.journal.chain import Chains, Place
from chorus_tui.engine.journal.forks import RESOLVED, resolution
from chorus_tui.engine.protocol import canonical, messages
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.envelope import Entry, entry_from_header, entry_from_wire
from chorus_tui.engine.runtime.exporting import line as written


@dataclass(slots=True)
class Verifier:
    """Takes the lines of one export, in order."""

    chains: Chains = field(default_factory=Chains)
    evidence: dict[tuple[str, str, int], dict[str, Entry]] = field(default_factory=dict)
    control: dict[str, list[tuple[int, dict[str, Any]]]] = field(default_factory=dict)
    """Items by mesh, each with its line."""
    logs: dict[str, Log] = field(default_factory=dict)
    resolved: dict[tuple[str, str, int], str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    entries: int = 0
    decided: int = 0
    erased: int = 0
    _number: int = 0
    _hash: Any = field(default_factory=hashlib.sha256)
    _ended: bool = False

    def take(self, raw: bytes) -> None:
        """One line, its end included."""
        self._number += 1
        try:
            value = _read(raw)
            if self._ended:
                raise WireError("bad_line", "It stands after the end")
            if value.get("kind") == "end":
                self._end(value)
            else:
                self._hash.update(raw)
                self._take(value)
        except WireError as error:
            self.problems.append(f"line {self._number}: {error}")

    def _take(self, value: dict[str, Any]) -> None:
        match value:
            case {"kind": "evidence", "header": str(header), "sig": str(sig)} if len(value) == 3:
                entry = entry_from_header(header.encode(), sig, None)
                self.evidence.setdefault(entry.key, {})[entry.hash] = entry
            case {"kind": "feed", "topic": str(topic), "log_type": str(log_type)}:
                self._feed(value, topic, log_type)
            case {"kind": "control", "entry": str(entry), "sig": str()} if len(value) == 3:
                self.control.setdefault(_mesh_of(entry), []).append((self._number, value))
            case {"kind": "certificates", "mesh_id": str(mesh_id), "elections": list(elections), "commit": commit}:
                self._certified(mesh_id, elections, commit)
            case _:
                raise WireError("bad_line", "It is no line of an export")

    def _feed(self, value: dict[str, Any], topic: str, log_type: str) -> None:
        match value:
            case {"envelope": str(envelope)} if len(value) == 4:
                entry = entry_from_wire(envelope.encode(), topic)
            case {"header": str(header), "sig": str(sig)} if len(value) == 5:
                entry = entry_from_header(header.encode(), sig, None)
                self.erased += 1
            case _:
                raise WireError("bad_line", "A feed line has an envelope, or header and signature")
        self.entries += 1
        if (entry.header.topic, messages.log_type(entry.type)) != (topic, log_type):
            raise WireError("bad_line", "Topic or log type is not that of the entry")
        place = self.chains.place(entry, None)
        # The chain goes on from here whatever was wrong, so that each fault is named once.
        self.chains.advance(entry)
        if place is not Place.NEXT:
            where = f"{entry.author} {entry.header.epoch[:8]}:{entry.header.seq}"
            raise WireError("bad_chain", f"The entry does not follow the one before it ({where})")

    def _certified(self, mesh_id: str, elections: list[Any], certificate: Any) -> None:
        """A whole control log, now that all of it was read."""
        commit, known = Commit.from_json(certificate), [Election.from_json(election) for election in elections]
        if commit.as_json() != certificate or [election.as_json() for election in known] != elections:
            raise WireError("bad_certificate", "A certificate has more than its fields")
        log = self.logs[mesh_id] = Log(mesh_id)
        by_term = {election.term: election for election in known}
        for number, item in self.control.get(mesh_id, ()):
            try:
                entry = log.take({"entry": item["entry"], "sig": item["sig"]}, by_term)
            except (Gap, WireError) as error:
                self.problems.append(
                    f"line {number}: control log {mesh_id[:8]}: {str(error) or 'entries before it are missing'}"
                )
                return
            if entry is None:
                self.problems.append(f"line {number}: control log {mesh_id[:8]}: the entry is here twice")
                return
            self.decided += 1
            if entry.type == RESOLVED and (found := resolution(entry.data)):
                self.resolved[found[:3]] = found[3]
        self._check_signers(mesh_id, commit, known)
        if (log.index, log.head) != (commit.index, commit.hash) or not commit.holds(mesh_id, log.roster.voters):
            raise WireError("bad_certificate", "No majority of the voters acknowledged the last entry")

    def _check_signers(self, mesh_id: str, commit: Commit, elections: list[Election]) -> None:
        """Every single one, although a majority would do: a changed byte is named wherever it is."""
        for voter, sig in commit.acks:
            if not ack_holds(mesh_id, commit.term, commit.index, commit.hash, voter, sig):
                raise WireError("bad_certificate", f"The acknowledgement of {voter} is not its own")
        for election in elections:
            for voter, index, term, sig in election.votes:
                if not vote_holds(mesh_id, election.term, election.admin, voter, Position(index, term), sig):
                    raise WireError("bad_certificate", f"The vote of {voter} in term {election.term} is not its own")

    def _end(self, value: dict[str, Any]) -> None:
        self._ended = True
        if value != end(self._number - 1, self._hash.hexdigest()):
            raise WireError("bad_end", "Lines before it were changed, added or taken away")

    def result(self) -> Verification:
        """After the last line."""
        if not self._ended:
            self.problems.append("the end is missing: the file was cut")
        for mesh_id in sorted(set(self.control) - set(self.logs)):
            number, _ = self.control[mesh_id][0]
            self.problems.append(
                f"line {number}: control log {mesh_id[:8]}: no certificates are of the mesh it founds or names"
            )
        forks = self._forks()
        return Verification(
            ok=not self.problems, feeds=len({author for author, _ in self.chains.heads}), entries=self.entries,
            control_entries=self.decided, problems=self.problems, forks=[in_words(fork) for fork in forks], proven=forks,
            erased=self.erased,
        )  # fmt: skip

    def _forks(self) -> list[ProvenFork]:
        """What the evidence proves: two contents under one number, or an entry that follows another one than it should."""
        found: dict[tuple[str, str, int], list[str]] = {}
        for key, pieces in sorted(self.evidence.items()):
            author, epoch, seq = key
            if len(pieces) > 1:
                found[key] = sorted(pieces)
            before = self.evidence.get((author, epoch, seq - 1), {})
            for piece in pieces.values():
                named = {*before, str(piece.header.prev)}
                if seq > 0 and before and piece.header.prev not in before:
                    found.setdefault((author, epoch, seq - 1), sorted(named))
        return [
            ProvenFork(author=a, epoch=e, seq=s, hashes=hashes, resolved=self.resolved.get((a, e, s), ""))
            for (a, e, s), hashes in sorted(found.items())
        ]


def verify(lines: Iterable[bytes]) -> Verification:
    """Check an export."""
    verifier = Verifier()
    for raw in lines:
        verifier.take(raw)
    return verifier.result()


def end(lines: int, sha256: str) -> dict[str, Any]:
    """The last line: how many stand before it, and their hash."""
    return {"kind": "end", "lines": lines, "sha256": sha256}


def in_words(fork: ProvenFork) -> str:
    """For people."""
    counts = f"; the mesh decided that {fork.resolved[:16]} counts" if fork.resolved else ""
    return (
        f"{fork.author} said two different things under number {fork.seq} of epoch {fork.epoch}: "
        f"{' and '.join(fork.hashes)}; both signatures are right{counts}"
    )


def _read(raw: bytes) -> dict[str, Any]:
    try:
        text = raw.decode()
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise WireError("bad_line", "It is no JSON text") from None
    if not isinstance(value, dict) or f"{written(value)}\n" != text:
        raise WireError("bad_line", "It is not written as an export writes it")
    return value


def _mesh_of(entry: str) -> str:
    value = canonical.decode(entry.encode())
    mesh_id = value.get("mesh_id") if isinstance(value, dict) else None
    return str(mesh_id) if mesh_id is not None else canonical.sha256_hex(entry.encode())
