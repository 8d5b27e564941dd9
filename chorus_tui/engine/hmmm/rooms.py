"""All rooms as this peer knows them: a fold of the feeds, the same whatever the order of arrival."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from chorus_tui.engine.control import entries
from chorus_tui.engine.control.interface import ControlEntry, Member
from chorus_tui.engine.hmmm.thread import Line, Raised, Thread
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import Message
from chorus_tui.engine.protocol.messages.context import SlurpEventAck, SlurpEventGenerated
from chorus_tui.engine.protocol.messages.roles import RoleCollaboration
from chorus_tui.engine.protocol.messages.rooms import RoomMessage
from chorus_tui.engine.protocol.messages.talk import EscalationTrigger
from chorus_tui.engine.protocol.topics import ROOMS

Where = tuple[str, str]
"""Room and thread."""
Open = Callable[[str, str], dict[str, Any] | None]
"""(sealed part, author) → what it says, or None."""

SEALED_WORDS = "sealed; this peer cannot read it"


class Rooms:
    """Threads by room and id. Also who was called into which room, and which agreements were told to SLURP."""

    types = frozenset(
        {"hmmm_message", "escalation_trigger", "role_collaboration", "slurp_event_generated", "slurp_event_ack"}
    )

    def __init__(self, open_: Open, member: Callable[[str], bool]) -> None:
        self._open = open_
        self._member = member
        self.on_line: Callable[[Thread, Line], None] = lambda _thread, _line: None
        self.reset()

    def reset(self) -> None:
        """The journal's fold begins anew."""
        self.threads: dict[Where, Thread] = {}
        self.changed: set[Where] = set()
        self.called: dict[str, tuple[RoleCollaboration, str, int]] = {}
        """Calls into rooms by entry: what, by whom, when."""
        self.events: set[str] = set()
        self.acknowledged: dict[str, SlurpEventAck] = {}

    def thread(self, issue_id: str, thread_id: str) -> Thread:
        """The thread, empty when nothing was said in it."""
        where = (issue_id, thread_id)
        if where not in self.threads:
            self.threads[where] = Thread(issue_id, thread_id, self._member)
        return self.threads[where]

    def admitted(self, peer_id: str) -> None:
        """It is a member: closing entries that name it may count from now on."""
        for where, thread in self.threads.items():
            if any(peer_id in line.said.holders for line in thread.lines.values()):
                self.changed.add(where)

    def apply(self, entry: Entry, message: Message) -> None:
        """The journal's fold."""
        at_ms, tick = (int(part) for part in entry.header.hlc.split(":")[:2])
        if isinstance(message, RoomMessage):
            self._say(entry, message, at_ms, tick)
        elif isinstance(message, EscalationTrigger):
            if message.subject == "room":
                thread = self.thread(message.subject_id, message.thread_id or message.subject_id)
                thread.raised[entry.hash] = Raised(entry.author, entry.hash, at_ms, message)
                self.changed.add((thread.issue_id, thread.thread_id))
        elif isinstance(message, RoleCollaboration):
            if message.subject == "room":
                self.called[entry.hash] = (message, entry.author, at_ms)
        elif isinstance(message, SlurpEventGenerated):
            self.events.add(message.event_id)
        elif isinstance(message, SlurpEventAck):
            self.acknowledged[message.event_id] = message

    def _say(self, entry: Entry, said: RoomMessage, at_ms: int, tick: int) -> None:
        if entry.header.topic != f"{ROOMS}{said.issue_id}":
            return  # said in another room than it names: it counts in neither
        hidden = False
        if said.sealed:
            inner = self._open(said.sealed, entry.author)
            hidden = inner is None
            words = (
                {"message": SEALED_WORDS}
                if inner is None
                else {k: str(inner.get(k, "")) for k in ("message", "reasoning")}
            )
            said = said.model_copy(update=words)
        line = Line(entry.author, entry.hash, at_ms, tick, said, entry.header.epoch, entry.header.seq, hidden)
        thread = self.thread(said.issue_id, said.thread_id)
        thread.add(line)
        self.changed.add((thread.issue_id, thread.thread_id))
        self.on_line(thread, line)

    def find(self, msg_id: str, issue_id: str = "") -> list[tuple[Thread, Line]]:
        """Messages whose id begins so, in one room or in all."""
        return [
            (thread, line)
            for thread in self.threads.values() if not issue_id or thread.issue_id == issue_id
            for line in thread.lines.values() if line.said.msg_id.startswith(msg_id)
        ]  # fmt: skip


class Kinds:
    """Who is a person and who an agent, by the control logs; it holds for what they said before they left."""

    def __init__(self, members: Callable[[], dict[str, Member]]) -> None:
        self._members = members
        self.on_admitted: Callable[[str], None] = lambda _peer_id: None
        self._admitted: dict[str, Literal["agent", "human"]] = {}

    def apply(self, entry: ControlEntry) -> None:
        """The control log's fold."""
        field = {entries.FOUNDED: "founder", entries.MEMBER_ADDED: "member"}.get(entry.type, "")
        member = entry.data.get(field)
        if isinstance(member, dict):
            peer_id = str(member.get("peer_id"))
            self._admitted[peer_id] = "human" if member.get("kind") == "human" else "agent"
            self.on_admitted(peer_id)

    def admitted(self, peer_id: str) -> bool:
        """Whether it is a member, or ever was one. Once it is so, it stays so: what was agreed is not undone by who leaves."""
        return peer_id in self._admitted or peer_id in self._members()

    def kind(self, peer_id: str) -> Literal["agent", "human"]:
        """What it is as a member, or was; an agent while nobody knows. The present mesh's word counts over those of others."""
        member = self._members().get(peer_id)
        return member.kind if member is not None else self._admitted.get(peer_id, "agent")

    def person(self, peer_id: str) -> bool:
        """Whether a person speaks there who may take part."""
        member = self._members().get(peer_id)
        may = member is None or (member.authority != "read_only" and not member.clash)
        return self.kind(peer_id) == "human" and may
