"""Votes that persons sign with keys of their own: whose they are, which count, what a closing says of them. Pure.

A signed vote is judged by what was signed and by the keys that the control log had for its person when the vote was closed, as members
are: not by the peer that brings it, nor by how it came. The same signed vote in two feeds is one vote. Who may vote was fixed when it
was proposed; a key that was enrolled later is still that person's.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from chorus_tui.contract.signed_vote import NAMESPACE, digest
from chorus_tui.engine.control.authority import allowed
from chorus_tui.engine.control.interface import Person
from chorus_tui.engine.decisions.facts import Ballot, Closing, CountedVote, Proposal, StatedPerson, Vote
from chorus_tui.engine.protocol import sshsig
from chorus_tui.engine.protocol.messages.decisions import ABSTAIN, SignedVote

NOBODY: Final[Mapping[str, Person]] = MappingProxyType({})
PERSON: Final = "person:"
"""Before a person's name, so that it is told from the name of a member."""


def voter(vote: Vote) -> str:
    """Whose vote it is: a peer id, or a person."""
    said = vote.message
    return PERSON + said.person if isinstance(said, SignedVote) else vote.author


def voters(proposal: Proposal) -> list[str]:
    """Everybody whose vote may count, as :func:`voter` has them."""
    return [*proposal.message.eligible, *(PERSON + name for name in proposal.message.persons)]


def barred(proposal: Proposal, name: str, persons: Mapping[str, Person]) -> str:
    """Why this person has no vote on a proposal; empty when they have one."""
    person = persons.get(name)
    if name not in proposal.message.persons:
        return "the proposal does not name this person"
    if person is None or not person.keys:
        return "this person is not enrolled"
    return "" if allowed(person.authority, "vote") else f"no authority to vote ({person.authority})"


def refusal(proposal: Proposal, ballot: Ballot, persons: Mapping[str, Person]) -> str:
    """Why it counts for nothing; empty when it counts."""
    key, why = sshsig.signer(ballot.text(proposal), NAMESPACE, ballot.signature)
    return _refusal(proposal, ballot.person, ballot.choice, persons, key, why)


def refusal_of(proposal: Proposal, said: SignedVote, persons: Mapping[str, Person]) -> str:
    """The same of a vote in a feed, which is known to name this proposal."""
    return _refusal(proposal, said.person, said.choice, persons, said.signed.key, said.signed.why)


def _refusal(
    proposal: Proposal, name: str, choice: str, persons: Mapping[str, Person], key: str, why: str
) -> str:  # fmt: skip
    person = persons.get(name)
    if person is None or name not in proposal.message.persons:
        return barred(proposal, name, persons)
    if not why and key in person.former:
        why = "signed with a key that was withdrawn"
    if why := why or barred(proposal, name, persons):
        return why
    if key not in person.keys:
        return f"signed with a key that is not {name}'s"
    return "" if choice in (ABSTAIN, *proposal.message.options) else "not one of the options"


def rank(proposal: Proposal, ballot: Ballot) -> tuple[int, str]:
    """Which of two of one person is the later one. Two that were signed under one number are told apart by what they say, for all
    alike."""
    return (ballot.revision, digest(ballot.text(proposal)))


# ── closing ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def stated(vote: Vote, said: SignedVote) -> StatedPerson:
    """As the closing entry tells it."""
    ballot = Ballot.of(said)
    return StatedPerson(
        vote=CountedVote(vote.epoch, vote.seq, vote.hash, ballot.choice), by=vote.author, revision=ballot.revision,
        final=ballot.final, reason=ballot.reason, signature=ballot.signature,
    )  # fmt: skip


def counted(proposal: Proposal, closing: Closing) -> dict[str, str]:
    """The choices of persons that count, by :func:`voter`."""
    told = {name: Ballot.stated(name, one) for name, one in (closing.persons or {}).items()}
    return {
        PERSON + name: told[name].choice
        for name in proposal.message.persons
        if name in told and not refusal(proposal, told[name], closing.enrolled)
    }


def mark(
    proposal: Proposal, closing: Closing, vote: Vote, said: SignedVote
) -> tuple[Literal["counted", "replaced", "late"], str] | None:  # fmt: skip
    """What became of a vote that counts for something, by the one that is counted of its person; None: none in its place."""
    if closing.persons is None:
        return ("late", "the admin that closed it counts no signed votes")
    told = closing.persons.get(said.person)
    if told is None:
        return None
    ballot, mine = Ballot.stated(said.person, told), (said.revision, said.signed.digest)
    if refusal(proposal, ballot, closing.enrolled) or mine > rank(proposal, ballot):
        return None
    if mine < rank(proposal, ballot):
        return ("replaced", "")
    return (
        ("counted", "") if told.vote.hash == vote.hash else ("replaced", "the same vote, brought by another peer too")
    )


def faults(proposal: Proposal, closing: Closing) -> list[str]:
    """What the closing itself proves against its admin."""
    found = []
    for name, told in sorted((closing.persons or {}).items()):
        if why := refusal(proposal, Ballot.stated(name, told), closing.enrolled):
            found.append(f"it counts a vote of {name} that counts for nothing: {why}")
    return found
