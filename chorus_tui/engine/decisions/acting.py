"""What people and agents do with decisions: list, show, vote, withdraw."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import trio

from chorus_tui.contract.models import decisions as models
from chorus_tui.contract.models.decisions import OPEN
from chorus_tui.contract.problem import Problem, invalid, not_found
from chorus_tui.engine.behalf import person_of
from chorus_tui.engine.control import entries
from chorus_tui.engine.control.interface import Refused
from chorus_tui.engine.decisions import ballots, rules, views
from chorus_tui.engine.decisions.book import Case
from chorus_tui.engine.decisions.bringing import one_of, open_proposal, signed_data
from chorus_tui.engine.protocol import messages
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages.decisions import DecisionVote
from chorus_tui.engine.protocol.said import Said
from chorus_tui.engine.vault.interface import CannotSeal

if TYPE_CHECKING:
    from chorus_tui.engine.decisions.service import DecisionService

CONFIRM_S = 5.0
"""How long an answer waits for what it asked for to come back."""
DELIVER_S = 2.0
"""How long a vote waits for the admin's receipt."""
HINT = "'chorus-tui decide list' shows what has reached this peer."


class Acting:
    """Answers the operations of this feature."""

    def __init__(self, service: DecisionService) -> None:
        self._service = service
        service.parts.control.on_request(entries.VOTE_WITHDRAWN, self._may_withdraw)

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """By operation name."""
        return {
            "decisions.list": self.list, "decisions.show": self.show, "decisions.vote": self.vote,
            "decisions.withdraw": self.withdraw,
        }  # fmt: skip

    def find(self, beginning: str) -> Case:
        """By id or its beginning. Raises :class:`Problem`."""
        found = self._service.book.named(beginning)
        here = self._service.parts.control.mesh_id
        found = [case for case in found if case.proposal and case.proposal.message.mesh_id == here] or found
        if not found:
            raise not_found("decision", beginning, HINT)
        if len(found) > 1:
            raise invalid({"decision_id": f"{len(found)} decisions begin so; give more of the id"})
        return found[0]

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def list(self, request: models.ListDecisions, _caller: Any) -> models.DecisionList:
        """Open ones first, those that close soonest before others; then the newest."""
        rows = [self._service.row(case) for case in self._service.book.proposals()]
        if request.which != "all":
            rows = [row for row in rows if (row.state in OPEN) == (request.which == "open")]
        rows.sort(key=lambda row: (0, row.closes_at) if row.state in OPEN else (1, -row.made_at))
        return models.DecisionList(decisions=rows[: request.limit])

    async def show(self, request: models.DecisionRef, _caller: Any) -> models.DecisionView:
        """All of one proposal."""
        return views.view(self.find(request.decision_id), self._service.around())

    # ── voting ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def vote(self, request: models.VoteDecision, caller: Any) -> models.VoteCast:
        """Say it; it is on disk when the answer comes. The admin is brought it at once, if it is in reach."""
        case = self.find(request.decision_id)
        if request.signature:
            return await self._cast(case, "signed_vote", signed_data(case, self._service.around(), request))
        proposal = case.proposal
        assert proposal is not None
        self._check(case, request.choice)
        said = proposal.message
        data = {
            "proposal_id": said.proposal_id, "proposal": proposal.hash, "mesh_id": said.mesh_id, "choice": request.choice,
            "revision": self._revision(case), "final": request.final, **self._reason(case, request.reason),
            "on_behalf_of": person_of(self._service.parts.kind, caller),
        }  # fmt: skip
        optional: dict[str, Any] = {"to_roles": list(said.to_roles)} if said.sealed and request.reason else {}
        return await self._cast(case, "decision_vote", data, **optional)

    async def _cast(self, case: Case, type_: str, data: dict[str, Any], **optional: Any) -> models.VoteCast:
        assert case.proposal is not None
        said = case.proposal.message
        entry = await self._service.parts.journal.say(type_, data, thread_id=said.thread_id or None, **optional)
        has_it = await self._bring(entry)
        self._still_here(case)
        message = messages.check(type_, data)
        assert isinstance(message, DecisionVote)
        return models.VoteCast(
            decision_id=said.proposal_id, admin_has_it=has_it,
            vote=views.one_vote(Said.of(entry, message), case, self._service.around()),
        )  # fmt: skip

    def _check(self, case: Case, choice: str) -> None:
        proposal = open_proposal(case, self._service.around())
        if why := rules.barred(proposal, self._service.parts.me, self._service.parts.control.members):
            raise Problem(
                403, "authority", "This peer has no vote on it", f"{why}. 'chorus-tui decide show' tells who has."
            )
        one_of(proposal, choice)

    def _revision(self, case: Case) -> int:
        me = self._service.parts.me
        mine = [vote.message.revision for vote in case.votes.values() if ballots.voter(vote) == me]
        return max(mine, default=-1) + 1

    def _reason(self, case: Case, reason: str) -> dict[str, str]:
        """Sealed as the proposal is."""
        assert case.proposal is not None
        roles = case.proposal.message.to_roles
        if not reason or not roles:
            return {"reasoning": reason}
        try:
            return {"sealed": self._service.parts.sealing.seal({"reasoning": reason}, roles)}
        except CannotSeal as error:
            raise invalid({"reason": f"{error}; or vote without a reason"}) from error

    @staticmethod
    def _still_here(case: Case) -> None:
        """While it was waited for, a proposal may have been taken back. Raises :class:`Problem`."""
        if case.proposal is None:
            text = "Its text was erased, or its proposer's feed forked before it: it counts for nothing any more."
            raise Problem(409, "gone", "The decision is gone", text)

    async def _bring(self, entry: Entry) -> bool:
        """To the admin, on a direct stream; True when it holds the entry on its disk."""
        control = self._service.parts.control
        if control.admin is None:
            return False
        with trio.move_on_after(DELIVER_S):
            return await self._service.parts.journal.deliver(entry, control.admin)
        return False

    # ── withdrawing ────────────────────────────────────────────────────────────────────────────────────────────────

    async def withdraw(self, request: models.WithdrawDecision, _caller: Any) -> models.DecisionView:
        """End an own proposal; the answer shows it ended, or as it is when the entry does not come in time."""
        case, control = self.find(request.decision_id), self._service.parts.control
        assert case.proposal is not None
        data = {
            "proposal_id": case.proposal.message.proposal_id, "proposal": case.proposal.hash, "reason": request.reason,
        }  # fmt: skip
        try:
            index = await control.request(entries.VOTE_WITHDRAWN, data)
        except Refused as error:
            raise Problem(409, "refused", "The decision cannot be withdrawn", f"{error}.") from error
        with trio.move_on_after(CONFIRM_S):
            while control.commit < index:  # noqa: ASYNC110 - a moment only
                await trio.sleep(0.05)
        self._still_here(case)
        return views.view(case, self._service.around())

    def _may_withdraw(self, who: str, data: dict[str, Any]) -> str | None:
        """What the admin checks besides authority."""
        case = self._service.book.cases.get(str(data.get("proposal")))
        if case is None or case.proposal is None:
            return "the admin has not heard of this decision yet"
        if case.proposal.author != who:
            return "only its proposer withdraws a decision"
        return "it has already ended" if case.end is not None else None
