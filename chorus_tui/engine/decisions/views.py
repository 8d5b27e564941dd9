"""Decisions as clients see them. Pure, but for what its surroundings look up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chorus_tui.contract.models import decisions as models
from chorus_tui.contract.models.decisions import OPEN
from chorus_tui.contract.models.decisions import DecisionRow as Row
from chorus_tui.contract.models.journal import Delivery
from chorus_tui.contract.signed_vote import NAMESPACE
from chorus_tui.contract.ssh_key import fingerprint_of
from chorus_tui.engine.control.interface import Control, Member, Person
from chorus_tui.engine.decisions import ballots, reach, rules
from chorus_tui.engine.decisions.ballots import PERSON
from chorus_tui.engine.decisions.book import Book, Case
from chorus_tui.engine.decisions.facts import Ballot, Proposal, Vote
from chorus_tui.engine.decisions.outcome import Result
from chorus_tui.engine.decisions.parts import Records
from chorus_tui.engine.decisions.record import address
from chorus_tui.engine.decisions.rules import Tally
from chorus_tui.engine.journal.interface import Journal
from chorus_tui.engine.protocol import sshsig
from chorus_tui.engine.protocol.messages.decisions import SignedVote
from chorus_tui.engine.protocol.said import Said

__all__ = ["Row", "Surroundings", "one_vote", "told", "view"]

FORKED = "its author's feed forked before it"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a view is made with. ``now`` is Unix time."""

    me: str
    book: Book
    control: Control
    now: float
    result: Callable[[Case], Result | None]
    opened: Callable[[Said[Any], str], dict[str, Any] | None]
    journal: Journal
    records: Records

    def members(self, case: Case) -> Mapping[str, Member]:
        """Of the proposal's mesh: when it was closed, else now."""
        assert case.proposal is not None
        return case.closing.roster if case.closing else self.book.members(case.proposal.message.mesh_id)

    def persons(self, case: Case) -> Mapping[str, Person]:
        """The same of those who were ever enrolled."""
        assert case.proposal is not None
        return case.closing.enrolled if case.closing else self.book.persons(case.proposal.message.mesh_id)

    def delivery(self, said: Said[Any]) -> Delivery | None:
        """How far an own entry got."""
        if said.author != self.me:
            return None
        entry = self.journal.get(*said.key)
        return self.journal.delivery(entry) if entry is not None else None


def told(state: str, outcome: str) -> str:
    """An end in words."""
    words = {"no_quorum": "no quorum", "counting": "closed; a vote that counts is not here yet"}
    return f"{outcome} ({state})" if state == "passed" and outcome else words.get(state, state)


def state_of(case: Case, around: Surroundings) -> tuple[models.State, str]:
    """The state of a proposal, and why where that needs words."""
    proposal = case.proposal
    assert proposal is not None
    if case.withdrawal is not None:
        return "withdrawn", case.withdrawal.reason
    if case.closing is not None:
        result = around.result(case)
        return (result.tally.outcome, "") if result else ("counting", "a vote that counts is not here yet")
    if around.book.in_doubt(proposal):
        return "void", FORKED
    if proposal.message.mesh_id != around.control.mesh_id:
        return "lapsed", "its mesh was left before it was closed; propose it anew"
    if why := rules.flaw(proposal, around.members(case)):
        return "void", why
    if around.now * 1000 < proposal.message.deadline:
        return "open", ""
    return "overdue", "the deadline is over; the admin closes it" + (
        "" if around.control.admin else ", and no admin is heard"
    )


def row(case: Case, around: Surroundings) -> Row:
    """One line of the list."""
    return Row(**_row_fields(case, around))


def _row_fields(case: Case, around: Surroundings) -> dict[str, Any]:
    proposal = case.proposal
    assert proposal is not None
    said, (state, _) = proposal.message, state_of(case, around)
    counted = _tally(case, around)
    clear = _clear(proposal, around)
    closing, end = case.closing, case.end
    return {
        "decision_id": said.proposal_id, "entry": proposal.hash, "title": str(clear.get("title", "")),
        "sealed_to": list(said.to_roles), "kind": said.kind, "state": state,
        "outcome": counted.chosen if state == "passed" else "", "proposer": proposal.author,
        "proposer_name": around.control.name(proposal.author), "made_at": proposal.at_ms / 1000,
        "closes_at": said.deadline / 1000, "ended_at": end.at_ms / 1000 if end else None, "eligible": counted.eligible,
        "voted": counted.cast, "needed": counted.needed, "waits_for_me": state in OPEN and _waits_for_me(case, around),
        "flagged": closing is not None and bool(warnings(case, around)),
    }  # fmt: skip


def _clear(proposal: Proposal, around: Surroundings) -> dict[str, Any]:
    """Title and description; nothing where they are sealed for others."""
    said = proposal.message
    if not said.sealed:
        return {"title": said.title, "description": said.description}
    return around.opened(proposal, said.sealed) or {}


def _standing(case: Case, around: Surroundings) -> dict[str, Vote]:
    assert case.proposal is not None
    return rules.standing(case.proposal, around.book.votes(case).values(), around.members(case), around.persons(case))


def _waits_for_me(case: Case, around: Surroundings) -> bool:
    assert case.proposal is not None
    barred = rules.barred(case.proposal, around.me, around.members(case))
    return not barred and around.me not in _standing(case, around)


def _tally(case: Case, around: Surroundings) -> Tally:
    """Of what was counted; while it is open, as it stands here."""
    assert case.proposal is not None
    result = around.result(case) if case.closing else None
    if result is not None:
        return result.tally
    return rules.tally(case.proposal, [vote.message.choice for vote in _standing(case, around).values()])


def warnings(case: Case, around: Surroundings) -> list[str]:
    """What the closing proves against its admin."""
    proposal, closing = case.proposal, case.closing
    if proposal is None or closing is None:
        return []
    votes = around.book.votes(case)
    found = rules.faults(proposal, closing, votes)
    for hash_, (mark, _) in sorted(rules.marks(proposal, closing, votes).items()):
        if mark == "left_out":
            who = voter_name(ballots.voter(votes[hash_]), around)
            found.append(f"it leaves out a vote of {who} that the admin states it had read")
    result = around.result(case)
    if result is not None and result.announced - {result.record_digest}:
        found.append("a record was announced that is not the one of these votes")
    return found


def unproven(case: Case, around: Surroundings) -> list[str]:
    """What counts by the word of the admin alone: no fault of its, and no proof either."""
    proposal, closing = case.proposal, case.closing
    if proposal is None or closing is None:
        return []
    untold = around.book.untold(closing)
    stated = rules.on_its_word(proposal, closing, around.book.votes(case))
    told = {voter_name(one, around): (choice, untold[one]) for one, choice in stated.items() if one in untold}
    found = [f"{name} is counted with {choice!r} as the admin states: {why}" for name, (choice, why) in told.items()]
    if told and rules.early(proposal, closing):
        found.append(f"closed before its deadline; that {', '.join(told)} had voted for good is the admin's word alone")
    return found


def not_for_all(case: Case, author: str, around: Surroundings) -> str:
    """Why this vote decides nothing about what ``author`` has made; empty when it does, or may yet."""
    proposal = case.proposal
    assert proposal is not None
    left = len(reach.left_out(proposal, around.members(case), around.persons(case), author))
    result = around.result(case) if case.closing else None
    why = reach.narrow(proposal, left)
    return why if why or result is None else reach.doubtful(proposal, left, result.choices, author)


def voter_name(voter: str, around: Surroundings) -> str:
    """Of a member or a person, as people call them."""
    return voter.removeprefix(PERSON) if voter.startswith(PERSON) else around.control.name(voter)


def view(case: Case, around: Surroundings) -> models.DecisionView:
    """All of one proposal."""
    proposal, closing = case.proposal, case.closing
    assert proposal is not None
    said, fields = proposal.message, _row_fields(case, around)
    members, clear = around.members(case), _clear(proposal, around)
    barred = rules.barred(proposal, around.me, members)
    standing = _standing(case, around)
    mine = standing.get(around.me)
    record, marks = _record(case, around), _marks(case, around)
    where = address(proposal, members) if closing else ""
    return models.DecisionView(
        **fields, description=str(clear.get("description", "")), readable=bool(clear), options=list(said.options),
        threshold=said.threshold, quorum=said.quorum, why=state_of(case, around)[1], on_behalf_of=said.on_behalf_of,
        mesh_id=said.mesh_id, project_id=said.project_id, task_id=said.task_id, thread_id=said.thread_id, issue_id=said.issue_id,
        patch=said.patch,
        votes=[_vote(vote, case, around, *marks[vote.hash]) for vote in _in_order(case)],
        missing=[voter_name(one, around) for one in ballots.voters(proposal) if one not in standing],
        persons=list(said.persons), revisions=revisions(case, around),
        counts=_counts(_tally(case, around)), warnings=warnings(case, around), unproven=unproven(case, around),
        closed_by=closing.admin if closing else "", closed_by_name=around.control.name(closing.admin) if closing else "",
        closing_index=case.end.index if case.end else None, my_vote=mine.message.choice if mine else "",
        may_vote=not barred and fields["state"] in OPEN, why_not=barred, delivery=around.delivery(proposal),
        ucxl=where, record=record, record_here=bool(record) and around.records.held(where),
    )  # fmt: skip


def revisions(case: Case, around: Surroundings) -> dict[str, int]:
    """The number of each eligible person's next vote. Only what the person really signed counts: nobody else drives it up."""
    proposal, persons = case.proposal, around.persons(case)
    assert proposal is not None
    found = dict.fromkeys(proposal.message.persons, 0)
    for vote in around.book.votes(case).values():
        said = vote.message
        if isinstance(said, SignedVote) and not rules.refusal(proposal, vote, {}, persons):
            found[said.person] = max(found[said.person], said.revision + 1)
    return found


def _record(case: Case, around: Surroundings) -> str:
    """The digest of the record, once it was announced truly."""
    result = around.result(case)
    return result.record_digest if result is not None and result.record_digest in result.announced else ""


def _counts(tally: Tally) -> models.Counts:
    return models.Counts(
        by_option=dict(tally.counts), eligible=tally.eligible, cast=tally.cast, needed=tally.needed, share=str(tally.share),
        chosen=tally.chosen, outcome=tally.outcome,
    )  # fmt: skip


def _in_order(case: Case) -> list[Vote]:
    return sorted(case.votes.values(), key=lambda vote: (vote.at_ms, vote.hash))


def one_vote(vote: Vote, case: Case, around: Surroundings) -> models.VoteView:
    """One vote, with what became of it; one that the book was not given stands behind a fork."""
    return _vote(vote, case, around, *_marks(case, around).get(vote.hash, ("void", FORKED)))


def _vote(vote: Vote, case: Case, around: Surroundings, mark: models.Mark, why: str) -> models.VoteView:
    said, member = vote.message, around.members(case).get(vote.author)
    clear = around.opened(vote, said.sealed) if said.sealed else {"reasoning": said.reasoning}
    person, key = _person(vote, case, around)
    return models.VoteView(
        person=person, key=key, by=vote.author, by_name=around.control.name(vote.author), kind=member.kind if member else "unknown",
        on_behalf_of=said.on_behalf_of, choice=said.choice, reason=str((clear or {}).get("reasoning", "")),
        sealed=bool(said.sealed), final=said.final, at=vote.at_ms / 1000, mark=mark, why=why, entry=vote.hash,
        delivery=around.delivery(vote),
    )  # fmt: skip


def _person(vote: Vote, case: Case, around: Surroundings) -> tuple[str, str]:
    """In whose name it is signed, and the fingerprint of the key if it is really one that this person has or had."""
    said, proposal = vote.message, case.proposal
    if proposal is None or not isinstance(said, SignedVote):
        return "", ""
    key, why = sshsig.signer(Ballot.of(said).text(proposal), NAMESPACE, said.signature)
    person = around.persons(case).get(said.person)
    theirs = not why and person is not None and key in (*person.keys, *person.former)
    return said.person, fingerprint_of(key) if theirs else ""


def _marks(case: Case, around: Surroundings) -> dict[str, tuple[models.Mark, str]]:
    """What became of every vote, or would now."""
    proposal, votes, members = case.proposal, around.book.votes(case), around.members(case)
    assert proposal is not None
    found: dict[str, tuple[models.Mark, str]] = dict.fromkeys(case.votes.keys() - votes.keys(), ("void", FORKED))
    if case.closing is not None:
        return found | rules.marks(proposal, case.closing, votes)
    standing = _standing(case, around)
    for hash_, vote in votes.items():
        why = rules.refusal(proposal, vote, members, around.persons(case))
        stands = standing.get(ballots.voter(vote)) == vote
        found[hash_] = ("void", why) if why else ("stands" if stands else "replaced", "")
    return found
