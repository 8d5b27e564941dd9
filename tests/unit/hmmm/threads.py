"""Threads for tests: lines by short names, each at its second."""

from __future__ import annotations

from typing import Any

from chorus_tui.engine.hmmm.thread import Line, Raised, Thread
from chorus_tui.engine.protocol.messages.rooms import RoomMessage
from chorus_tui.engine.protocol.messages.talk import EscalationTrigger

PEOPLE = frozenset({"ana", "ben"})


def is_person(peer: str) -> bool:
    return peer in PEOPLE


def line(author: str, type_: str, msg_id: str, second: float = 0.0, parent: str | None = None, **fields: Any) -> Line:
    """A line whose entry hash is made of its author and its id."""
    base = {"message": f"{type_} {msg_id}", "agent_id": author, **fields}
    said = RoomMessage(type=type_, issue_id="room", thread_id="t", msg_id=msg_id, parent_id=parent, **base)  # type: ignore[arg-type]
    return Line(author, f"{author}.{msg_id}".encode().hex().ljust(64, "0")[:64], int(second * 1000), 0, said)


def closing(proposal: Line, second: float, *holders: str, known: tuple[Line, ...] = (), id_: str = "close") -> Line:
    hashes = [one.hash for one in known]
    return line(
        proposal.author,
        "update",
        id_,
        second,
        proposal.said.msg_id,
        intent="closing",
        holders=list(holders),
        objections=hashes,
    )


def raised(author: str, cause: str, second: float, ref: str = "") -> Raised:
    said = EscalationTrigger(subject="room", subject_id="room", thread_id="t", cause=cause, ref=ref)  # type: ignore[arg-type]
    return Raised(author, f"{author}.{cause}.{second}".encode().hex().ljust(64, "0")[:64], int(second * 1000), said)


def thread(*lines: Line | Raised, strangers: frozenset[str] = frozenset()) -> Thread:
    """In which all are members but ``strangers``."""
    made = Thread("room", "t", lambda peer: peer not in strangers)
    for one in lines:
        if isinstance(one, Raised):
            made.raised[one.hash] = one
        else:
            made.add(one)
    return made
