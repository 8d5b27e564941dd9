"""Whether a vote speaks for all who may vote, or only for those whom its proposer chose to ask. Pure.

Whoever proposes names the voters and the quorum. That is good for what concerns those who are named; for what concerns all, such as
somebody's patch, one member could name itself and be the only voter. So whoever may vote when the vote is closed and is not named is
reckoned to be against what came out. Of those who came while it was held the proposer cannot have known, and no clock and no number
that the proposer gives shows that it did not: they do no harm where the votes leave no doubt, and else another vote is held.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from chorus_tui.contract.counting import many
from chorus_tui.engine.control.authority import allowed, may
from chorus_tui.engine.control.interface import Member, Person
from chorus_tui.engine.decisions.ballots import PERSON, voters
from chorus_tui.engine.decisions.facts import Proposal
from chorus_tui.engine.decisions.rules import enough, tally
from chorus_tui.engine.protocol.messages.decisions import ABSTAIN

APPROVE: Final = "approve"
LEAST_QUORUM: Final = Fraction(1, 2)
"""What is proposed without another."""


def left_out(
    proposal: Proposal, members: Mapping[str, Member], persons: Mapping[str, Person], author: str
) -> list[str]:
    """Who may vote and is not named, by :func:`ballots.voter`. The author of what is voted on may be named or not."""
    able = {peer_id for peer_id, member in members.items() if may(member, "vote") and peer_id != author}
    able |= {PERSON + name for name, one in persons.items() if one.keys and allowed(one.authority, "vote")}
    return sorted(able - set(voters(proposal)))


def narrow(proposal: Proposal, left: int) -> str:
    """Why no votes can make it speak for all, when ``left`` are left out; empty when they can."""
    if proposal.message.least_cast() < LEAST_QUORUM:
        return f"its quorum is {proposal.message.quorum}, less than half of those named"
    named = len(voters(proposal))
    return f"it names {named} of the {named + left} that may vote" if left >= named else ""


def doubtful(proposal: Proposal, left: int, choices: Mapping[str, str], author: str) -> str:
    """Why what came out does not speak for all; empty when it does. ``choices`` that count, by :func:`ballots.voter`."""
    found = tally(proposal, choices.values())
    if found.outcome == "no_quorum":
        return ""
    for_it = found.counts.get(APPROVE, 0)
    against = sum(count for option, count in found.counts.items() if option not in (APPROVE, ABSTAIN))
    passed = found.outcome == "passed" and found.chosen == APPROVE
    if passed and all(one == author for one, choice in choices.items() if choice == APPROVE):
        return "nobody but its author approves"
    if passed:
        turned = for_it <= against + left
    else:
        share = Fraction(for_it + left, for_it + left + against) if for_it + left + against else Fraction(0)
        turned = left > 0 and enough(proposal.message.threshold, share)
    if turned or (left and left >= found.cast):
        return f"{many(left, 'voter')} that it does not name could have turned it"
    return ""
