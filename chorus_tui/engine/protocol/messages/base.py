"""What every message type is made of: its data's model, and its row in the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

HASH = r"^[0-9a-f]{64}$"
SEALED = 48 * 1024
"""Characters of a sealed part at most, so that it fits its envelope."""

Urgency = Literal["low", "medium", "high"]
Name = Annotated[str, Field(min_length=1, max_length=128)]
"""A role, an area of expertise, a repository, a participant."""
EntryHash = Annotated[str, Field(pattern=HASH)]
"""Names a feed entry; a request is named so by what answers it."""


class Message(BaseModel):
    """Base of message data: a newer peer's extra fields are kept."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)


@dataclass(frozen=True, slots=True)
class MessageType:
    """One row of the table.

    ``by``, ``when`` and ``effect`` say who sends it, what makes them, and what another peer does with it; the table in
    ``docs/messages.md`` is made of them.
    """

    model: type[Message]
    durable: bool
    topic: str | None
    """The static topic, or None for a dynamic one."""
    log_type: str
    by: str
    when: str
    effect: str
    opens: bool = False
    """It begins something new, so a peer's quota counts it; what ends something always passes."""
    family: str = ""
    """How a dynamic topic of this type begins; empty: any."""
    raw: bool = False
    """It travels without the envelope of the others."""

    def belongs_on(self, topic: str) -> bool:
        """Whether it may be said on this topic."""
        return topic == self.topic if self.topic is not None else topic.startswith(self.family)
