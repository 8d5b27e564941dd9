"""What is about to be said: redacted, checked, measured. The one choke point before feed and gossip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chorus_tui.engine.clock import Clock
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.protocol import canonical, envelope, messages
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.envelope import Entry

_WIDEST_LOG = {"epoch": "0" * 32, "seq": 2**53 - 1, "prev": "0" * 64, "hlc": "0" * 32, "sig": "0" * 128}


@dataclass(slots=True)
class Saying:
    """One message on its way to the disk."""

    type_: str
    topic: str
    envelope: dict[str, Any]
    size: int
    """Bytes at most, as sent."""
    entry: Entry | None = None
    error: Exception | None = None


class Speech:
    """Of one peer."""

    def __init__(self, me: str, redact: Callable[[Any], Any], clock: Clock) -> None:
        self._me = me
        self._redact = redact
        self._clock = clock

    def prepare(self, type_: str, data: dict[str, Any], topic: str | None, optional: dict[str, Any]) -> Saying:
        """A durable message, redacted and checked; the journal seals it. Raises :class:`Refused`."""
        row = messages.TYPES.get(type_)
        if row is None or not row.durable:
            raise Refused(f"{type_} is not a durable message type")
        topic = topic or row.topic
        if topic is None:
            raise Refused(f"{type_} needs a topic")
        clean = self._redact(data)
        try:
            messages.check(type_, clean)
            if not row.belongs_on(topic):
                raise Refused(f"{type_} is not said on {topic}")
            made = self._made(row.raw, type_, clean, optional)
            # With its log fields, which are added when it is sealed: nothing may fail there for those that wait beside it.
            size = len(canonical.encode({**made, "log": _WIDEST_LOG}))
            if size > canonical.MAX_MESSAGE:
                raise Refused(
                    f"The message is larger than {canonical.MAX_MESSAGE} bytes; send the large part as a file"
                )
        except WireError as error:
            raise Refused(str(error)) from error
        return Saying(type_, topic, made, size)

    def _made(self, raw: bool, type_: str, clean: dict[str, Any], optional: dict[str, Any]) -> dict[str, Any]:
        """Enveloped, or raw."""
        if raw:
            return envelope.make_raw(self._me, clean, self._clock.wall())
        return envelope.make(type_, self._me, clean, self._clock.wall(), **optional)

    def whisper(self, type_: str, data: dict[str, Any], topic: str | None) -> tuple[str, bytes]:
        """Topic and bytes of a fleeting message. Raises :class:`Refused`."""
        row = messages.TYPES[type_]
        where = topic or row.topic
        if where is None:
            raise Refused(f"{type_} needs a topic")
        clean = self._redact(data)
        try:
            messages.check(type_, clean)
            raw = canonical.encode(envelope.make(type_, self._me, clean, self._clock.wall()))
            if len(raw) > canonical.MAX_MESSAGE:
                raise Refused(f"The message is larger than {canonical.MAX_MESSAGE} bytes")
        except WireError as error:
            raise Refused(str(error)) from error
        return where, raw
