"""What of the decisions waits for this peer's person: votes that they have not given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chorus_tui.contract.models.decisions import VoteDecision
from chorus_tui.contract.models.inbox import InboxItem
from chorus_tui.engine.decisions.book import Case

if TYPE_CHECKING:
    from chorus_tui.engine.decisions.service import DecisionService

SOON_S = 3_600.0
"""A vote that closes within this time is urgent."""


class DecisionInbox:
    """A :class:`chorus_tui.engine.inbox.interface.Source`."""

    kinds = frozenset({"vote"})

    def __init__(self, service: DecisionService) -> None:
        self._service = service

    def waiting(self) -> list[InboxItem]:
        """Open proposals that this peer may vote on and has not."""
        open_ = self._service.book.proposals(lambda case: case.end is None)
        return [item for case in open_ if (item := self._item(case)) is not None]

    def _item(self, case: Case) -> InboxItem | None:
        row = self._service.row(case)
        if not row.waits_for_me or case.proposal is None:
            return None
        soon = row.closes_at - self._service.parts.clock.wall() < SOON_S
        options = list(case.proposal.message.options)
        return InboxItem(
            item_id=f"vote:{row.decision_id}", kind="vote", subject_id=row.decision_id,
            title=row.title or f"Sealed to {', '.join(row.sealed_to)}",
            purpose=f"Your vote: {', '.join(options)}; {row.voted} of {row.eligible} have voted",
            priority="high" if soon else "medium", since=row.made_at, expires_at=row.closes_at, asked_by=row.proposer,
            asked_by_name=row.proposer_name, choices=options, words="optional",
            command=f"chorus-tui decide vote {row.decision_id} {options[0]} --reason TEXT",
        )  # fmt: skip

    async def answer(self, item: InboxItem, choice: str, text: str, caller: Any) -> str:
        """Vote; what came of it, in words. Raises :class:`Problem` as voting does."""
        cast = await self._service.acting.vote(
            VoteDecision(decision_id=item.subject_id, choice=choice, reason=text), caller
        )
        delivery = cast.vote.delivery
        return f"Voted {cast.vote.choice}; held by {delivery.held_by if delivery else 0} other peers"
