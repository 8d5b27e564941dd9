"""Rooms as callers see them."""

from __future__ import annotations

from chorus_tui.contract.models import hmmm as models
from chorus_tui.contract.models.journal import Delivery
from chorus_tui.engine.hmmm import escalation, rules
from chorus_tui.engine.hmmm.closing import event_id
from chorus_tui.engine.hmmm.parts import Parts
from chorus_tui.engine.hmmm.rooms import Kinds, Rooms
from chorus_tui.engine.hmmm.rules import Proposal
from chorus_tui.engine.hmmm.silence import Arrivals
from chorus_tui.engine.hmmm.thread import Line, Thread
from chorus_tui.engine.shhh.cutting import beginning

TITLE = 100
_PRESSING: tuple[models.State, ...] = ("reopened", "objected", "open", "agreed")


class Views:
    """Of one peer."""

    def __init__(self, parts: Parts, rooms: Rooms, kinds: Kinds, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self._parts = parts
        self._rooms = rooms
        self._kinds = kinds

    def row(self, thread: Thread) -> models.ThreadRow:
        """A thread in a line. Its state is that of its most pressing proposal."""
        lines = thread.in_order()
        proposals = rules.proposals(thread)
        states = {self._state(thread, proposal) for proposal in proposals}
        state: models.State = next((one for one in _PRESSING if one in states), "")
        until = [at for one in proposals if (at := self._until(thread, one)) is not None]
        authors = {line.author for line in lines}
        people = sum(self._kinds.kind(author) == "human" for author in authors)
        last = lines[-1] if lines else None
        return models.ThreadRow(
            key=f"{thread.issue_id}/{thread.thread_id}", issue_id=thread.issue_id, thread_id=thread.thread_id,
            title=_title(lines), state=state, escalated=bool(escalation.standing(thread, self._kinds.person)),
            messages=len(lines), people=people, agents=len(authors) - people, last_at=last.at_ms / 1000 if last else 0.0,
            last_by=self._parts.control.name(last.author) if last else "", objections_until=max(until, default=None),
        )  # fmt: skip

    def still(self, thread: Thread) -> bool:
        """Whether something here that others call agreed is open to this peer for a while yet."""
        now = self._parts.clock.monotonic()
        return any(self._arrivals.still(thread, one, now) for one in rules.proposals(thread))

    def _state(self, thread: Thread, proposal: Proposal) -> models.State:
        """How it stands to this peer: as to all, but for what was closed on its silence before it had the time."""
        still = self._arrivals.still(thread, proposal, self._parts.clock.monotonic())
        return "open" if still else proposal.state

    def _until(self, thread: Thread, proposal: Proposal) -> float | None:
        """When an open one may be closed, or was silently enough to this peer; Unix time."""
        still = self._arrivals.still(thread, proposal, self._parts.clock.monotonic())
        if still:
            return self._parts.clock.wall() + still
        timed = proposal.state in ("open", "reopened") and not proposal.standing
        return proposal.closes_at_ms / 1000 if timed else None

    def rows(self, issue_id: str, limit: int) -> list[models.ThreadRow]:
        """Escalated threads first, then the newest."""
        threads = [one for one in self._rooms.threads.values() if one.lines and issue_id in ("", one.issue_id)]
        found = [self.row(thread) for thread in threads]
        return sorted(found, key=lambda row: (not row.escalated, -row.last_at, row.key))[:limit]

    def show(self, thread: Thread) -> models.ThreadView:
        """All of it."""
        proposals = {one.line.hash: one for one in rules.proposals(thread)}
        standing = {line.hash for one in proposals.values() for line in one.standing}
        agreed = [one for one in proposals.values() if self._state(thread, one) == "agreed"]
        return models.ThreadView(
            row=self.row(thread),
            lines=[self._line(thread, depth, line, proposals.get(line.hash), standing) for depth, line in thread.tree()],
            escalations=[self._escalation(one) for one in escalation.escalations(thread, self._kinds.person)],
            consensus=[one.line.said.msg_id for one in agreed], remembered=self._remembered(agreed),
        )  # fmt: skip

    def _line(
        self, thread: Thread, depth: int, line: Line, proposal: Proposal | None, standing: set[str]
    ) -> models.RoomLine:  # fmt: skip
        said, name = line.said, self._parts.control.name
        state: models.State = self._state(thread, proposal) if proposal else ""
        closes = thread.parent(line)
        closed = closes if closes is not None and rules.closes(thread, line, closes) else None
        if said.type == "objection":
            state = "standing" if line.hash in standing else "settled"
        return models.RoomLine(
            msg_id=said.msg_id, parent_id=said.parent_id, depth=depth, hash=line.hash, author=line.author,
            author_name=name(line.author), kind=self._kinds.kind(line.author), on_behalf_of=said.on_behalf_of, type=said.type,
            intent=said.intent, message=said.message, reasoning=said.reasoning,
            citations=[models.Citation(address=one.address, reason=one.reason) for one in said.citations],
            to_roles=said.to_roles, restricted=bool(said.sealed), hidden=line.hidden, priority=said.priority,
            hop_count=said.hop_count, at=line.at_ms / 1000, state=state, delivery=self.delivery(line),
            objections_until=self._until(thread, proposal) if proposal else None,
            silence=self._arrivals.silence(line, closed),
        )  # fmt: skip

    def delivery(self, line: Line) -> Delivery | None:
        """How far an own message got; None for others'."""
        if line.author != self._parts.me:
            return None
        entry = self._parts.journal.get(line.author, line.epoch, line.seq)
        return None if entry is None else self._parts.journal.delivery(entry)

    def _escalation(self, one: escalation.Escalation) -> models.EscalationView:
        name, said = self._parts.control.name, one.first.said
        return models.EscalationView(
            key=one.key, cause=said.cause, words=escalation.WORDS.get(said.cause, said.cause), reason=said.reason,
            to_role=said.to_role, raised_by=name(one.first.author), raised_at=one.first.at_ms / 1000,
            ended_by=name(one.ended.author) if one.ended else "", ended_at=one.ended.at_ms / 1000 if one.ended else None,
        )  # fmt: skip

    def _remembered(self, proposals: list[Proposal]) -> str:
        """What the admin made of the newest of these, which are agreed."""
        closings = [one.closing for one in proposals if one.closing is not None]
        if not closings:
            return ""
        event = event_id(max(closings, key=lambda line: line.order))
        answer = self._rooms.acknowledged.get(event)
        if answer is not None:
            return "the admin remembers it" if answer.accepted else f"the admin does not remember it: {answer.reason}"
        return "told to the admin" if event in self._rooms.events else ""


def _title(lines: list[Line]) -> str:
    """The first line of the first message."""
    first = next((line.said.message for line in lines if line.said.message.strip()), "")
    return beginning(first.strip().splitlines()[0], TITLE) if first.strip() else ""
