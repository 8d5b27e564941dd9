"""Decisions: what is proposed, how members vote, where the record of the outcome is.

What closes a vote is no message but an entry of the control log (:mod:`chorus_tui.engine.decisions.closing`).
"""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from chorus_tui.contract import signed_vote
from chorus_tui.contract.models.task_spec import TASK_ID
from chorus_tui.contract.signed_vote import MOST_REVISIONS
from chorus_tui.contract.ssh_key import NAME_LENGTH
from chorus_tui.engine.protocol import sshsig, topics
from chorus_tui.engine.protocol.messages.base import HASH, SEALED, EntryHash, Message, MessageType, Name
from chorus_tui.engine.protocol.ulid import PATTERN

ABSTAIN = "abstain"
"""May always be chosen, whatever the options are: it counts for the quorum and for nothing else."""
MOST_ELIGIBLE = 128
"""So that a closing entry, which has a line for each of them, fits."""
MOST_PERSONS = 32
"""Their lines of the closing entry hold their signatures."""
DIGEST = r"^sha256:[0-9a-f]{64}$"

Option = Annotated[str, Field(min_length=1, max_length=64)]
PeerId = Annotated[str, Field(min_length=1, max_length=64)]
PersonName = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH)]
Threshold = Literal["majority", "two_thirds", "unanimous"]


class DecisionProposal(Message):
    """Something the members named in ``eligible`` are to decide, in the mesh ``mesh_id``.

    With ``to_roles`` title, description and, later, the reasons of votes can be read by members of these roles only: they
    are in ``sealed``, and both fields are empty. ``deadline`` is Unix milliseconds, on the clock of the admin. ``patch`` is the
    entry of the patch's revision that is decided on. ``persons`` are enrolled persons who vote besides the members.
    """

    proposal_id: str = Field(pattern=PATTERN)
    mesh_id: str = Field(pattern=HASH)
    title: str = Field(default="", max_length=200)
    description: str = Field(default="", max_length=8_000)
    to_roles: list[Name] = Field(default_factory=list, max_length=16)
    sealed: str = Field(default="", max_length=SEALED)
    kind: str = Field(default="decision", min_length=1, max_length=64)
    options: list[Option] = Field(default=["approve", "reject", ABSTAIN], min_length=2, max_length=16)
    threshold: Threshold = "majority"
    quorum: str = Field(default="1/2", pattern=r"^[0-9]{1,4}/[0-9]{1,4}$")
    deadline: int = Field(ge=0, le=2**53 - 1)
    eligible: list[PeerId] = Field(min_length=1, max_length=MOST_ELIGIBLE)
    persons: list[PersonName] = Field(default_factory=list, max_length=MOST_PERSONS)
    project_id: str = Field(default="", max_length=128)
    task_id: str | None = Field(default=None, pattern=TASK_ID)
    thread_id: str = Field(default="", max_length=128)
    issue_id: str = Field(default="", max_length=128)
    patch: EntryHash | None = None
    on_behalf_of: str = Field(default="", max_length=128)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if bool(self.title) == bool(self.sealed) or bool(self.sealed) != bool(self.to_roles):
            raise ValueError("title: either a title, or a sealed part and the roles that can read it")
        if len(set(self.options)) < len(self.options) or len(set(self.options) - {ABSTAIN}) < 2:
            raise ValueError("options: at least two different ones besides abstain, none twice")
        if len(set(self.eligible)) < len(self.eligible):
            raise ValueError("eligible: nobody twice")
        if len(set(self.persons)) < len(self.persons) or len(self.eligible) + len(self.persons) > MOST_ELIGIBLE:
            raise ValueError(f"persons: nobody twice, and with the members at most {MOST_ELIGIBLE}")
        self.least_cast()
        return self

    def least_cast(self) -> Fraction:
        """The quorum: which part of those eligible has to vote. Raises ``ValueError``."""
        above, _, below = self.quorum.partition("/")
        if not int(below) or not 0 <= Fraction(int(above), int(below)) <= 1:
            raise ValueError("quorum: a fraction from 0/1 to 1/1, as 1/2")
        return Fraction(int(above), int(below))


class DecisionVote(Message):
    """A member's vote. ``proposal`` is the hash of the proposal's entry.

    ``revision`` counts this member's votes on the proposal from 0; the highest that the admin holds at the closing counts, so
    that no clock and no order of arrival does. ``final``: the member will not vote on it again.
    """

    proposal_id: str = Field(pattern=PATTERN)
    proposal: EntryHash
    mesh_id: str = Field(pattern=HASH)
    choice: Option
    reasoning: str = Field(default="", max_length=8_000)
    sealed: str = Field(default="", max_length=SEALED)
    revision: int = Field(default=0, ge=0, le=MOST_REVISIONS)
    final: bool = False
    on_behalf_of: str = Field(default="", max_length=128)


class Signed(NamedTuple):
    """The key that signed a vote, or why none did; and the hash of the text."""

    key: str
    why: str
    digest: str


class SignedVote(DecisionVote):
    """The vote of an enrolled person, whichever peer brings it; it takes nothing from that peer's own vote.

    ``signature`` is over the text of :mod:`chorus_tui.contract.signed_vote`, as ``ssh-keygen -Y sign`` makes it, without its first
    and last line and in one. ``revision`` counts the person's votes on the proposal. A reason is in the open: what is sealed for
    some, not everybody could check.
    """

    person: PersonName
    signature: str = Field(min_length=1, max_length=sshsig.MOST_CHARACTERS)

    @model_validator(mode="after")
    def _is_in_the_open(self) -> Self:
        if self.sealed or self.on_behalf_of:
            raise ValueError("sealed: a signed vote has its reason in the open, and its person in person")
        return self

    @cached_property
    def signed(self) -> Signed:
        """What was signed, and by which key, looked at once: votes are counted anew whenever something changes."""
        text = signed_vote.text(
            mesh_id=self.mesh_id, proposal_id=self.proposal_id, proposal=self.proposal, person=self.person, choice=self.choice,
            revision=self.revision, final=self.final, reason=signed_vote.reason_hash(self.reasoning),
        )  # fmt: skip
        return Signed(*sshsig.signer(text, signed_vote.NAMESPACE, self.signature), signed_vote.digest(text))


class DecisionAnnouncement(Message):
    """Where the record of an outcome is, and nothing of what it says."""

    address: str = Field(pattern=r"^ucxl://", max_length=512)
    content_hash: str = Field(pattern=DIGEST)


ROWS: dict[str, MessageType] = {
    "decision_proposal": MessageType(
        DecisionProposal, True, topics.COORDINATION, "plan_proposed",
        "a person, an agent", "something is put to the vote", "shown with its deadline; who may vote finds it in the inbox",
        opens=True,
    ),
    "decision_vote": MessageType(
        DecisionVote, True, topics.COORDINATION, "collaboration",
        "a member that may vote", "it votes, or votes anew", "the admin counts the last one of each member when it closes the vote",
    ),
    "signed_vote": MessageType(
        SignedVote, True, topics.COORDINATION, "collaboration",
        "a member that an enrolled person asks to", "the person votes with a key of their own",
        "the admin counts the last one of each person when it closes the vote",
    ),
    "decision_announcement": MessageType(
        DecisionAnnouncement, True, topics.DECISIONS, "consensus_reached",
        "the admin", "a vote was closed, and its record is kept", "checked against the votes held here; the record is kept and shown",
    ),
}  # fmt: skip
