"""Patches: a change that is proposed, what members say of it, and what becomes of it.

All of them go to everybody: a patch waits for whoever can judge it, and a repository is nobody's alone. A patch is known by its author
and its id, a revision of it by the hash of its entry. Whatever is said of a patch names the revision that it was said of.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from chorus_tui.contract.models.task_spec import TASK_ID
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.messages.base import EntryHash, Message, MessageType
from chorus_tui.engine.protocol.messages.decisions import DIGEST
from chorus_tui.engine.protocol.ulid import PATTERN

MOST_NAMED = 256
"""Files that a message names; the diff has them all."""
MOST_COMMENTS = 64
MOST_BYTES = 8 << 20

Path = Annotated[str, Field(min_length=1, max_length=1024)]
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]


class FileCount(NamedTuple):
    """A file that a diff changes, with the lines that it adds and removes."""

    path: Path
    added: Count
    removed: Count


class PatchCreated(Message):
    """A change, or a new revision of an own one. ``diff`` is a blob: a diff as git writes it.

    ``base`` is the commit that it was made on; of a context patch, which changes the document under ``address``, the entry of the
    version, empty where the document is new, and ``base_version`` its number.
    """

    patch_id: str = Field(pattern=PATTERN)
    revision: int = Field(default=0, ge=0, le=1_000_000)
    supersedes: EntryHash | None = None
    title: str = Field(min_length=1, max_length=200)
    message: str = Field(default="", max_length=8_000)
    kind: Literal["context", "code", "config", "docs"] = "code"
    project_id: str = Field(default="", max_length=128)
    repository: str = Field(default="", max_length=200)
    base: str = Field(default="", pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})?$")
    base_version: int = Field(default=0, ge=0, le=2**53 - 1)
    address: str = Field(default="", max_length=1024)
    diff: str = Field(pattern=DIGEST)
    size: int = Field(ge=1, le=MOST_BYTES)
    files: list[FileCount] = Field(min_length=1, max_length=MOST_NAMED)
    file_count: int = Field(ge=1, le=100_000)
    added: Count = 0
    removed: Count = 0
    task_id: str | None = Field(default=None, pattern=TASK_ID)
    on_behalf_of: str = Field(default="", max_length=128)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.kind == "context") != bool(self.address):
            raise ValueError("address: a context patch names a document, and no other patch does")
        if bool(self.revision) != bool(self.supersedes):
            raise ValueError("supersedes: every revision but the first names the one before it")
        return self


class HunkComment(BaseModel):
    """A word at a place: a file of the diff, a hunk of it (from 0), a line of the hunk (from 0; None: the hunk as such)."""

    model_config = ConfigDict(extra="allow", frozen=True)

    file: Path
    hunk: int = Field(default=0, ge=0, le=100_000)
    line: int | None = Field(default=None, ge=0, le=1_000_000)
    text: str = Field(min_length=1, max_length=2_000)


class PatchReview(Message):
    """A member's word on a revision. ``number`` counts this member's reviews of the patch from 0; the last verdict counts."""

    patch: EntryHash
    patch_id: str = Field(pattern=PATTERN)
    verdict: Literal["comment", "approve", "changes"]
    text: str = Field(default="", max_length=8_000)
    comments: list[HunkComment] = Field(default_factory=list, max_length=MOST_COMMENTS)
    number: int = Field(default=0, ge=0, le=1_000_000)
    on_behalf_of: str = Field(default="", max_length=128)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.verdict == "comment" and not (self.text or self.comments):
            raise ValueError("text: a comment has words")
        return self


class Where(BaseModel):
    """Where a patch was applied: the commit that was made of it, or the one that it was applied on; or the version of a document."""

    model_config = ConfigDict(extra="allow", frozen=True)

    repository: str = Field(default="", max_length=200)
    commit: str = Field(default="", pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})?$")
    onto: str = Field(default="", pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})?$")
    branch: str = Field(default="", max_length=200)
    address: str = Field(default="", max_length=1024)
    version: int = Field(default=0, ge=0, le=2**53 - 1)


class PatchState(Message):
    """A revision is put forward, taken back, or was applied somewhere."""

    patch: EntryHash
    patch_id: str = Field(pattern=PATTERN)
    state: Literal["submitted", "withdrawn", "applied"]
    reason: str = Field(default="", max_length=500)
    where: Where | None = None
    on_behalf_of: str = Field(default="", max_length=128)

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        if (self.state == "applied") != (self.where is not None):
            raise ValueError("where: what was applied was applied somewhere, and nothing else was")
        return self


ROWS: dict[str, MessageType] = {
    "patch_created": MessageType(
        PatchCreated, True, topics.COORDINATION, "collaboration",
        "a person, an agent", "a change is made into a patch, or anew", "shown in the queue; its diff is kept; others review it",
        opens=True,
    ),
    "patch_review": MessageType(
        PatchReview, True, topics.COORDINATION, "collaboration",
        "a person, an agent", "they have looked at a patch", "shown at its lines; the state of the patch changes",
    ),
    "patch_state": MessageType(
        PatchState, True, topics.COORDINATION, "collaboration",
        "a person, an agent", "a patch is submitted, withdrawn or applied", "the state of the patch changes; who may apply it is told once",
    ),
}  # fmt: skip
