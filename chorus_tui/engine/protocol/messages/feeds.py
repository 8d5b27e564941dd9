"""What keeps feeds and control log whole: evidence of forks, watermarks, committed entries."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.messages.base import HASH, Message, MessageType


class SignedHeader(BaseModel):
    """A feed entry without its body."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    header: str = Field(max_length=4096)
    sig: str = Field(max_length=256)


class ForkEvidence(Message):
    """Two entries of one author under one number, as whoever saw them tells it to all."""

    first: SignedHeader
    second: SignedHeader


class Watermarks(Message):
    """Fleeting: how much of each feed the sender holds, as ``{author: {epoch: next_seq}}`` of open epochs. Its own feed is always among
    them; an author that is not there has not changed."""

    held: dict[str, dict[str, int]]
    number: int = Field(
        0, ge=0, description="Counts the tellings of the sender's own epoch; 0: it does not count them, all are whole"
    )
    since: int = Field(
        0, ge=0, description="What is told are the changes since the telling of this number; 0: everything"
    )


class ControlEntries(Message):
    """Fleeting: committed control entries for followers, or the admin's heartbeat when ``entries`` is empty.

    Each item of ``entries`` is ``{"entry": <canonical text>, "sig": …}``; ``certificate`` and ``term`` are as in
    :mod:`chorus_tui.engine.control.log`.
    """

    mesh_id: str = Field(pattern=HASH)
    term: int = Field(ge=1)
    commit: int = Field(ge=0)
    head: str = Field(pattern=HASH, description="Hash of the entry at ``commit``")
    entries: list[dict[str, Any]] = Field(default_factory=list, max_length=64)
    certificate: dict[str, Any] | None = None
    election: dict[str, Any] | None = None
    standing: dict[str, list[int]] = Field(default_factory=dict, max_length=14)


ROWS: dict[str, MessageType] = {
    "fork_evidence": MessageType(
        ForkEvidence, True, topics.COORDINATION, "network_event",
        "whoever sees it", "two entries stand under one number of a feed", "that feed counts no further; status shows it",
    ),
    "watermarks": MessageType(
        Watermarks, False, topics.COORDINATION, "network_event",
        "every peer", "every 10 s, of the feeds of which it holds more than before; rarely of all", "authors count it as held",
    ),
    "admin_heartbeat": MessageType(
        ControlEntries, False, topics.ELECTION, "network_event",
        "the admin", "every 5 s", "followers know that it leads, and fetch what they miss",
    ),
    "control_entries": MessageType(
        ControlEntries, False, topics.ELECTION, "network_event",
        "the admin", "entries are committed", "followers check, store and apply them",
    ),
}  # fmt: skip
