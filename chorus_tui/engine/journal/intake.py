"""What comes in from gossip: the one validator of all topics, run before a message is forwarded.

Malformed, forged or foreign messages are refused and counted by reason. A durable message of a member whose signature
is good but whose data does not fit its type is not forwarded, yet kept as unreadable: a bad body never blocks a feed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from chorus_tui.engine.mesh.interface import MeshCounters, Verdict
from chorus_tui.engine.protocol import envelope, messages
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import Message, MessageType

_REMEMBERED = 512


@dataclass(frozen=True, slots=True)
class Heard:
    """A message that passed: a feed entry, or a fleeting one. ``message`` is None for unknown types and unreadable data.

    ``vouched``: its own signature was not checked; a checked one later in the same batch covers it.
    """

    entry: Entry | None
    envelope: dict[str, Any]
    message: Message | None
    problem: str = ""
    vouched: bool = False


NO_FAULT: Final = frozenset({"bad_data", "stranger", "wrong_topic", "not_durable", "not_fleeting", "bad_envelope"})
"""Not forwarded, and nobody's fault: who brings it may know a newer table of types than this peer does, or members that this
peer, catching up, has yet to hear of. A refusal would be held against it."""


class Intake:
    """Checks and remembers, so that what the validator parsed is not parsed again by the handler."""

    def __init__(self, counters: MeshCounters) -> None:
        self._counters = counters
        self._parsed: OrderedDict[tuple[str, bytes], Heard] = OrderedDict()
        self.is_member: Callable[[str], bool] = lambda _peer: False
        self.on_unreadable: Callable[[Heard], None] = lambda _heard: None

    def validate(self, topic: str, data: bytes, author: str, _forwarder: str) -> Verdict:
        """The mesh's validator. Never raises."""
        try:
            heard = self.check(topic, data, author)
        except WireError as error:
            self.refuse(error.reason)
            return Verdict.IGNORE if error.reason in NO_FAULT else Verdict.REJECT
        if heard.problem:
            self.refuse("bad_data")
            self.on_unreadable(heard)
            return Verdict.IGNORE
        self._parsed[topic, data] = heard
        while len(self._parsed) > _REMEMBERED:
            self._parsed.popitem(last=False)
        return Verdict.ACCEPT

    def recall(self, topic: str, data: bytes, author: str) -> Heard:
        """What :meth:`validate` made of an accepted message."""
        return self._parsed.pop((topic, data), None) or self.check(topic, data, author)

    def check(self, topic: str, data: bytes, author: str) -> Heard:
        """Parse and verify. Raises :class:`WireError` with the reason."""
        if not self.is_member(author):
            raise WireError("stranger", "The author is no member")
        value = envelope.parse(data)
        if envelope.author_of(value) != author:
            raise WireError("forged_from", "The envelope's author did not sign the message")
        type_ = envelope.type_of(value)
        row = _row(type_, value, topic)
        if row is not None and row.durable != ("log" in value):
            raise WireError("not_durable" if row.durable else "not_fleeting", f"{type_} came with the wrong log fields")
        if "log" not in value:
            return Heard(None, value, messages.check(type_, envelope.data_of(value)))
        return readable(envelope.entry_of(value, topic))

    def refuse(self, reason: str) -> None:
        """Count a refusal."""
        self._counters.refused[reason] = self._counters.refused.get(reason, 0) + 1


def readable(entry: Entry, *, vouched: bool = False) -> Heard:
    """An entry with its message, or with the reason why it cannot be read."""
    if entry.envelope is None:
        why = "its body was erased or withheld" if entry.body is None else "its body is no envelope"
        return Heard(entry, {}, None, why, vouched)
    try:
        _row(entry.type, entry.envelope, entry.header.topic)
        return Heard(entry, entry.envelope, messages.check(entry.type, entry.data), vouched=vouched)
    except WireError as error:
        return Heard(entry, entry.envelope, None, str(error), vouched)


def _row(type_: str, value: dict[str, Any], topic: str) -> MessageType | None:
    """The row of a type that came in its own form and on a topic of its own; None of an unknown type."""
    row = messages.TYPES.get(type_)
    if row is not None and not row.belongs_on(topic):
        raise WireError("wrong_topic", f"{type_} does not belong on {topic}")
    if (row is not None and row.raw) != envelope.is_raw(value):
        raise WireError("bad_envelope", f"{type_} came in the form of another type")
    return row
