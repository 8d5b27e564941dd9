"""Shared texts: sessions, the updates that make their text, chat, presence, and how they end."""

from __future__ import annotations

import base64
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.messages.base import HASH, EntryHash, Message, MessageType, Name
from chorus_tui.engine.protocol.ulid import PATTERN

PIECE = 32 * 1024
"""Bytes of an update that fit one message."""
MOST_PIECES = 64
MOST_EPOCHS = 512
"""Epochs that one message names entries of."""
MOST_STATE = 12_000
"""Characters of a state vector."""
_BASE64 = Annotated[str, StringConstraints(max_length=(PIECE + 2) // 3 * 4, pattern=r"^[A-Za-z0-9+/]*={0,2}$")]
_EPOCH = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Covers = dict[_EPOCH, Annotated[int, Field(ge=0)]]
"""By epoch of a feed, the first entry's number that is not part of it."""


def encode(data: bytes) -> str:
    """As these messages carry bytes."""
    return base64.b64encode(data).decode()


def decode(text: str) -> bytes:
    """What :func:`encode` made. Raises ``ValueError``."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ValueError(f"no base64: {error}") from error


class CollabSession(Message):
    """A shared text is begun. Said again by the same peer it invites more, and changes nothing else.

    With ``open`` every member may write, else those invited by their peer id, and those who hold or held an invited role.
    ``base`` is the address of the content that it begins with, ``base_entry`` the entry of that version.
    """

    session: str = Field(pattern=PATTERN)
    title: str = Field(min_length=1, max_length=200)
    purpose: str = Field(default="", max_length=2_000)
    base: str = Field(default="", max_length=1024)
    base_entry: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    invited: list[Name] = Field(default_factory=list, max_length=64)
    roles: list[Name] = Field(default_factory=list, max_length=16)
    open: bool = False
    on_behalf_of: str = Field(default="", max_length=128)


class CollabUpdate(Message):
    """A piece of one CRDT update, or all of it. ``group`` is the SHA-256 of the whole update; its pieces follow each other.

    ``of`` is another peer, which said it (:class:`CollabEdit`) and did not come to save it: who heard it saves it, so that what
    others wrote on it has something to stand on.
    """

    session: str = Field(pattern=PATTERN)
    update: _BASE64
    group: str = Field(pattern=HASH)
    piece: int = Field(default=0, ge=0, lt=MOST_PIECES)
    pieces: int = Field(default=1, ge=1, le=MOST_PIECES)
    of: str = Field(default="", max_length=128)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.piece >= self.pieces:
            raise ValueError("piece: beyond the number of pieces")
        decode(self.update)
        return self


class CollabSnapshot(Message):
    """The whole state as a blob, for those that cannot have the entries it is made of. ``state`` is its state vector, empty when that
    is too long."""

    session: str = Field(pattern=PATTERN)
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    size: int = Field(ge=1, le=16 << 20)
    state: str = Field(max_length=MOST_STATE, pattern=r"^[A-Za-z0-9+/]*={0,2}$")
    covers: Covers = Field(max_length=MOST_EPOCHS)


class CollabChat(Message):
    """A word beside the text. ``by_itself``: an agent's, which no agent answers; ``answers`` is the entry of the word that it is an
    answer to, so that the agent never answers it again."""

    session: str = Field(pattern=PATTERN)
    text: str = Field(min_length=1, max_length=4_000)
    by_itself: bool = False
    answers: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    on_behalf_of: str = Field(default="", max_length=128)


class CollabAnswer(Message):
    """Whether somebody takes part."""

    session: str = Field(pattern=PATTERN)
    takes_part: bool


class CollabEnded(Message):
    """The session is over. What ``covers`` names is the text of the end, whose SHA-256 is ``text_hash``; the rest came too late."""

    session: str = Field(pattern=PATTERN)
    outcome: Literal["patch", "ucxl", "nothing"]
    reference: str = Field(default="", max_length=1024)
    covers: Covers = Field(max_length=MOST_EPOCHS)
    text_hash: EntryHash
    on_behalf_of: str = Field(default="", max_length=128)


class CollabEdit(Message):
    """What is typed just now, at once, and where the cursor is: places in the sender's text. It all comes again as an update."""

    session: str = Field(pattern=PATTERN)
    update: _BASE64 = ""
    name: str = Field(default="", max_length=64)
    color: int = Field(default=0, ge=0, le=7)
    cursor: int = Field(default=0, ge=0, le=1 << 22)
    anchor: int = Field(default=0, ge=0, le=1 << 22)
    leaves: bool = False

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        decode(self.update)
        return self


ROWS: dict[str, MessageType] = {
    "collab_session": MessageType(
        CollabSession, True, topics.COORDINATION, "collaboration",
        "a person, an agent", "a shared text is begun, or more are invited", "shown; who is invited finds it in the inbox",
        opens=True,
    ),
    "collab_update": MessageType(
        CollabUpdate, True, None, "collaboration",
        "who writes in a shared text", "something was typed, at most 2 s ago", "becomes part of the text everywhere",
        family=topics.COLLAB,
    ),
    "collab_snapshot": MessageType(
        CollabSnapshot, True, None, "collaboration",
        "the first of those that take part", "200 updates or 256 KiB of them have come since the last one",
        "who lacks some of its entries begins with it", family=topics.COLLAB,
    ),
    "collab_chat": MessageType(
        CollabChat, True, None, "collaboration",
        "who takes part in a shared text", "something is said beside it", "shown; an agent that is addressed answers",
        opens=True, family=topics.COLLAB,
    ),
    "collab_answer": MessageType(
        CollabAnswer, True, topics.COORDINATION, "collaboration",
        "who is invited", "it joins a shared text, or declines", "shown with the session; the invitation waits no more",
    ),
    "collab_ended": MessageType(
        CollabEnded, True, topics.COORDINATION, "consensus_reached",
        "who began it, a master", "a shared text is finished", "the text stands still everywhere; what comes later is told as late",
    ),
    "collab_edit": MessageType(
        CollabEdit, False, None, "collaboration",
        "who writes in a shared text", "something is typed, or a cursor moves", "on the screens of those that take part at once",
        family=topics.COLLAB,
    ),
}  # fmt: skip
