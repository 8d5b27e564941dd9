"""The rooms at work: folds what is said, closes, raises, lets the agent speak, and shows it all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from math import inf
from typing import Any

import structlog
import trio

from chorus_tui.engine.bell import Bell
from chorus_tui.engine.hmmm.alarm import Alarm
from chorus_tui.engine.hmmm.closing import Closing
from chorus_tui.engine.hmmm.inbox_items import Waiting
from chorus_tui.engine.hmmm.mouth import Mouth
from chorus_tui.engine.hmmm.operations import Operations
from chorus_tui.engine.hmmm.participant import Participant
from chorus_tui.engine.hmmm.parts import Parts
from chorus_tui.engine.hmmm.planning import Planner
from chorus_tui.engine.hmmm.presence import CALLED_S, LOOKS_S, TAKES_PART_S, Presence
from chorus_tui.engine.hmmm.rooms import Kinds, Rooms, Where
from chorus_tui.engine.hmmm.silence import Arrivals
from chorus_tui.engine.hmmm.thread import Line, Thread
from chorus_tui.engine.hmmm.views import Views
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import Message
from chorus_tui.engine.protocol.messages.roles import RoleCollaboration

log = structlog.get_logger("chorus.hmmm")

ROUND_S = 1.0
PAUSE_S = 0.1


class HmmmService:
    """Of one peer."""

    types = Rooms.types

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.kinds = Kinds(lambda: parts.control.members)
        self.rooms = Rooms(parts.sealing.open, self.kinds.admitted)
        self.kinds.on_admitted = self.rooms.admitted
        self.arrivals = Arrivals(parts.me)
        self.rooms.on_line = self._on_line
        self.mouth = Mouth(parts, self.rooms)
        self.views = Views(parts, self.rooms, self.kinds, self.arrivals)
        self.presence = Presence(parts.mesh, parts.clock)
        self.operations = Operations(self)
        self.inbox = Waiting(self)
        self._closing = Closing(parts, self.rooms, self.mouth, self.kinds.person)
        self._alarm = Alarm(parts, self.rooms, self.kinds.person)
        self._participant: Participant | None = None
        self.planner: Planner | None = None
        if parts.voice is not None:
            self._participant = Participant(parts, parts.voice, self.rooms, self.kinds, self.mouth)
            self.planner = Planner(parts, parts.voice, self.rooms, self.kinds, self.mouth)
        self._shown: set[str] = set()
        self._still: set[Where] = set()
        """Threads in which time alone changes how something stands for this peer."""
        self._live = False
        self._wake = Bell()
        parts.control.fold(self.kinds)
        parts.journal.fold(self)

    def apply(self, entry: Entry, message: Message) -> None:
        """The journal's fold."""
        self.rooms.apply(entry, message)
        if isinstance(message, RoleCollaboration) and self._is_called(message):
            self.presence.stay(message.subject_id, CALLED_S)
        self._wake.ring()

    def reset(self) -> None:
        """The journal's fold begins anew: rows of what is gone are taken back in the next round."""
        self.rooms.reset()
        self._wake.ring()

    def _is_called(self, message: RoleCollaboration) -> bool:
        role = topics.part(self.parts.role) if self.parts.role else ""
        return message.subject == "room" and role in {topics.part(name) for name in message.roles}

    def _on_line(self, thread: Thread, line: Line) -> None:
        self.arrivals.came(line.hash, self.parts.clock.monotonic() if self._live else -inf)
        if line.author == self.parts.me and self.parts.clock.wall() - line.at_ms / 1000 < TAKES_PART_S:
            self.presence.stay(thread.issue_id, TAKES_PART_S)
        self._closing.heard(thread, line)
        if self._participant is not None:
            self._participant.heard(thread, line)

    def looked_at(self, issue_id: str) -> None:
        """A client looks at a room: listen to it live."""
        self.presence.stay(issue_id, LOOKS_S)
        self._wake.ring()

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """The operations of this feature."""
        return self.operations.handlers()

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled; the folds were replayed before."""
        self._live = True
        async with trio.open_nursery() as nursery:
            if self._participant is not None:
                nursery.start_soon(self._participant.run)
            task_status.started()
            while True:
                await self._wake.rung(ROUND_S, PAUSE_S)
                await self._round()

    async def _round(self) -> None:
        changed, self.rooms.changed = self.rooms.changed, set()
        self._publish(changed | self._still)
        self._still = {where for where in changed | self._still if self.views.still(self.rooms.thread(*where))}
        if self.parts.control.mesh_id is None:
            return
        await self.presence.follow()
        try:
            await self._closing.look()
            await self._alarm.look(changed)
        except Refused as error:
            log.warning("⚠️ Something was not said in a room", reason=str(error))

    def _publish(self, changed: set[Where]) -> None:
        for where in sorted(changed):
            row = self.views.row(self.rooms.thread(*where))
            if row.messages:
                self._shown.add(row.key)
                self.parts.events.publish("threads", row.key, row.model_dump())
        here = {f"{issue_id}/{thread_id}" for issue_id, thread_id in self.rooms.threads}
        for key in sorted(self._shown - here):
            self.parts.events.publish("threads", key, None)
        self._shown &= here
