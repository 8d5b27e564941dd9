"""What is known of decisions, as the feeds and the control log said it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chorus_tui.engine.control.interface import ControlEntry, Member
from chorus_tui.engine.protocol.messages.base import EntryHash
from chorus_tui.engine.protocol.messages.decisions import MOST_ELIGIBLE, DecisionProposal, DecisionVote, Option, PeerId
from chorus_tui.engine.protocol.said import Said

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


class _Data(BaseModel):
    proposal_id: str
    proposal: EntryHash
    members: dict[PeerId, Stated] = Field(max_length=MOST_ELIGIBLE)


@dataclass(frozen=True, slots=True)
class Closing:
    """A ``vote_closed`` of the control log, and the members of the mesh when it was decided."""

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

    @classmethod
    def read(cls, entry: ControlEntry, roster: Mapping[str, Member]) -> Closing | None:
        """None when the data are not of the type: by every peer alike."""
        try:
            data = _Data.model_validate(entry.data)
        except ValidationError:
            return None
        return cls(
            entry.mesh_id, data.proposal, data.proposal_id, entry.admin, entry.term, entry.index, entry.hash,
            int(entry.hlc.partition(":")[0]), data.members, roster,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A ``vote_withdrawn`` of the control log; ``by`` signed the wish."""

    mesh_id: str
    proposal: str
    by: str
    reason: str
    index: int
    at_ms: int


def closing_data(proposal: Proposal, members: Mapping[str, Stated]) -> dict[str, Any]:
    """The data of the entry that closes ``proposal``."""
    stated = {peer_id: one.model_dump(mode="json") for peer_id, one in members.items()}
    return {"proposal_id": proposal.message.proposal_id, "proposal": proposal.hash, "members": stated}
