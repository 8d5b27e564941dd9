"""Events an engine streams to its clients.

An event with a ``key`` describes the present state of one thing (a peer, a task): a newer one replaces an older one
that was not read yet. An event without a key is a line of a log and is never merged, only dropped, counted, when a
reader is too slow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

TOPICS = {
    "status": "Status, keyed; data is a status.Status",
    "peers": "one event a peer, keyed by peer id; data is a peers.Peer, or null when it is forgotten",
    "tasks": "one event a task, keyed by task id; data is a tasks.TaskRow",
    "decisions": "one event a proposal, keyed by the hash of its entry; data is a decisions.DecisionRow",
    "patches": "one event a patch, keyed by author/id; data is a patches.PatchRow, or null when it is gone",
    "threads": "one event a thread of a room, keyed by room/thread; data is a hmmm.ThreadRow",
    "collabs": "one event a shared text, keyed by its session; data is a collab.CollabRow",
    "places": "one event a place, keyed by its address; data is a ucxl.PlaceRow, or null when nothing is known of it any more",
    "inbox": "one event an item, keyed by item id; data is an inbox.InboxItem, or null when it waits no more",
    "output": "lines of task output, not keyed; data is a tasks.OutputChunk; subscribe as output:<task_id>",
    "collab": "what happens in one shared text, not keyed; data is a collab.CollabEvent; subscribe as collab:<session>",
    "log": "what happened, one line each, not keyed; data is a journal.LogLine",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``seq`` counts per engine process, without gaps for a subscriber unless ``events.dropped`` says so."""

    seq: int
    topic: str
    key: str | None
    data: Any
