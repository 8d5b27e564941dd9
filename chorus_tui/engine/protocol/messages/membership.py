"""Who is there and what it can do: epochs, goodbyes, roles, capabilities, availability."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.messages.base import Message, MessageType


class EpochOpened(Message):
    """First entry of an epoch; the header's ``prev`` commits to the head named here."""

    version: str = Field(max_length=64)
    previous_epoch: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$")
    previous_seq: int | None = Field(default=None, ge=0)


class Goodbye(Message):
    """Last entry before an orderly stop."""

    reason: str = Field(default="", max_length=200)


class RoleAnnouncement(Message):
    """A *request*: who I am and what I would like to be. What counts is in the control log."""

    agent_id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    kind: Literal["agent", "human"]
    role: str = Field(default="", max_length=64)
    expertise: list[str] = Field(default_factory=list, max_length=32)
    specialization: str = Field(default="general", max_length=64)
    reports_to: str = Field(default="", max_length=64)
    version: str = Field(default="", max_length=64)
    age_recipient: str = Field(
        default="", pattern=r"^(age1[02-9ac-hj-np-z]{58})?$", description="Opens what is sealed for it"
    )


class CapabilityBroadcast(Message):
    """What this peer can run; said at start and on change."""

    agent_id: str = Field(max_length=64)
    languages: list[str] = Field(default_factory=list, max_length=64)
    max_tasks: int = Field(ge=0, le=1000)
    docker: bool
    approval: Literal["auto", "risky", "always"] = "auto"
    models: list[str] = Field(default_factory=list, max_length=32, description="Language models that answer it")
    reason: Literal["startup", "model_change", "capability_change", "specialization_change", "unknown_change"] = (
        "startup"
    )


class AvailabilityBroadcast(Message):
    """Every 30 s and on change."""

    agent_id: str = Field(max_length=64)
    status: Literal["ready", "working", "busy", "draining"]
    current_tasks: int = Field(ge=0, le=10_000)
    max_tasks: int = Field(ge=0, le=10_000)
    load: float = Field(default=0.0, ge=0)


ROWS: dict[str, MessageType] = {
    "epoch_opened": MessageType(
        EpochOpened, True, topics.COORDINATION, "network_event",
        "every peer", "its process starts", "opens its epoch; what it says next is chained to it",
    ),
    "goodbye": MessageType(
        Goodbye, True, topics.COORDINATION, "peer_left",
        "every peer", "it stops in order", "shown as away at once; it is offered nothing",
    ),
    "role_announcement": MessageType(
        RoleAnnouncement, True, topics.META, "collaboration",
        "every peer", "it has joined a mesh", "a wish that the members list shows; its age recipient is used to seal for it",
    ),
    "capability_broadcast": MessageType(
        CapabilityBroadcast, True, topics.COORDINATION, "capability_broadcast",
        "every peer", "it starts; what it can do changes", "tasks are granted only to whom they fit",
    ),
    "availability_broadcast": MessageType(
        AvailabilityBroadcast, False, topics.COORDINATION, "network_event",
        "every peer", "every 30 s and on change", "the peers screen; who is full or drains is offered nothing",
    ),
}  # fmt: skip
