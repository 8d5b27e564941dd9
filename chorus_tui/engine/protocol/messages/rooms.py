"""HMMM: what is said in the room of an issue. It travels raw, without the envelope of the other types."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.messages.base import SEALED, EntryHash, Message, MessageType, Name

ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
MAX_HOPS = 3
CLOSING = "closing"
"""The intent of the update with which a proposer closes its proposal."""


class Citation(BaseModel):
    """What a message rests on."""

    model_config = ConfigDict(extra="allow", frozen=True)

    address: str = Field(min_length=1, max_length=1024)
    reason: str = Field(default="", max_length=500)


class RoomMessage(Message):
    """One message of a room. The journal adds ``version``, ``node_id`` (its author) and ``timestamp``.

    ``hop_count`` counts automatic replies to automatic replies; past the limit nobody replies by itself. With ``sealed`` only
    the roles named in ``to_roles`` can read message and reasoning.

    A proposal says how many seconds of silence are agreement (``objection_s``) and whether a vote is to follow (``decide``). The
    update that closes it names the peers that held it and were silent, and the objections that were known. What a person says
    to end escalations names them in ``ends``.
    """

    type: Literal[
        "discussion", "proposal", "question", "answer", "update", "objection", "agreement", "escalation", "memo"
    ]
    issue_id: str = Field(pattern=ID)
    thread_id: str = Field(pattern=ID)
    msg_id: str = Field(pattern=ID)
    parent_id: str | None = Field(default=None, pattern=ID)
    agent_id: str = Field(max_length=64)
    hop_count: int = Field(default=0, ge=0, le=MAX_HOPS)
    intent: str = Field(default="", max_length=64)
    message: str = Field(default="", max_length=8_000)
    reasoning: str = Field(default="", max_length=8_000)
    citations: list[Citation] = Field(default_factory=list, max_length=16)
    to_roles: list[str] = Field(default_factory=list, max_length=32)
    priority: Literal["low", "medium", "high", "urgent"] = "medium"
    sealed: str = Field(default="", max_length=SEALED)
    on_behalf_of: str = Field(default="", max_length=128)
    objection_s: float = Field(default=30.0, ge=1, le=86_400)
    decide: bool = False
    holders: list[Name] = Field(default_factory=list, max_length=64)
    objections: list[EntryHash] = Field(default_factory=list, max_length=128)
    ends: list[EntryHash] = Field(default_factory=list, max_length=16)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if bool(self.message) == bool(self.sealed):
            raise ValueError("message: either the words or a sealed part")
        return self


ROWS: dict[str, MessageType] = {
    "hmmm_message": MessageType(
        RoomMessage, True, None, "collaboration",
        "a person, an agent", "something is said in a room", "shown in the room; proposals, objections and agreements change its state",
        opens=True, family=topics.ROOMS, raw=True,
    ),
}  # fmt: skip
