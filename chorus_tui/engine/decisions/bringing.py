"""What this peer may say of a vote before it says it: the proposal is open, the choice is one, a person's signature holds.

A person signs on their own machine; what comes here is the vote and its signature. A vote that nobody would count is not brought: who
signed it is told why while they can still sign another.
"""

from __future__ import annotations

from typing import Any

from chorus_tui.contract.models import decisions as models
from chorus_tui.contract.models.decisions import OPEN
from chorus_tui.contract.problem import Problem, invalid
from chorus_tui.contract.signed_vote import reason_hash
from chorus_tui.engine.decisions import ballots, views
from chorus_tui.engine.decisions.book import Case
from chorus_tui.engine.decisions.facts import Ballot, Proposal
from chorus_tui.engine.protocol import sshsig
from chorus_tui.engine.protocol.messages.decisions import ABSTAIN

WHO = "'chorus-tui members persons' shows who is enrolled with which key"


def open_proposal(case: Case, around: views.Surroundings) -> Proposal:
    """The proposal, if it can be voted on. Raises :class:`Problem`."""
    state, why = views.state_of(case, around)
    assert case.proposal is not None
    if state not in OPEN:
        raise Problem(409, "closed", f"The decision is not open: {views.told(state, '')}", why)
    return case.proposal


def one_of(proposal: Proposal, choice: str) -> None:
    """Raises :class:`Problem` when it cannot be chosen."""
    options = [*proposal.message.options, ABSTAIN]
    if choice not in options:
        raise invalid({"choice": f"{choice!r} is not one of {', '.join(dict.fromkeys(options))}"})


def signed_data(case: Case, around: views.Surroundings, request: models.VoteDecision) -> dict[str, Any]:
    """What is said of a person's vote. Raises :class:`Problem` when nobody would count it."""
    proposal, persons = open_proposal(case, around), around.persons(case)
    said = proposal.message
    if not around.control.may(around.me, "propose"):
        raise Problem(
            403, "authority", "This peer brings nobody's vote", "Its authority in the mesh does not suffice to say it."
        )
    if why := ballots.barred(proposal, request.person, persons):
        raise Problem(403, "authority", "This person has no vote on it", f"{request.person}: {why}. {WHO}.")
    one_of(proposal, request.choice)
    if said.sealed and request.reason:
        raise invalid({"reason": "the decision is sealed, and what is signed is in the open; sign without a reason"})
    try:
        line = sshsig.unarmored(request.signature)
    except sshsig.BadSignature as error:
        raise invalid({"signature": str(error)}) from error
    reason = reason_hash(request.reason)
    ballot = Ballot(request.person, request.choice, request.revision, request.final, reason, line)
    if why := ballots.refusal(proposal, ballot, persons):
        hint = "A secret in the reason is taken out before it is stored, and the signature does not hold then"
        raise invalid({"signature": f"{why}. {WHO}. {hint}"})
    following = views.revisions(case, around)[request.person]
    if request.revision < following:
        raise invalid({"revision": f"{request.person} has voted on it since; sign anew, as number {following}"})
    return {
        "proposal_id": said.proposal_id, "proposal": proposal.hash, "mesh_id": said.mesh_id, "choice": request.choice,
        "reasoning": request.reason, "revision": request.revision, "final": request.final, "person": request.person,
        "signature": line,
    }  # fmt: skip
