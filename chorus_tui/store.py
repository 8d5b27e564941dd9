"""What the screens show, as plain data: fed by events and snapshots, read by screens. Knows no terminal."""

from __future__ import annotations

import importlib
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chorus_tui.contract.events import Event

if TYPE_CHECKING:
    from pydantic import BaseModel

    from chorus_tui.contract.models.collab import CollabRow
    from chorus_tui.contract.models.decisions import DecisionRow
    from chorus_tui.contract.models.hmmm import ThreadRow
    from chorus_tui.contract.models.inbox import InboxItem
    from chorus_tui.contract.models.journal import LogLine
    from chorus_tui.contract.models.patches import PatchRow
    from chorus_tui.contract.models.peers import Peer
    from chorus_tui.contract.models.status import Status
    from chorus_tui.contract.models.tasks import TaskRow
    from chorus_tui.contract.models.ucxl import PlaceRow


@dataclass(frozen=True, slots=True)
class Collection:
    """Rows that one event topic keeps fresh and one operation lists. ``key`` is the field that names a row."""

    topic: str
    row: str
    """``module.Class`` below the contract's models."""
    key: str
    operation: str
    request: str = ""
    """The request's class; empty when the operation takes none."""

    def load(self, name: str) -> type[BaseModel]:
        """A class of the contract's models, imported when it is used."""
        module, _, attribute = name.rpartition(".")
        model: type[BaseModel] = getattr(importlib.import_module(f"chorus_tui.contract.models.{module}"), attribute)
        return model

    def asking(self) -> BaseModel | None:
        """The request for as many rows as a screen holds."""
        return self.load(self.request).model_validate({"limit": MOST_ROWS}) if self.request else None


MOST_ROWS = 1000
COLLECTIONS: tuple[Collection, ...] = (
    Collection("peers", "peers.Peer", "peer_id", "peers.list"),
    Collection("tasks", "tasks.TaskRow", "task_id", "tasks.list", "tasks.ListTasks"),
    Collection("decisions", "decisions.DecisionRow", "entry", "decisions.list", "decisions.ListDecisions"),
    Collection("patches", "patches.PatchRow", "key", "patches.list", "patches.ListPatches"),
    Collection("threads", "hmmm.ThreadRow", "key", "hmmm.rooms", "hmmm.ListRooms"),
    Collection("collabs", "collab.CollabRow", "session", "collab.list", "collab.ListCollabs"),
    Collection("inbox", "inbox.InboxItem", "item_id", "inbox.list"),
    Collection("places", "ucxl.PlaceRow", "place", "ucxl.places", "ucxl.ListPlaces"),
)
"""An answer holds its rows in a field that is named as the topic."""
BY_TOPIC = {collection.topic: collection for collection in COLLECTIONS}
TOPICS = ("status", "log", *BY_TOPIC)
LINES = 5000


@dataclass(slots=True)
class Store:
    """The newest state of everything a screen may show."""

    status: Status | None = None
    rows: dict[str, dict[str, Any]] = field(default_factory=lambda: {topic: {} for topic in BY_TOPIC})
    """By topic and key."""
    lines: deque[LogLine] = field(default_factory=lambda: deque(maxlen=LINES))
    fresh_lines: deque[LogLine] = field(default_factory=lambda: deque(maxlen=LINES))
    restarts: int = 0
    """How often the log began anew; what was shown of it before is told again."""
    skipped: int = 0
    changed: set[str] = field(default_factory=set)
    loaded: bool = False
    cut: set[str] = field(default_factory=set)
    """Topics of which the engine has more rows than a screen holds."""
    failing: dict[str, str] = field(default_factory=dict)
    """By topic, why the engine does not tell its rows, or its status."""

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
        from chorus_tui.contract.models.status import Status

        collection = BY_TOPIC.get(event.topic)
        if event.topic == "status":
            self.status = Status.model_validate(event.data)
        elif collection is not None and event.key is not None:
            if event.data is None:
                self.rows[event.topic].pop(event.key, None)
            else:
                self.rows[event.topic][event.key] = collection.load(collection.row).model_validate(event.data)
        elif event.topic == "log":
            line = LogLine.model_validate(event.data)
            self.lines.append(line)
            self.fresh_lines.append(line)

    def restart_log(self) -> None:
        """A new connection tells the last lines again."""
        self.lines.clear()
        self.fresh_lines.clear()
        self.restarts += 1
        self.changed.add("log")

    def snapshot(self, status: Status | None, rows: dict[str, list[Any]], cut: set[str]) -> None:
        """Replace everything by what the engine says now; without what it does not tell. ``rows`` are by topic; of those in ``cut``
        there are more."""
        self.status, self.cut = status, cut
        self.rows = {
            topic: {str(getattr(row, collection.key)): row for row in rows.get(topic, ())}
            for topic, collection in BY_TOPIC.items()
        }
        self.changed |= {"status", *BY_TOPIC}
        self.loaded = True

    def fail(self, failing: dict[str, str]) -> None:
        """Note what the engine does not tell; what it tells again is well."""
        if failing != self.failing:
            self.failing = failing
            self.changed |= {"status", *BY_TOPIC}

    @property
    def peers(self) -> dict[str, Peer]:
        """By peer id."""
        return self.rows["peers"]

    @property
    def inbox(self) -> dict[str, InboxItem]:
        """By item id."""
        return self.rows["inbox"]

    @property
    def tasks(self) -> dict[str, TaskRow]:
        """By task id."""
        return self.rows["tasks"]

    @property
    def decisions(self) -> dict[str, DecisionRow]:
        """By the hash of the proposal's entry."""
        return self.rows["decisions"]

    @property
    def patches(self) -> dict[str, PatchRow]:
        """By author and id."""
        return self.rows["patches"]

    @property
    def threads(self) -> dict[str, ThreadRow]:
        """Of all rooms, by room and thread."""
        return self.rows["threads"]

    @property
    def collabs(self) -> dict[str, CollabRow]:
        """Shared texts by session."""
        return self.rows["collabs"]

    @property
    def places(self) -> dict[str, PlaceRow]:
        """Content by address, without a version."""
        return self.rows["places"]

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
