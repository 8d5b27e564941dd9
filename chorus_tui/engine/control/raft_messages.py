"""What voters say to each other. Pure data; signatures are added where they travel."""

from __future__ import annotations

from dataclasses import dataclass

from chorus_tui.engine.control.raft_log import Entry, Position


@dataclass(frozen=True, slots=True)
class VoteRequest:
    """Vote for the sender in ``term``. ``pre``: would you? ``transfer``: the leader itself asked for it, and its word is shown."""

    term: int
    last: Position
    pre: bool = False
    transfer: bool = False


@dataclass(frozen=True, slots=True)
class VoteReply:
    """``last`` repeats the candidate's: a granted vote is signed over it."""

    term: int
    granted: bool
    pre: bool
    last: Position


@dataclass(frozen=True, slots=True)
class Append:
    """Entries that follow ``prev``; none in a heartbeat."""

    term: int
    prev: Position
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class AppendReply:
    """Success: everything up to ``index`` is stored. Else ``index`` is the follower's commit index, which surely matches."""

    term: int
    success: bool
    index: int


@dataclass(frozen=True, slots=True)
class Behind:
    """The leader no longer keeps what the follower needs next (the paper's InstallSnapshot): it fetches all that was
    decided up to ``commit``, with its certificate, as any follower does, and comes again."""

    term: int
    commit: int


@dataclass(frozen=True, slots=True)
class TimeoutNow:
    """Stand at once: the leader hands over to ``heir``, who is told."""

    term: int
    heir: str = ""


Message = VoteRequest | VoteReply | Append | AppendReply | Behind | TimeoutNow


def reach(message: Message) -> int:
    """How far its sender's log goes at least, as it says; 0 where it does not say."""
    match message:
        case Append(_, prev, _):
            return prev.index
        case VoteRequest(_, last, _):
            return last.index
        case Behind(_, commit):
            return commit
        case _:
            return 0
