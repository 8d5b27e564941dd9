"""Histories of one place as several peers make them, each knowing only what has reached it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from hypothesis import strategies as st

from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.envelope import Entry, Header
from chorus_tui.engine.protocol.messages.ucxl import UcxlVersion
from chorus_tui.engine.ucxl import rules
from chorus_tui.engine.ucxl.rules import Told

PLACE = "ucxl://ana:developer@shop:api/*^/notes/plan.md"
PEERS = ("12D3KooWAna", "12D3KooWBob", "12D3KooWCyd")


@dataclass(frozen=True)
class Act:
    """A peer writes (or removes) after it has heard what some others said; its clock may be behind what it knows."""

    peer: int
    remove: bool
    hears: int
    clock: int


ACTS = st.lists(
    st.builds(Act, st.integers(0, 2), st.booleans(), st.integers(0, 7), st.integers(0, 40)), min_size=1, max_size=12
)


def told(entry: str, author: str, at: tuple[int, int], **said) -> Told:
    fields = {"place": PLACE, "digest": f"sha256:{entry}", "size": 3, **said}
    return Told(entry, author, at, UcxlVersion(**fields))


def history(acts: list[Act]) -> dict[str, Told]:
    """Versions by entry. A peer's own clock never goes back."""
    known: list[dict[str, Told]] = [{}, {}, {}]
    clocks = [0, 0, 0]
    for number, act in enumerate(acts):
        for other in range(3):
            if act.hears >> other & 1:
                known[act.peer].update(known[other])
        clocks[act.peer] = max(clocks[act.peer] + 1, act.clock)
        parents = rules.heads(rules.ordered(known[act.peer]))
        entry = hashlib.sha256(f"{number}".encode()).hexdigest()
        removed = {"digest": "", "size": 0, "tombstone": True} if act.remove else {}
        one = told(entry, PEERS[act.peer], (clocks[act.peer], 0), parents=parents[-16:], **removed)
        known[act.peer][entry] = one
    return {entry: one for mine in known for entry, one in mine.items()}


HISTORIES = ACTS.map(history)


def as_entry(one: Told) -> Entry:
    """The feed entry that tells of it, as a fold gets it."""
    header = Header(
        one.author, "0" * 32, 0, None, f"{one.at[0]}:{one.at[1]}:x", "CHORUS/context-feedback/v1", "ucxl_version",
        canonical.sha256_hex(b""), 0,
    )  # fmt: skip
    return Entry(header, "", one.entry, None, None)
