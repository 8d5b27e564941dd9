"""What the messages of a thread come to: proposals and their objections, what is agreed. Pure, whatever the order of arrival.

A proposal is agreed when its proposer has closed it: after the time for objections, with the names of peers that held it and
were silent, at least one of them another. An objection that the closing did not know of reopens it, however late it comes; it
is agreed again when that objection is settled and the proposer closes anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chorus_tui.engine.hmmm.thread import Line, Thread
from chorus_tui.engine.protocol.messages.rooms import CLOSING

State = Literal["open", "objected", "agreed", "reopened", "replaced"]
UNSETTLED: frozenset[State] = frozenset({"open", "objected", "reopened"})


@dataclass(frozen=True, slots=True)
class Proposal:
    """One proposal and how it stands. ``standing`` are the objections that nobody has settled."""

    line: Line
    state: State
    objections: tuple[Line, ...]
    standing: tuple[Line, ...]
    closing: Line | None
    quiet_since_ms: int
    """Since when nothing has been said against it, by the clocks of those who spoke."""

    @property
    def closes_at_ms(self) -> int:
        """When its proposer may close it, if nobody objects."""
        return self.quiet_since_ms + int(self.line.said.objection_s * 1000)


def proposals(thread: Thread) -> list[Proposal]:
    """All of a thread, in order."""
    found = [line for line in thread.in_order() if line.said.type == "proposal"]
    return [judge(thread, line) for line in found]


def judge(thread: Thread, line: Line) -> Proposal:
    """How one proposal stands."""
    objections = tuple(other for other in thread.in_order() if objects(thread, other, line))
    settled = {one.hash: settlement(thread, line, one) for one in objections}
    standing = tuple(one for one in objections if settled[one.hash] is None)
    closings = [other for other in thread.in_order() if closes(thread, other, line)]
    known = {one.hash for one in objections}
    counting = [closing for closing in closings if known <= set(closing.said.objections)]
    closing = counting[0] if counting else closings[0] if closings else None
    spoken = [line, *objections, *(one for one in settled.values() if one is not None)]
    quiet = max(one.at_ms for one in spoken)
    return Proposal(line, _state(thread, line, standing, closings, counting), objections, standing, closing, quiet)


def _state(thread: Thread, line: Line, standing: tuple[Line, ...], closings: list[Line], counting: list[Line]) -> State:
    if counting and not standing:
        return "agreed"
    if _replaced(thread, line):
        return "replaced"
    if closings:
        return "reopened"
    return "objected" if standing else "open"


def concerned(thread: Thread, line: Line) -> Line | None:
    """The proposal that a message is about: the nearest above it."""
    return next((up for up in thread.above(line) if up.said.type == "proposal"), None)


def objects(thread: Thread, line: Line, proposal: Line) -> bool:
    """Whether it objects to this proposal. One whose proposal is not to be seen stands against all of its thread: none is lost."""
    if line.said.type != "objection":
        return False
    about = concerned(thread, line)
    return about is None or about.hash == proposal.hash


def settlement(thread: Thread, proposal: Line, objection: Line) -> Line | None:
    """The word with which the objection's own author gave it up: agreement to the objection, or later to the proposal."""
    for line in thread.in_order():
        if line.said.type == "agreement" and line.author == objection.author:
            up = thread.parent(line)
            later = (line.at_ms, line.tick) > (objection.at_ms, objection.tick)
            if up is not None and (up.hash == objection.hash or (up.hash == proposal.hash and later)):
                return line
    return None


def closes(thread: Thread, line: Line, proposal: Line) -> bool:
    """Whether it closes this proposal: its proposer's word, in time, with another member who held it and was silent. That they did is
    the proposer's word too; who is named and knows better, shows it (:mod:`chorus_tui.engine.hmmm.silence`)."""
    said, up = line.said, thread.parent(line)
    if said.type != "update" or said.intent != CLOSING or line.author != proposal.author:
        return False
    in_time = line.at_ms - proposal.at_ms >= int(proposal.said.objection_s * 1000)
    others = {peer for peer in said.holders if peer != proposal.author and thread.member(peer)}
    return up is not None and up.hash == proposal.hash and in_time and bool(others)


def _replaced(thread: Thread, line: Line) -> bool:
    """Whether its proposer put another in its place, below it."""
    for other in thread.lines.values():
        if other.said.type == "proposal" and other.author == line.author and other.hash != line.hash:
            about = concerned(thread, other)
            if about is not None and about.hash == line.hash and other.order > line.order:
                return True
    return False


def may_close(proposal: Proposal, me: str, holders: set[str], now_ms: int) -> list[str]:
    """Whom a closing entry of ``me`` may name now, in order; empty: it may not close. ``holders``: members that have had it for the
    whole time.

    Silence counts only of peers that hold the proposal; who objected and settled it has agreed in words.
    """
    if proposal.line.author != me or proposal.state not in ("open", "reopened") or proposal.standing:
        return []
    waited = now_ms - min(proposal.quiet_since_ms, now_ms)
    if waited < int(proposal.line.said.objection_s * 1000):
        return []
    return sorted(holders - {me})


def consensus(thread: Thread) -> list[Proposal]:
    """What the thread agrees on."""
    return [proposal for proposal in proposals(thread) if proposal.state == "agreed"]


def unanswered(thread: Thread) -> list[Line]:
    """Questions that nobody has answered. Who asked may have: then there is nothing to wait for."""
    answered = {
        up.hash
        for line in thread.lines.values()
        if line.said.type == "answer" and (up := thread.parent(line)) is not None
    }
    return [line for line in thread.in_order() if line.said.type == "question" and line.hash not in answered]
