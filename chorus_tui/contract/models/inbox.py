"""What waits for a person, whatever it is about."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from chorus_tui.contract.models.common import Answer, Page, Request

Kind = Literal[
    "approval",
    "vote",
    "escalation",
    "question",
    "help",
    "objection",
    "mismatch",
    "held",
    "review",
    "apply",
    "invitation",
]
Priority = Literal["low", "medium", "high", "urgent"]


class InboxItem(Answer):
    """One thing that somebody is to decide or to answer."""

    item_id: str = Field(description="kind:subject; the same on every peer, whoever asks")
    kind: Kind
    subject_id: str = Field(description="Task, proposal, thread or request that it is about")
    title: str
    purpose: str = Field(description="One line: what is wanted of the person")
    priority: Priority = "medium"
    since: float = Field(description="Unix time since when it waits")
    expires_at: float | None = Field(default=None, description="Unix time after which it is decided without them")
    asked_by: str = Field(default="", description="Peer id of who asks")
    asked_by_name: str = ""
    choices: list[str] = Field(default_factory=list, description="What may be chosen; empty: words are wanted")
    words: Literal["none", "optional", "needed"] = Field(
        default="optional", description="Whether words go with the answer"
    )
    command: str = Field(default="", description="The command line that answers it elsewhere")
    version: str = Field(default="", description="Of what is asked; goes back with the answer")


class Inbox(Page):
    """The most pressing first."""

    inbox: list[InboxItem]


class AnswerItem(Request):
    """A person's answer to an item: one of its choices, words, or both."""

    item_id: str = Field(min_length=3, max_length=256)
    choice: str = Field(default="", max_length=128)
    text: str = Field(default="", max_length=4_000)
    version: str = Field(
        default="",
        max_length=64,
        description="Of the item that was looked at; when it is another one meanwhile, it is refused",
    )


class Answered(Answer):
    """What the answer came to, in words."""

    item_id: str
    told: str


_RANK = {"urgent": 0, "high": 1, "medium": 2, "low": 3}
_SOON_S = 600.0
"""What expires within this time comes before what has the same priority and more time."""


def pressing(item: InboxItem, now: float) -> tuple[int, float, float, str]:
    """Orders items, the most pressing first: by priority, then what ends soon, then the oldest."""
    left = item.expires_at - now if item.expires_at is not None else _SOON_S
    return (_RANK[item.priority], min(left, _SOON_S), item.since, item.item_id)
