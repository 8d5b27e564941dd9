"""Patches as clients see them. Pure, but for what its surroundings look up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chorus_tui.contract.models import patches as models
from chorus_tui.contract.models.journal import Delivery
from chorus_tui.contract.models.patches import PatchRow as Row
from chorus_tui.engine.control.interface import Control, Member
from chorus_tui.engine.journal.interface import Blobs, Journal
from chorus_tui.engine.patches import rules
from chorus_tui.engine.patches.book import Book
from chorus_tui.engine.patches.facts import Ballot, Patch, Review, Revision, Word

__all__ = ["Looked", "Row", "Surroundings", "look", "row", "view"]

FORKED = "its author's feed forked before it"
REVIEWED = frozenset({"draft", "in_review", "submitted", "voting"})
"""States in which a review is wanted."""
APPLIES = frozenset({"submitted", "passed", "applied"})
"""States in which telling of having applied it counts, or may."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a view is made with."""

    me: str
    book: Book
    control: Control
    ballots: Callable[[Revision], list[Ballot]]
    journal: Journal
    blobs: Blobs

    def member(self, peer_id: str) -> Member | None:
        """As it is, or was when it left."""
        return self.book.member(peer_id, self.control.mesh_id)

    def delivery(self, revision: Revision) -> Delivery | None:
        """How far an own patch got."""
        entry = self.journal.get(*revision.key) if revision.author == self.me else None
        return self.journal.delivery(entry) if entry is not None else None


@dataclass(frozen=True, slots=True)
class Looked:
    """One patch, looked at now: its newest revision and how that stands."""

    patch: Patch
    revision: Revision
    state: models.State
    why: str
    ballot: Ballot | None
    idle_ballots: list[Ballot]
    """Votes that decide nothing about the patch, with why."""
    verdicts: dict[str, Review]
    reviews: list[Review]
    """All that do not stand behind a fork, oldest first, of every revision."""
    words: list[Word]


def look(patch: Patch, around: Surroundings) -> Looked:
    """How a patch stands."""
    book = around.book
    revision = book.newest(patch)
    reviews = sorted((one for one in patch.reviews.values() if not book.in_doubt(one)), key=_when)
    words = sorted((one for one in patch.words.values() if not book.in_doubt(one)), key=_when)
    ballots = around.ballots(revision)
    ballot = rules.ballot_of(ballots)
    state = rules.state(revision, reviews, words, ballot, around.member)
    why = rules.flaw(revision, around.member(revision.author))
    if book.in_doubt(revision) and (ballot is None or ballot.closing is None):
        state, why = "void", FORKED
    if state == "withdrawn":
        why = next((one.message.reason for one in reversed(words) if one.message.state == "withdrawn"), "")
    verdicts = rules.verdicts(revision, reviews, around.member)
    idle = sorted(one for one in ballots if one.why and one.state not in rules.DEAD)
    return Looked(patch, revision, state, why, ballot, idle, verdicts, reviews, words)


def _when(said: Review | Word | Revision) -> tuple[int, str]:
    return (said.at_ms, said.hash)


def row(patch: Patch, around: Surroundings) -> Row:
    """One line of the queue."""
    return Row(**_row_fields(look(patch, around), around))


def _row_fields(seen: Looked, around: Surroundings) -> dict[str, Any]:
    revision, said = seen.revision, seen.revision.message
    heard = [one for one in seen.reviews if one.message.patch == revision.hash]
    changed = max([revision.at_ms, *(one.at_ms for one in heard), *(one.at_ms for one in seen.words)])
    choices = [one.message.verdict for one in seen.verdicts.values()]
    return {
        "key": "/".join(seen.patch.key), "patch_id": said.patch_id, "entry": revision.hash, "title": said.title, "kind": said.kind,
        "state": seen.state, "author": revision.author, "author_name": around.control.name(revision.author),
        "mine": revision.author == around.me, "made_at": revision.at_ms / 1000, "changed_at": changed / 1000,
        "project_id": said.project_id, "repository": said.repository, "revision": said.revision, "files": said.file_count,
        "added": said.added, "removed": said.removed, "approvals": choices.count("approve"), "objections": choices.count("changes"),
        "comments": sum(len(one.message.comments) + bool(one.message.text) for one in heard),
        "waits_for_me": "judge" in may(seen, around) and around.me not in seen.verdicts,
        "decision_id": seen.ballot.decision_id if seen.ballot else "",
    }  # fmt: skip


def may(seen: Looked, around: Surroundings) -> list[str]:
    """What this peer may do with the patch as it stands."""
    me, revision = around.me, seen.revision
    member = around.control.members.get(me)
    open_ = seen.state in models.OPEN
    found = {
        "review": open_ and not rules.barred(member),
        "judge": seen.state in REVIEWED and not rules.no_judge(me, revision, member),
        "revise": revision.author == me and seen.state not in ("applied", "void") and not rules.barred(member),
        "submit": seen.state in ("draft", "in_review") and not rules.may_not("submitted", me, revision, member),
        "withdraw": open_ and not rules.may_not("withdrawn", me, revision, member),
        "vote": seen.state == "submitted" and not rules.barred(member),
        "apply": seen.state in APPLIES and not rules.may_not("applied", me, revision, member),
    }
    return [act for act, allowed in found.items() if allowed]


def view(patch: Patch, around: Surroundings) -> models.PatchView:
    """All of one patch."""
    seen = look(patch, around)
    revision, said = seen.revision, seen.revision.message
    ballot = seen.ballot
    return models.PatchView(
        **_row_fields(seen, around), message=said.message, on_behalf_of=said.on_behalf_of, why=seen.why, base=said.base,
        base_version=said.base_version, address=said.address, task_id=said.task_id, digest=said.diff, size=said.size,
        diff_here=around.blobs.has(said.diff),
        names=[models.PatchFile(path=one.path, added=one.added, removed=one.removed) for one in said.files],
        reviews=[_review(one, seen, around) for one in seen.reviews], applied=_applied(seen, around),
        revisions=[
            models.RevisionView(
                revision=one.message.revision, entry=one.hash, at=one.at_ms / 1000, base=one.message.base, digest=one.message.diff,
                size=one.message.size,
            )
            for one in sorted(patch.revisions.values(), key=lambda one: (one.message.revision, *_when(one)))
        ],
        vote=_vote(ballot) if ballot else None, idle_votes=[_vote(one) for one in seen.idle_ballots],
        may=may(seen, around), delivery=around.delivery(revision),
    )  # fmt: skip


def _vote(one: Ballot) -> models.VoteState:
    return models.VoteState(
        decision_id=one.decision_id, entry=one.entry, state=one.state, outcome=one.outcome, why=one.why
    )


def _review(one: Review, seen: Looked, around: Surroundings) -> models.ReviewView:
    said, revision = one.message, seen.patch.revisions[one.message.patch]
    member = around.member(one.author)
    why = rules.unheard(one, seen.revision, member)
    if not why and said.verdict != "comment":
        why = rules.no_judge(one.author, revision, member)
        if not why and seen.verdicts.get(one.author) != one:
            why = "replaced by a later one"
    return models.ReviewView(
        by=one.author, by_name=around.control.name(one.author), kind=member.kind if member else "unknown",
        on_behalf_of=said.on_behalf_of, verdict=said.verdict, text=said.text,
        comments=[models.CommentView(file=c.file, hunk=c.hunk, line=c.line, text=c.text) for c in said.comments],
        revision=revision.message.revision, at=one.at_ms / 1000, counts=not why, why=why, entry=one.hash,
    )  # fmt: skip


def _applied(seen: Looked, around: Surroundings) -> list[models.AppliedView]:
    """Where each revision was applied, oldest first, by those whose word counts."""
    found = []
    for word in seen.words:
        revision, where = seen.patch.revisions[word.message.patch], word.message.where
        if where is not None and not rules.idle(word, revision, around.member(word.author)):
            found.append(
                models.AppliedView(
                    by=word.author, by_name=around.control.name(word.author), on_behalf_of=word.message.on_behalf_of,
                    at=word.at_ms / 1000, revision=revision.message.revision, repository=where.repository, commit=where.commit,
                    onto=where.onto, branch=where.branch, address=where.address, version=where.version,
                )
            )  # fmt: skip
    return found
