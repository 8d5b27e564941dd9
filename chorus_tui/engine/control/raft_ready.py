"""What the Raft core is told, and what it hands out to be stored, sent and shown. Pure data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from chorus_tui.engine.control.raft_log import Entry
from chorus_tui.engine.control.raft_messages import Message


class Role(Enum):
    """As in the paper; a pre-candidate asks whether it could win before it disturbs anybody."""

    FOLLOWER = "follower"
    PRE_CANDIDATE = "pre-candidate"
    CANDIDATE = "candidate"
    LEADER = "leader"


@dataclass(frozen=True, slots=True)
class HardState:
    """What must be on disk before it is used: the term, and whom this voter chose in it."""

    term: int
    vote: str | None


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. ``patience`` is how long a candidate waits for answers before it stands again."""

    heartbeat: float = 5.0
    timeout: float = 15.0
    patience: float = 1.0


@dataclass(frozen=True, slots=True)
class Happened:
    """Something for people and for the shell: ``timed_out``, ``candidacy``, ``elected``, ``stepped_down``, ``following``."""

    what: str
    term: int
    detail: str = ""


@dataclass(slots=True)
class Ready:
    """What the caller must do now: store ``hard`` and ``entries`` (in place of all from the first of them on), then send."""

    hard: HardState | None = None
    replace_from: int | None = None
    entries: list[Entry] = field(default_factory=list)
    messages: list[tuple[str, Message]] = field(default_factory=list)
    happened: list[Happened] = field(default_factory=list)
