"""Decisions: what is put to the vote, who voted how, what came of it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from chorus_tui.contract.models.common import Answer, Page, Paged, Request
from chorus_tui.contract.models.journal import Delivery
from chorus_tui.contract.models.task_spec import TASK_ID

State = Literal["open", "overdue", "counting", "passed", "rejected", "no_quorum", "withdrawn", "lapsed", "void"]
"""``overdue``: its deadline is over on this peer's clock, and the admin has not closed it yet. ``counting``: closed, but a vote
that counts is not here yet. ``lapsed``: its mesh was left before it was closed. ``void``: it counts for nothing."""
OPEN: frozenset[str] = frozenset({"open", "overdue"})
Mark = Literal["stands", "replaced", "counted", "late", "left_out", "void"]
"""What became of a vote. ``stands``: it would be counted now."""
Threshold = Literal["majority", "two_thirds", "unanimous"]

Option = Annotated[str, Field(min_length=1, max_length=64)]
Named = Annotated[str, Field(min_length=1, max_length=128)]


class DecisionRef(Request):
    """Names a proposal, by its id or the beginning of it."""

    decision_id: str = Field(pattern=r"^[0-9A-Za-z]{1,26}$")

    @field_validator("decision_id")
    @classmethod
    def _as_written(cls, value: str) -> str:
        return value.upper()


class ListDecisions(Paged):
    """Filter of the list: all, open ones, or those that ended."""

    which: Literal["all", "open", "closed"] = "all"
    limit: int = Field(default=100, ge=1, le=1000)


class ProposeDecision(Request):
    """Put something to the vote. What is left open: approve or reject, by majority, half of those eligible, within a day.

    ``deadline`` is a time from now (``90s``, ``10m``, ``2h``, ``3d``) or a point in time (RFC 3339). ``eligible`` names members
    by peer id or name, a role as ``role:NAME``, an enrolled person as ``person:NAME``; empty: everybody who may vote, or, with
    ``to_roles``, the members of these.
    """

    title: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=8_000)
    kind: str = Field(default="decision", min_length=1, max_length=64)
    options: list[Option] = Field(default_factory=list, max_length=16)
    threshold: Threshold = "majority"
    quorum: str = Field(default="1/2", max_length=9)
    deadline: str = Field(default="1d", min_length=1, max_length=40)
    to_roles: list[Named] = Field(default_factory=list, max_length=16)
    eligible: list[Named] = Field(default_factory=list, max_length=128)
    project_id: str = Field(default="", max_length=128)
    task_id: str | None = Field(default=None, pattern=TASK_ID)
    thread_id: str = Field(default="", max_length=128)
    issue_id: str = Field(default="", max_length=128)
    patch: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$", description="Entry of the revision to decide on")


class VoteDecision(DecisionRef):
    """Vote, or vote anew; ``final``: not again, so that a vote in which all have said so closes early.

    With ``person``, ``revision`` and ``signature`` it is the vote of an enrolled person, which this peer only brings. Signed is, in the
    namespace ``chorus-vote``, canonical JSON of ``chorus`` (``chorus-vote``), ``mesh_id``, ``proposal_id``, ``proposal`` (``entry`` of
    the decision), ``person``, ``choice``, ``revision``, ``final`` and ``reason_sha256``.
    """

    choice: Option
    reason: str = Field(default="", max_length=8_000)
    final: bool = False
    person: str = Field(
        default="", max_length=64, description="The enrolled person who has signed it; empty: the peer's own vote"
    )
    revision: int = Field(
        default=0, ge=0, le=1_000_000, description="The number that was signed, from ``revisions`` of the decision"
    )
    signature: str = Field(
        default="", max_length=2048, description="By the person's key, as ``ssh-keygen -Y sign`` writes it"
    )

    @model_validator(mode="after")
    def _is_signed_by_somebody(self) -> Self:
        if bool(self.person) != bool(self.signature):
            raise ValueError("signature: a person and a signature go together")
        return self


class WithdrawDecision(DecisionRef):
    """End a proposal of one's own before it is closed."""

    reason: str = Field(default="", max_length=500)


class Proposed(Answer):
    """A new proposal, on this peer's disk."""

    decision_id: str
    eligible: int = 0
    closes_at: float = Field(default=0, description="Unix time")
    delivery: Delivery | None = None


class VoteView(Answer):
    """One vote. ``reason`` is empty where it is sealed for others."""

    by: str = Field(description="Peer id; its signature was checked")
    person: str = Field(
        default="", description="In whose name it is signed with a key of their own; the peer only brought it"
    )
    key: str = Field(
        default="", description="Fingerprint of the key that signed it; empty where that is none of the person's"
    )
    by_name: str = ""
    kind: str = ""
    on_behalf_of: str = Field(default="", description="The person that the peer says it votes for")
    choice: str
    reason: str = ""
    sealed: bool = Field(default=False, description="The reason can be read only by the roles of the proposal")
    final: bool = False
    at: float
    mark: Mark
    why: str = ""
    entry: str = Field(description="Hash of the feed entry")
    delivery: Delivery | None = Field(default=None, description="Only of this peer's own votes")


class VoteCast(Answer):
    """A vote, on this peer's disk; how far it got by then."""

    decision_id: str
    vote: VoteView
    admin_has_it: bool = Field(default=False, description="The admin's receipt came: it holds the vote on its disk")


class Counts(Answer):
    """What the votes add up to; while the vote is open, as it stands here."""

    by_option: dict[str, int]
    eligible: int
    cast: int
    needed: int = Field(description="Votes that make the quorum")
    share: str = Field(default="", description="Of the votes that are no abstentions, as a fraction")
    chosen: str = ""
    outcome: Literal["passed", "rejected", "no_quorum"]


class DecisionRow(Answer):
    """One line of the list."""

    decision_id: str
    entry: str = Field(description="Hash of the proposal's feed entry")
    title: str = Field(description="Empty where it is sealed for others")
    sealed_to: list[str] = Field(default_factory=list)
    kind: str = "decision"
    state: State
    outcome: str = Field(default="", description="What was chosen, once it is known")
    proposer: str
    proposer_name: str = ""
    made_at: float
    closes_at: float
    ended_at: float | None = None
    eligible: int
    voted: int = Field(description="Members whose vote stands or was counted")
    needed: int
    waits_for_me: bool = Field(default=False, description="This peer may vote and has not")
    flagged: bool = Field(default=False, description="The closing left a vote out, or counts what it must not")


class DecisionView(DecisionRow):
    """All of one proposal. ``warnings`` is what the closing entry proves against the admin that made it, ``unproven`` what counts by
    the admin's word alone: the text of a counted vote was erased, or stands behind a fork."""

    description: str = ""
    readable: bool = Field(default=True, description="Whether this peer can read title, description and reasons")
    options: list[str]
    threshold: Threshold
    quorum: str
    why: str = Field(default="", description="Why it is void, lapsed or waits")
    on_behalf_of: str = ""
    mesh_id: str
    project_id: str = ""
    task_id: str | None = None
    thread_id: str = ""
    issue_id: str = ""
    patch: str | None = Field(default=None, description="Entry of the patch's revision that is decided on")
    votes: list[VoteView]
    missing: list[str] = Field(default_factory=list, description="Names of those who may vote and have not")
    persons: list[str] = Field(default_factory=list, description="Enrolled persons who may vote besides the members")
    revisions: dict[str, int] = Field(
        default_factory=dict, description="Of each of them the number of the next vote, to be signed"
    )
    counts: Counts
    warnings: list[str] = Field(default_factory=list)
    unproven: list[str] = Field(default_factory=list)
    closed_by: str = ""
    closed_by_name: str = ""
    closing_index: int | None = Field(default=None, description="Of the entry of the control log that ended it")
    my_vote: str = ""
    may_vote: bool = False
    why_not: str = Field(default="", description="Why this peer cannot vote, where it cannot")
    delivery: Delivery | None = Field(default=None, description="Only of this peer's own proposals")
    ucxl: str = ""
    record: str = Field(default="", description="Digest of the record, once it was announced")
    record_here: bool = False


class DecisionList(Page):
    """Open ones first, then the newest."""

    decisions: list[DecisionRow]
