"""Control entries as the Raft core takes them: a place, a term, and the voters where they change. Pure."""

from __future__ import annotations

from chorus_tui.engine.control import entries
from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.control.log import Log
from chorus_tui.engine.control.raft_log import Entry
from chorus_tui.engine.control.voters import Voters


def as_entries(decided: Log, items: list[ControlEntry]) -> list[Entry]:
    """Entries for the core, with the voters where they change. ``items`` follow ``decided``."""
    trial = decided.copy()
    made = []
    for item in items:
        voters = trial.roster.voters
        trial.extend(item)
        made.append(Entry(item.index, item.term, item, changed(voters, trial)))
    return made


def changed(before: Voters, trial: Log) -> Voters | None:
    """The voters in force now, where an entry has changed them."""
    return trial.roster.voters if trial.roster.voters != before else None


def decided_entry(item: dict[str, str], index: int) -> Entry:
    """An entry that is decided here already: only its place and term matter."""
    return Entry(index, entries.term_of(item["entry"].encode()))
