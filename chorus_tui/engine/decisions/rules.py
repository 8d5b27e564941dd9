"""Who may vote, which votes count, what comes of them. Pure.

The outcome is a function of the proposal, of the votes that the closing entry names, and of the members as the control log
had them at that entry: nobody's clock, nobody's arrivals. What the admin says they add up to is not even in the entry.

What an admin leaves out can be proven where it states that it had read so far in a member's feed: a vote before that number that
should count and is not counted was left out knowingly. A vote behind it is late, as far as anybody can tell.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from chorus_tui.engine.control.authority import may
from chorus_tui.engine.control.interface import Member, Person
from chorus_tui.engine.decisions import ballots
from chorus_tui.engine.decisions.ballots import NOBODY, voter, voters
from chorus_tui.engine.decisions.facts import Closing, CountedVote, Proposal, Stated, StatedPerson, Vote
from chorus_tui.engine.protocol.messages.decisions import ABSTAIN, MOST_ELIGIBLE, SignedVote, Threshold

REJECT = "reject"
"""As an option it can win, but never pass."""
NEWEST_EPOCHS = 2
"""Of each member's feed the closing entry states at least so many, and those in which it holds votes."""

MOST_EPOCHS = 64

Outcome = Literal["passed", "rejected", "no_quorum"]
Mark = Literal["stands", "replaced", "counted", "late", "left_out", "void"]


@dataclass(frozen=True, slots=True)
class Tally:
    """What the counted votes add up to. ``chosen`` is the option with the most votes, empty when two have as many."""

    counts: Mapping[str, int]
    eligible: int
    cast: int
    needed: int
    """Votes that make the quorum, abstentions among them."""
    share: Fraction
    """Of the votes that are no abstentions, those for ``chosen``."""
    chosen: str
    outcome: Outcome


# ── who and what counts ────────────────────────────────────────────────────────────────────────────────────────────


def flaw(proposal: Proposal, members: Mapping[str, Member]) -> str:
    """Why a proposal counts for nothing among these members; empty when it does not."""
    member = members.get(proposal.author)
    if member is None:
        return "its proposer is no member"
    if not may(member, "propose"):
        return f"its proposer has no authority to propose ({_standing(member)})"
    return _pretence(member, proposal.message.on_behalf_of)


def barred(proposal: Proposal, peer_id: str, members: Mapping[str, Member]) -> str:
    """Why this peer has no vote on a proposal; empty when it has one. Of persons: :func:`ballots.barred`."""
    member = members.get(peer_id)
    if peer_id not in proposal.message.eligible:
        return "the proposal does not name this member"
    if member is None:
        return "no member of the mesh"
    return "" if may(member, "vote") else f"no authority to vote ({_standing(member)})"


def refusal(
    proposal: Proposal, vote: Vote, members: Mapping[str, Member], persons: Mapping[str, Person] = NOBODY
) -> str:
    """Why a vote counts for nothing among these members and persons; empty when it does not. A signed one is its person's, who may
    have any peer bring it."""
    said = vote.message
    if (said.proposal, said.proposal_id, said.mesh_id) != (
        proposal.hash, proposal.message.proposal_id, proposal.message.mesh_id,
    ):  # fmt: skip
        return "said of another proposal or in another mesh"
    if isinstance(said, SignedVote):
        return ballots.refusal_of(proposal, said, persons)
    if why := barred(proposal, vote.author, members):
        return why
    if said.choice != ABSTAIN and said.choice not in proposal.message.options:
        return "not one of the options"
    return _pretence(members[vote.author], said.on_behalf_of)


def _standing(member: Member) -> str:
    return "its name is another member's" if member.clash else member.authority


def _pretence(member: Member, person: str) -> str:
    return "an agent that speaks as a person" if person and member.kind != "human" else ""


def _rank(vote: Vote) -> tuple[int, str, str, int, str]:
    """Of a signed vote only what was signed decides, so that who brings it has no say in which of them is the last."""
    said = vote.message
    digest = said.signed.digest if isinstance(said, SignedVote) else ""
    return (said.revision, digest, vote.epoch, vote.seq, vote.hash)


def standing(
    proposal: Proposal, votes: Iterable[Vote], members: Mapping[str, Member], persons: Mapping[str, Person] = NOBODY
) -> dict[str, Vote]:
    """The last vote of each that has one, as it would be counted now, by :func:`ballots.voter`."""
    last: dict[str, Vote] = {}
    for vote in votes:
        if not refusal(proposal, vote, members, persons):
            known = last.get(voter(vote))
            if known is None or _rank(vote) > _rank(known):
                last[voter(vote)] = vote
    return last


# ── closing ────────────────────────────────────────────────────────────────────────────────────────────────────────


def due(
    proposal: Proposal, votes: Iterable[Vote], members: Mapping[str, Member], now_ms: int,
    persons: Mapping[str, Person] = NOBODY,
) -> bool:  # fmt: skip
    """Whether the admin, by its clock, closes the vote now: at the deadline, or when all have voted for good."""
    if flaw(proposal, members):
        return False
    if now_ms >= proposal.message.deadline:
        return True
    last = standing(proposal, votes, members, persons)
    return all(one in last and last[one].message.final for one in voters(proposal))


def stated(
    proposal: Proposal, votes: Collection[Vote], members: Mapping[str, Member], read: Mapping[str, Mapping[str, int]],
    newest: Mapping[str, list[str]], persons: Mapping[str, Person] = NOBODY,
) -> dict[str, Stated]:  # fmt: skip
    """What the admin states of each eligible member, and of who else brought a person's vote how much of its feed it had read.
    ``read``: next number by author and epoch, as far as texts are here and no fork is; ``newest``: epochs of each author, newest
    first."""
    in_reach = _in_reach(votes, read)
    last = standing(proposal, in_reach, members, persons)
    found = {}
    for peer_id in [*proposal.message.eligible, *_bringers(proposal, in_reach, persons)]:
        vote = last.get(peer_id)
        counted = CountedVote(vote.epoch, vote.seq, vote.hash, vote.message.choice) if vote else None
        told = {one.epoch for one in in_reach if one.author == peer_id} | set(newest.get(peer_id, [])[:NEWEST_EPOCHS])
        far = sorted((epoch, next_) for epoch, next_ in read.get(peer_id, {}).items() if epoch in told)
        found[peer_id] = Stated(vote=counted, read=far[:MOST_EPOCHS])
    return found


def stated_persons(
    proposal: Proposal, votes: Collection[Vote], members: Mapping[str, Member], read: Mapping[str, Mapping[str, int]],
    persons: Mapping[str, Person],
) -> dict[str, StatedPerson]:  # fmt: skip
    """What the admin states of each eligible person whose vote it counts."""
    last = standing(proposal, _in_reach(votes, read), members, persons)
    return {
        vote.message.person: ballots.stated(vote, vote.message)
        for vote in last.values() if isinstance(vote.message, SignedVote)
    }  # fmt: skip


def _in_reach(votes: Iterable[Vote], read: Mapping[str, Mapping[str, int]]) -> list[Vote]:
    return [vote for vote in votes if vote.seq < read.get(vote.author, {}).get(vote.epoch, 0)]


def bringers(proposal: Proposal, votes: Iterable[Vote]) -> set[str]:
    """Peers in whose feeds persons' votes stand, good ones or bad."""
    return {vote.author for vote in votes if isinstance(vote.message, SignedVote)} - set(proposal.message.eligible)


def _bringers(proposal: Proposal, votes: Iterable[Vote], persons: Mapping[str, Person]) -> list[str]:
    good = [vote for vote in votes if isinstance(vote.message, SignedVote) and not refusal(proposal, vote, {}, persons)]
    return sorted(bringers(proposal, good))[: MOST_ELIGIBLE - len(proposal.message.eligible)]


# ── reading a closing ──────────────────────────────────────────────────────────────────────────────────────────────


def counted(
    proposal: Proposal, closing: Closing, votes: Mapping[str, Vote], untold: Collection[str]
) -> dict[str, str] | None:
    """The choices that count, by :func:`ballots.voter`, or None while a counted vote is not here yet. ``votes`` by hash; ``untold``:
    members whose vote need not be here (:meth:`Book.untold`). A person's need not either: what was signed stands in the closing."""
    choices = ballots.counted(proposal, closing)
    for peer_id in proposal.message.eligible:
        named = (closing.members.get(peer_id) or Stated()).vote
        if named is None:
            continue
        vote = votes.get(named.hash)
        if vote is None:
            if peer_id not in untold:
                return None
            if not barred(proposal, peer_id, closing.roster):
                choices[peer_id] = named.choice
        elif voter(vote) == peer_id and not refusal(proposal, vote, closing.roster):
            choices[peer_id] = vote.message.choice
    return choices


def tally(proposal: Proposal, choices: Iterable[str]) -> Tally:
    """Add up."""
    counts = dict.fromkeys(proposal.message.options, 0) | {ABSTAIN: 0}
    for choice in choices:
        counts[choice] = counts.get(choice, 0) + 1
    eligible, cast = len(voters(proposal)), sum(counts.values())
    voted = {option: count for option, count in counts.items() if option != ABSTAIN}
    most, decided = max(voted.values()), sum(voted.values())
    first = [option for option, count in voted.items() if count == most]
    chosen = first[0] if len(first) == 1 else ""
    share = Fraction(most, decided) if decided else Fraction(0)
    quorum = proposal.message.least_cast()
    outcome: Outcome = "rejected"
    if Fraction(cast, eligible) < quorum:
        outcome = "no_quorum"
    elif chosen and chosen != REJECT and enough(proposal.message.threshold, share):
        outcome = "passed"
    return Tally(counts, eligible, cast, least(quorum, eligible), share, chosen, outcome)


def least(quorum: Fraction, eligible: int) -> int:
    """The fewest votes that make the quorum."""
    exact = quorum * eligible
    return -(-exact.numerator // exact.denominator)


def enough(threshold: Threshold, share: Fraction) -> bool:
    """Whether this share of the votes that are no abstentions passes. Half is no majority."""
    if threshold == "majority":
        return share > Fraction(1, 2)
    return share >= (Fraction(2, 3) if threshold == "two_thirds" else 1)


def marks(proposal: Proposal, closing: Closing, votes: Mapping[str, Vote]) -> dict[str, tuple[Mark, str]]:
    """Of each vote held here, by hash: what became of it, and why."""
    found = {vote.hash: _mark(proposal, closing, votes, vote) for vote in votes.values()}
    last_left_out = standing(
        proposal, (votes[h] for h, (mark, _) in found.items() if mark == "left_out"), closing.roster, closing.enrolled
    )
    for hash_, (mark, _) in found.items():
        if mark == "left_out" and last_left_out[voter(votes[hash_])].hash != hash_:
            found[hash_] = ("replaced", "")
    return found


def _mark(proposal: Proposal, closing: Closing, votes: Mapping[str, Vote], vote: Vote) -> tuple[Mark, str]:
    if why := refusal(proposal, vote, closing.roster, closing.enrolled):
        return ("void", why)
    if isinstance(vote.message, SignedVote):
        told: tuple[Mark, str] | None = ballots.mark(proposal, closing, vote, vote.message)
    else:
        told = _own_mark(proposal, closing, votes, vote)
    if told is not None:
        return told
    if not (closing.members.get(vote.author) or Stated()).covers(vote.epoch, vote.seq):
        return ("late", "it reached the admin after the closing")
    named = (closing.members.get(vote.author) or Stated()).vote
    if not isinstance(vote.message, SignedVote) and named is not None and named.hash not in votes:
        return ("replaced", "")  # as it seems, while the counted vote is not here
    return ("left_out", "the admin states that it had read this far, and did not count it")


def _own_mark(
    proposal: Proposal, closing: Closing, votes: Mapping[str, Vote], vote: Vote
) -> tuple[Mark, str] | None:  # fmt: skip
    """By the vote that is counted in its place, if one is."""
    counted_ = (closing.members.get(vote.author) or Stated()).vote
    named = votes.get(counted_.hash) if counted_ else None
    if named is None:
        return None
    if vote.hash == named.hash:
        return ("counted", "")
    replaced = not refusal(proposal, named, closing.roster) and _rank(vote) < _rank(named)
    return ("replaced", "") if replaced else None


def faults(proposal: Proposal, closing: Closing, votes: Mapping[str, Vote]) -> list[str]:
    """What the closing entry itself proves against its admin, in words; whoever reads it finds the same."""
    found = []
    for peer_id in sorted(closing.members):
        named = closing.members[peer_id].vote
        if named is None:
            continue
        vote = votes.get(named.hash)
        if peer_id not in proposal.message.eligible:
            found.append(f"it counts a vote of {peer_id}, whom the proposal does not name")
        elif vote is None and (why := barred(proposal, peer_id, closing.roster)):
            found.append(f"it counts a vote of {peer_id}: {why}")
        elif vote is not None and (voter(vote) != peer_id or refusal(proposal, vote, closing.roster)):
            why = refusal(proposal, vote, closing.roster) if voter(vote) == peer_id else "it is another's"
            found.append(f"it counts a vote that counts for nothing: {why}")
        elif vote is not None and vote.message.choice != named.choice:
            found.append(f"it says {named.choice!r} of a vote that says {vote.message.choice!r}")
    found += ballots.faults(proposal, closing)
    if early(proposal, closing) and not _all_final(proposal, closing, votes):
        found.append("it was closed before its deadline, though not all had voted for good")
    return found


def _all_final(proposal: Proposal, closing: Closing, votes: Mapping[str, Vote]) -> bool:
    """Whether nothing here says otherwise. While the text of a counted vote is not here nothing is proven, against the admin or for it:
    that is :func:`on_its_word`."""
    for peer_id in proposal.message.eligible:
        named = (closing.members.get(peer_id) or Stated()).vote
        if named is None or (named.hash in votes and not votes[named.hash].message.final):
            return False
    told = closing.persons or {}
    return all(name in told and told[name].final for name in proposal.message.persons)


def on_its_word(proposal: Proposal, closing: Closing, votes: Mapping[str, Vote]) -> dict[str, str]:
    """What each member is counted with by the admin's word alone, the text of its vote being nowhere here. That may well be so: anybody
    may erase what they said, and a fork may be seen later. But nothing shows the choice, nor that it was for good."""
    stated = {
        peer_id: closing.members[peer_id].vote for peer_id in proposal.message.eligible if peer_id in closing.members
    }
    return {peer_id: one.choice for peer_id, one in stated.items() if one is not None and one.hash not in votes}


def early(proposal: Proposal, closing: Closing) -> bool:
    """Whether it was closed before its deadline, which takes the last word of everybody."""
    return closing.at_ms < proposal.message.deadline
