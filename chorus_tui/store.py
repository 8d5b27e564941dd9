"""What the screens show, as plain data: fed by events and snapshots, read by screens. Knows no terminal."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chorus_tui.contract.events import Event

if TYPE_CHECKING:
    from chorus_tui.contract.models.journal import LogLine
    from chorus_tui.contract.models.peers import Peer
    from chorus_tui.contract.models.status import Status
    from chorus_tui.contract.models.tasks import TaskRow

TOPICS = ("status", "peers", "tasks", "log")
LINES = 5000


@dataclass(slots=True)
class Store:
    """The newest state of everything a screen may show."""

    status: Status | None = None
    peers: dict[str, Peer] = field(default_factory=dict)
    tasks: dict[str, TaskRow] = field(default_factory=dict)
    lines: deque[LogLine] = field(default_factory=lambda: deque(maxlen=LINES))
    fresh_lines: deque[LogLine] = field(default_factory=lambda: deque(maxlen=LINES))
    skipped: int = 0
    changed: set[str] = field(default_factory=set)
    loaded: bool = False

    def take(self, events: Iterable[Event], dropped: int) -> None:
        """Take events in; what changed is noted until :meth:`changes` is asked."""
        from pydantic import ValidationError

        for event in events:
            self.changed.add(event.topic)
            try:
                self._take(event)
            except ValidationError as error:
                # One event that is not understood must not end all updates.
                self.note(f"An event of the engine was not understood ({event.topic}: {error.error_count()} faults)")
        if dropped:
            self.skipped += dropped
            self.note(f"{dropped} events were skipped: more came than could be shown")

    def _take(self, event: Event) -> None:
        from chorus_tui.contract.models.journal import LogLine
        from chorus_tui.contract.models.peers import Peer
        from chorus_tui.contract.models.status import Status
        from chorus_tui.contract.models.tasks import TaskRow

        if event.topic == "status":
            self.status = Status.model_validate(event.data)
        elif event.topic == "peers" and event.key is not None:
            if event.data is None:
                self.peers.pop(event.key, None)
            else:
                self.peers[event.key] = Peer.model_validate(event.data)
        elif event.topic == "tasks" and event.key is not None:
            if event.data is None:
                self.tasks.pop(event.key, None)
            else:
                self.tasks[event.key] = TaskRow.model_validate(event.data)
        elif event.topic == "log":
            line = LogLine.model_validate(event.data)
            self.lines.append(line)
            self.fresh_lines.append(line)

    def restart_log(self) -> None:
        """A new connection tells the last lines again."""
        self.lines.clear()
        self.fresh_lines.clear()
        self.changed.add("log-restarted")

    def snapshot(self, status: Status, peers: Iterable[Peer], tasks: Iterable[TaskRow]) -> None:
        """Replace everything by what the engine says now."""
        self.status = status
        self.peers = {peer.peer_id: peer for peer in peers}
        self.tasks = {task.task_id: task for task in tasks}
        self.changed |= {"status", "peers", "tasks"}
        self.loaded = True

    def note(self, text: str, level: str = "warning") -> None:
        """A line of the portal's own in the event log."""
        from chorus_tui.contract.models.journal import LogLine

        line = LogLine(at=time.time(), level=level, text=text)
        self.lines.append(line)
        self.fresh_lines.append(line)
        self.changed.add("log")

    def changes(self) -> set[str]:
        """Topics that changed since the last call."""
        changed, self.changed = self.changed, set()
        return changed

    def new_lines(self) -> list[LogLine]:
        """Log lines since the last call."""
        lines = list(self.fresh_lines)
        self.fresh_lines.clear()
        return lines
