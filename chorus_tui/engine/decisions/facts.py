"""What is known of decisions, as the feeds and the control log said it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chorus_tui.contract import signed_vote
from chorus_tui.engine.control.entries import said_at_ms
from chorus_tui.engine.control.interface import ControlEntry, Member, Person
from chorus_tui.engine.protocol.messages.base import EntryHash
from chorus_tui.engine.protocol.messages.decisions import (
    MOST_ELIGIBLE,
    MOST_PERSONS,
    DecisionProposal,
    DecisionVote,
    Option,
    PeerId,
    PersonName,
    SignedVote,
)  # fmt: skip
from chorus_tui.engine.protocol.said import Said
from chorus_tui.engine.protocol.sshsig import MOST_CHARACTERS

Epoch = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


Proposal = Said[DecisionProposal]
Vote = Said[DecisionVote]


class CountedVote(NamedTuple):
    """A vote as the closing entry names it. ``choice`` stands in for its text when that was erased afterwards."""

    epoch: Epoch
    seq: Annotated[int, Field(ge=0)]
    hash: EntryHash
    choice: Option


class Stated(BaseModel):
    """What the admin states of one eligible member: the vote it counted, and how much of that feed it had read.

    ``read`` are pairs of an epoch and its next number: everything before it the admin had, and what it leaves out of that it
    left out knowingly.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    vote: CountedVote | None = None
    read: list[tuple[Epoch, int]] = Field(default_factory=list, max_length=64)

    def covers(self, epoch: str, seq: int) -> bool:
        """Whether the admin had read that entry."""
        return any(one == epoch and seq < next_ for one, next_ in self.read)


class StatedPerson(BaseModel):
    """What the admin states of a person whose vote it counted: enough to check the signature, whatever becomes of the feed entry.

    ``reason`` is the hash of the reason. Where a person is not named here the admin counted no vote of theirs.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    vote: CountedVote
    by: PeerId
    revision: Annotated[int, Field(ge=0, le=signed_vote.MOST_REVISIONS)]
    final: bool
    reason: EntryHash
    signature: str = Field(max_length=MOST_CHARACTERS)


class Ballot(NamedTuple):
    """What a person signed, and the signature; ``reason`` is the hash of the reason."""

    person: str
    choice: str
    revision: int
    final: bool
    reason: str
    signature: str

    @classmethod
    def of(cls, said: SignedVote) -> Ballot:
        """As a feed has it."""
        reason = signed_vote.reason_hash(said.reasoning)
        return cls(said.person, said.choice, said.revision, said.final, reason, said.signature)

    @classmethod
    def stated(cls, person: str, told: StatedPerson) -> Ballot:
        """As a closing entry has it."""
        return cls(person, told.vote.choice, told.revision, told.final, told.reason, told.signature)

    def text(self, proposal: Proposal) -> str:
        """What was signed, if it was signed for this proposal."""
        said = proposal.message
        return signed_vote.text(
            mesh_id=said.mesh_id, proposal_id=said.proposal_id, proposal=proposal.hash, person=self.person, choice=self.choice,
            revision=self.revision, final=self.final, reason=self.reason,
        )  # fmt: skip


class _Data(BaseModel):
    proposal_id: str
    proposal: EntryHash
    persons: dict[PersonName, StatedPerson] | None = Field(default=None, max_length=MOST_PERSONS)
    members: dict[PeerId, Stated] = Field(max_length=MOST_ELIGIBLE)


@dataclass(frozen=True, slots=True)
class Closing:
    """A ``vote_closed`` of the control log, and the members and enrolled persons of the mesh when it was decided.

    ``persons`` is None where the admin that closed it says nothing of any: none was eligible, or it is of an older version.
    """

    mesh_id: str
    proposal: str
    proposal_id: str
    admin: str
    term: int
    index: int
    hash: str
    at_ms: int
    members: Mapping[str, Stated]
    roster: Mapping[str, Member]
    persons: Mapping[str, StatedPerson] | None = None
    enrolled: Mapping[str, Person] = field(default_factory=dict)

    @classmethod
    def read(cls, entry: ControlEntry, roster: Mapping[str, Member], enrolled: Mapping[str, Person]) -> Closing | None:
        """None when the data are not of the type: by every peer alike."""
        try:
            data = _Data.model_validate(entry.data)
        except ValidationError:
            return None
        return cls(
            entry.mesh_id, data.proposal, data.proposal_id, entry.admin, entry.term, entry.index, entry.hash,
            said_at_ms(entry.hlc), data.members, roster, data.persons, enrolled,
        )  # fmt: skip

    def counted(self) -> list[tuple[str, CountedVote]]:
        """The entries that it counts, each with the peer in whose feed it stands."""
        own = [(peer_id, one.vote) for peer_id, one in self.members.items() if one.vote]
        return own + [(one.by, one.vote) for one in (self.persons or {}).values()]


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A ``vote_withdrawn`` of the control log; ``by`` signed the wish."""

    mesh_id: str
    proposal: str
    by: str
    reason: str
    index: int
    at_ms: int


def closing_data(
    proposal: Proposal, members: Mapping[str, Stated], persons: Mapping[str, StatedPerson] | None = None
) -> dict[str, Any]:
    """The data of the entry that closes ``proposal``; of persons only where it names some."""
    data: dict[str, Any] = {
        "proposal_id": proposal.message.proposal_id, "proposal": proposal.hash,
        "members": {peer_id: one.model_dump(mode="json") for peer_id, one in members.items()},
    }  # fmt: skip
    if proposal.message.persons:
        data["persons"] = {name: one.model_dump(mode="json") for name, one in (persons or {}).items()}
    return data
