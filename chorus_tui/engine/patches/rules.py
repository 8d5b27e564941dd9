"""What of a patch counts, who may say what of it, how it stands. Pure.

A state is a function of what was said, of the members, and of the decision on it: nobody's clock, nobody's arrivals. Everything that
is said counts for the revision that it names and for no other, so a new revision begins anew: what was reviewed is what is applied.
Nobody's own approval counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from chorus_tui.contract.models.patches import State
from chorus_tui.engine.control.authority import may
from chorus_tui.engine.control.interface import Member
from chorus_tui.engine.patches.facts import Ballot, Review, Revision, Word

MemberOf = Callable[[str], Member | None]
"""A member as the mesh has it, or had it when it left."""

DEAD = frozenset({"withdrawn", "void", "lapsed", "no_quorum"})
"""States of a decision that decide nothing: another vote may be held."""
APPROVE = "approve"


# ── what counts ────────────────────────────────────────────────────────────────────────────────────────────────────


def flaw(revision: Revision, member: Member | None) -> str:
    """Why a patch counts for nothing; empty when it does not."""
    if why := barred(member):
        return f"its author {why}"
    return _pretence(revision.message.on_behalf_of, member)


def barred(member: Member | None) -> str:
    """Why a member may not take part: make patches, comment on them, submit its own; empty when it may."""
    if member is None:
        return "is no member"
    return "" if may(member, "propose") else f"has no authority to propose ({_standing(member)})"


def _standing(member: Member) -> str:
    return "its name is another member's" if member.clash else member.authority


def _pretence(person: str, member: Member | None) -> str:
    return "an agent that speaks as a person" if person and member is not None and member.kind != "human" else ""


def unheard(review: Review, revision: Revision, member: Member | None) -> str:
    """Why a review of this revision counts for nothing at all, its comments included; empty when it counts."""
    said = review.message
    if said.patch != revision.hash or said.patch_id != revision.message.patch_id:
        return "said of another revision"
    if why := barred(member):
        return f"its author {why}"
    return _pretence(said.on_behalf_of, member)


def no_judge(judge: str, revision: Revision, member: Member | None) -> str:
    """Why a member's verdict on a revision counts for nothing; empty when it counts."""
    if judge == revision.author:
        return "nobody judges a patch of one's own"
    return "" if may(member, "vote") else "no authority to judge patches"


def verdicts(revision: Revision, reviews: Iterable[Review], member_of: MemberOf) -> dict[str, Review]:
    """The last verdict of each member that has one on this revision; comments leave it as it is."""
    last: dict[str, Review] = {}
    for review in reviews:
        member = member_of(review.author)
        if review.message.verdict == "comment" or unheard(review, revision, member):
            continue
        if not no_judge(review.author, revision, member):
            known = last.get(review.author)
            if known is None or _rank(review) > _rank(known):
                last[review.author] = review
    return last


def _rank(review: Review) -> tuple[int, str, int, str]:
    return (review.message.number, review.epoch, review.seq, review.hash)


def idle(word: Word, revision: Revision, member: Member | None) -> str:
    """Why a word that submits, withdraws or applies counts for nothing; empty when it counts."""
    said = word.message
    if said.patch != revision.hash or said.patch_id != revision.message.patch_id:
        return "said of another revision"
    return may_not(said.state, word.author, revision, member) or _pretence(said.on_behalf_of, member)


def may_not(act: str, who: str, revision: Revision, member: Member | None) -> str:
    """Why ``who`` may not submit, withdraw or tell of having applied a revision; empty when it may."""
    own = who == revision.author
    if act == "applied":
        return "" if may(member, "work") else "no authority to apply patches"
    if own:
        return barred(member)
    allowed = may(member, "approve" if act == "submitted" else "cancel_any")
    return "" if allowed else "only its author, or who may decide, does that"


# ── how it stands ──────────────────────────────────────────────────────────────────────────────────────────────────


def ballot_of(ballots: Iterable[Ballot]) -> Ballot | None:
    """The decision that counts: the first that the mesh closed, whichever else were held; else one that is open. One of which a few
    had chosen the voters, or that its author alone approved, is none."""
    alive = [one for one in ballots if one.state not in DEAD and not one.why]
    closed = [one for one in alive if one.closing is not None]
    if closed:
        return min(closed, key=lambda one: (one.closing or 0, one.entry))
    return min(alive, key=lambda one: one.entry, default=None)


def state(
    revision: Revision, reviews: Iterable[Review], words: Iterable[Word], ballot: Ballot | None, member_of: MemberOf
) -> State:
    """Of a revision. What was applied is applied, whatever was said afterwards."""
    if flaw(revision, member_of(revision.author)):
        return "void"
    said = {word.message.state for word in words if not idle(word, revision, member_of(word.author))}
    passed = ballot is not None and ballot.state == "passed" and ballot.outcome == APPROVE
    if "applied" in said and ("submitted" in said or passed):
        return "applied"
    if "withdrawn" in said:
        return "withdrawn"
    if ballot is not None:
        return "voting" if ballot.closing is None or ballot.state == "counting" else "passed" if passed else "rejected"
    if "submitted" in said:
        return "submitted"
    heard = (one for one in reviews if not unheard(one, revision, member_of(one.author)))
    return "in_review" if any(one.author != revision.author for one in heard) else "draft"
