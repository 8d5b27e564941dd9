"""A follower's check of the control log, pure: what may be applied, and why not.

Nothing is taken on trust: the founding entry hashes to the mesh id, each entry follows the one before, its signer holds
a majority's votes for the term, and a majority acknowledged it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from chorus_tui.engine.control import requests
from chorus_tui.engine.control.entries import Commit, Election, entry_of
from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.control.membership import Roster
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.canonical import WireError


class Gap(Exception):
    """The entries begin after the end of this log; those between are needed first."""


@dataclass(slots=True)
class Log:
    """One mesh's log as verified here: where it ends, who led which term, who belongs."""

    mesh_id: str
    index: int = 0
    term: int = 0
    head: str | None = None
    elections: dict[int, Election] = field(default_factory=dict)
    roster: Roster = field(default_factory=Roster)

    def admit(self, items: list[Any], elections: list[Any], certificate: Any) -> tuple[list[ControlEntry], Commit]:
        """The new entries that may be applied now, in order, and their certificate; this log has moved past them.

        :raises Gap: when entries before are missing.
        :raises WireError: when anything is forged or does not fit. Nothing has moved then.
        """
        commit = Commit.from_json(certificate)
        if commit.index <= self.index:
            return [], commit
        trial = self.copy()
        known = {election.term: election for election in map(Election.from_json, elections)}
        fresh: list[ControlEntry] = []
        for item in items:
            entry = trial.take(item, known)
            if entry is not None:
                fresh.append(entry)
            if trial.index == commit.index:
                break
        if trial.index != commit.index or trial.head != commit.hash:
            raise WireError("bad_certificate", "The certificate is not of these entries")
        # In the term of the last entry, as leaders commit: in a later one the same index could be acknowledged twice.
        if not commit.holds(self.mesh_id, trial.roster.voters) or commit.term != trial.term:
            raise WireError("bad_certificate", "The entries are not acknowledged by a majority of the voters")
        self._become(trial)
        return fresh, commit

    def take(self, item: Any, known: dict[int, Election]) -> ControlEntry | None:
        """Take one more entry, committed or not; None for one that is already here.

        :raises Gap: when entries before are missing.
        :raises WireError: when it is forged or does not fit. Nothing has moved then.
        """
        if not isinstance(item, dict) or not isinstance(item.get("entry"), str) or not isinstance(item.get("sig"), str):
            raise WireError("bad_control_entry", "An item has entry and sig")
        raw = item["entry"].encode()
        value = canonical.decode(raw)
        term, index = _term_and_index(value)
        if index <= self.index:
            return None
        if index > self.index + 1:
            raise Gap
        election = self.elections.get(term) or known.get(term)
        if election is None:
            raise WireError("bad_certificate", f"No votes are shown for term {term}")
        entry = entry_of(value, raw, item["sig"], election.admin)
        if entry.mesh_id != self.mesh_id or value["prev"] != self.head or entry.term < self.term:
            raise WireError("bad_control_entry", "The entry does not follow the log of this mesh")
        if index == 1:
            self.roster.apply(entry)
        else:
            requests.check_entry(entry, self.roster)
        if term not in self.elections:
            if not election.holds(self.mesh_id, self.roster.voters):
                raise WireError("bad_certificate", f"The votes of term {term} are no majority")
            self.elections[term] = election
        if index > 1:
            self.roster.apply(entry)
        self.index, self.term, self.head = index, entry.term, entry.hash
        return entry

    def extend(self, entry: ControlEntry) -> None:
        """Take an entry that was verified before (own ones, and those from the disk)."""
        self.roster.apply(entry)
        self.index, self.term, self.head = entry.index, entry.term, entry.hash

    def copy(self) -> Log:
        """Another one at the same place."""
        roster = replace(
            self.roster, members=dict(self.roster.members), stored_parameters=dict(self.roster.stored_parameters),
            ever=set(self.roster.ever), decided=set(self.roster.decided), used=set(self.roster.used),
        )  # fmt: skip
        return Log(self.mesh_id, self.index, self.term, self.head, dict(self.elections), roster)

    def _become(self, other: Log) -> None:
        self.index, self.term, self.head = other.index, other.term, other.head
        self.elections, self.roster = other.elections, other.roster


def _term_and_index(value: Any) -> tuple[int, int]:
    if not isinstance(value, dict) or type(value.get("term")) is not int or type(value.get("index")) is not int:
        raise WireError("bad_control_entry", "A control entry has term and index")
    return value["term"], value["index"]
