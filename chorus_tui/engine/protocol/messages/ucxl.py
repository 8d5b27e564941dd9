"""Content under addresses: that there is a version, and who holds its bytes. The bytes themselves travel as blobs."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from chorus_tui.contract import ucxl
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.messages.base import EntryHash, Message, MessageType

DIGEST = r"^sha256:[0-9a-f]{64}$"
MEDIA_TYPE = r"^[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}(; ?[a-z0-9-]+=[A-Za-z0-9_.-]+)?$"
MOST_PARENTS = 16
MOST_READERS = 16
MOST_TAGS = 16
MOST_SIZE = 16 * 1024 * 1024
"""Bytes of a content, in clear."""
MOST_STORED = MOST_SIZE + 1024 * 1024
"""Bytes as stored: what an age file adds is far less than a mebibyte."""

Tag = Annotated[str, Field(min_length=1, max_length=64)]
Reader = Annotated[str, Field(min_length=1, max_length=160)]


class UcxlVersion(Message):
    """One version of a place. ``digest`` and ``size`` are those of the stored bytes; a tombstone has neither.

    ``readers`` are the keyrings it is sealed to, none for what every member may read. ``parents`` are the entries of the versions
    that it follows: of two versions neither of which follows the other, directly or not, neither author knew of the other's.
    """

    place: str = Field(max_length=ucxl.LONGEST)
    digest: str = Field(default="", pattern=rf"{DIGEST}|^$")
    size: int = Field(default=0, ge=0, le=MOST_STORED)
    media_type: str = Field(default="text/plain", pattern=MEDIA_TYPE)
    readers: list[Reader] = Field(default_factory=list, max_length=MOST_READERS)
    parents: list[EntryHash] = Field(default_factory=list, max_length=MOST_PARENTS)
    tombstone: bool = False
    description: str = Field(default="", max_length=1_000)
    tags: list[Tag] = Field(default_factory=list, max_length=MOST_TAGS)
    on_behalf_of: str = Field(default="", max_length=128)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        _check_place(self.place)
        if self.tombstone == bool(self.digest):
            raise ValueError("digest: a version has one, a tombstone none")
        if self.tombstone and (self.size or self.readers):
            raise ValueError("tombstone: it has neither size nor readers")
        return self


class UcxlHolding(Message):
    """Its author holds these bytes of a version, keeps them, and gives them to members."""

    place: str = Field(max_length=ucxl.LONGEST)
    digest: str = Field(pattern=DIGEST)

    @model_validator(mode="after")
    def _names_a_place(self) -> Self:
        _check_place(self.place)
        return self


def _check_place(place: str) -> None:
    """A concrete address without a version of its own, in its canonical form. Raises ``ValueError``."""
    address = ucxl.parse(place)
    if not address.concrete or address.place != place:
        raise ValueError("place: the canonical address of one thing's latest version, without wildcards")


ROWS: dict[str, MessageType] = {
    "ucxl_version": MessageType(
        UcxlVersion, True, topics.CONTEXT, "collaboration",
        "a person, an agent, the engine", "content is written under an address, or removed",
        "a version more of that place, on every peer under the same number; its bytes are fetched and kept",
        opens=True,
    ),
    "ucxl_holding": MessageType(
        UcxlHolding, False, topics.CONTEXT, "collaboration",
        "a person, an agent", "it announces that it keeps a version", "who looks for the bytes finds them there",
    ),
}  # fmt: skip
