"""Patches: changes that are proposed, reviewed, voted on and applied."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from chorus_tui.contract.models.common import Answer, Page, Paged, Request
from chorus_tui.contract.models.journal import Delivery
from chorus_tui.contract.models.tasks import TaskName

State = Literal["draft", "in_review", "submitted", "voting", "passed", "rejected", "applied", "withdrawn", "void"]
"""Of the newest revision. ``in_review``: somebody else has said something of it. ``void``: it counts for nothing."""
OPEN: frozenset[str] = frozenset({"draft", "in_review", "submitted", "voting", "passed"})
PatchKind = Literal["context", "code", "config", "docs"]
Verdict = Literal["comment", "approve", "changes"]

COMMIT = r"^([0-9a-f]{40}|[0-9a-f]{64})?$"
MOST_INLINE = 700_000
"""Characters of base64 in one request; a longer diff is staged piece by piece."""
MOST_CONTENT = 600_000
"""Characters of a document's new text."""
STAGED = r"^[0-9a-f]{32}$"


class PatchRef(Request):
    """Names a patch, by its id or the beginning of it."""

    patch_id: str = Field(pattern=r"^[0-9A-Za-z]{1,26}$")

    @field_validator("patch_id")
    @classmethod
    def _as_written(cls, value: str) -> str:
        return value.upper()


class ListPatches(Paged):
    """Filter of the list: all, open ones, or those that ended."""

    which: Literal["all", "open", "closed"] = "all"
    project_id: str = Field(default="", max_length=128)
    limit: int = Field(default=200, ge=1, le=1000)


class StagePiece(Request):
    """A piece of a diff on its way to a patch; ``staged`` is empty for the first piece. Kept in memory, for some minutes."""

    staged: str = Field(default="", pattern=r"^([0-9a-f]{32})?$")
    offset: int = Field(default=0, ge=0, le=8 << 20)
    data: str = Field(max_length=MOST_INLINE, description="base64")


class Staged(Answer):
    """What is held so far."""

    staged: str
    size: int


class Words(Request):
    """What a patch is called, and what it is for."""

    title: str = Field(min_length=1, max_length=200)
    message: str = Field(default="", max_length=8_000)
    kind: PatchKind = "code"
    project_id: str = Field(default="", max_length=128)


class CreatePatch(Words):
    """A patch of a diff, or, for a document of the mesh, of its address and new text.

    The diff comes in base64 or was staged. ``base`` is the commit that it was made on. ``supersedes``: it is a new revision of
    this own patch.
    """

    repository: str = Field(default="", max_length=200)
    base: str = Field(default="", pattern=COMMIT)
    diff: str = Field(default="", max_length=MOST_INLINE, description="base64")
    staged: str = Field(default="", pattern=r"^([0-9a-f]{32})?$")
    address: str = Field(default="", max_length=1024)
    content: str = Field(default="", max_length=MOST_CONTENT, description="The new text of the document")
    supersedes: str = Field(default="", pattern=r"^[0-9A-Za-z]{0,26}$")

    @model_validator(mode="after")
    def _is_one(self) -> CreatePatch:
        if (self.kind == "context") != bool(self.address):
            raise ValueError("address: a context patch names a document, and no other patch does")
        if sum(map(bool, (self.diff, self.staged, self.address))) != 1:
            raise ValueError("diff: either a diff, a staged one, or an address with its new text")
        return self


class PatchFromTask(Request):
    """A patch of the change that a task has made; title and message are the task's where they are left out."""

    task_id: TaskName
    title: str = Field(default="", max_length=200)
    message: str = Field(default="", max_length=8_000)
    kind: Literal["code", "config", "docs"] = "code"


class PreviewPatch(Request):
    """Look at a diff before a patch is made of it."""

    diff: str = Field(default="", max_length=MOST_INLINE, description="base64")
    staged: str = Field(default="", pattern=r"^([0-9a-f]{32})?$")
    title: str = Field(default="", max_length=200)
    message: str = Field(default="", max_length=8_000)


class PatchFile(Answer):
    """A file that a diff changes."""

    path: str
    added: int = 0
    removed: int = 0


class SecretLine(Answer):
    """A line of a diff that carries a secret; its number is that of the new file, of a removed line that of the old one."""

    file: str
    line: int


class PatchPreview(Answer):
    """What a patch of this diff would be."""

    files: list[PatchFile]
    added: int
    removed: int
    secrets: list[SecretLine] = Field(default_factory=list, description="Lines for which it would be refused")
    title: str = Field(default="", description="As others would read it")
    message: str = ""


class ReadDiff(PatchRef):
    """A range of the diff of a revision; without a number of the newest."""

    revision: int | None = Field(default=None, ge=0)
    offset: int = Field(default=0, ge=0)


class DiffChunk(Answer):
    """A range of a diff. ``digest`` and ``size`` are those of the whole."""

    patch_id: str
    revision: int
    digest: str
    size: int
    offset: int
    data: str = Field(description="base64")


class Comment(Request):
    """A word at a place of the diff: file, hunk (from 0), line of the hunk (from 0; None: the hunk as such)."""

    file: str = Field(min_length=1, max_length=1024)
    hunk: int = Field(default=0, ge=0)
    line: int | None = Field(default=None, ge=0)
    text: str = Field(min_length=1, max_length=2_000)


class ReviewPatch(PatchRef):
    """A word on a patch. ``revision``: the one that was looked at; left out, the newest."""

    revision: int | None = Field(default=None, ge=0)
    verdict: Verdict = "comment"
    text: str = Field(default="", max_length=8_000)
    comments: list[Comment] = Field(default_factory=list, max_length=64)


class SubmitPatch(PatchRef):
    """Put a patch forward, to be voted on or applied."""


class WithdrawPatch(PatchRef):
    """Take a patch back."""

    reason: str = Field(default="", max_length=500)


class PatchApplied(PatchRef):
    """Tell that a patch was applied. ``commit`` is what was made of it, ``onto`` the commit that it was applied on."""

    revision: int | None = Field(default=None, ge=0)
    repository: str = Field(default="", max_length=200)
    commit: str = Field(default="", pattern=COMMIT)
    onto: str = Field(default="", pattern=COMMIT)
    branch: str = Field(default="", max_length=200)


class WriteContext(PatchRef):
    """Apply a context patch: write the new version of its document, or only look whether it could be written."""

    dry_run: bool = False


class VotePatch(PatchRef):
    """Put a patch to the vote."""

    deadline: str = Field(default="1d", min_length=1, max_length=40)
    threshold: Literal["majority", "two_thirds", "unanimous"] = "majority"


class CommentView(Answer):
    """A comment where it stands."""

    file: str
    hunk: int
    line: int | None = None
    text: str


class ReviewView(Answer):
    """One review. ``counts``: its verdict is the reviewer's last on the newest revision, and it may judge."""

    by: str
    by_name: str = ""
    kind: str = ""
    on_behalf_of: str = ""
    verdict: Verdict
    text: str = ""
    comments: list[CommentView] = Field(default_factory=list)
    revision: int
    at: float
    counts: bool = False
    why: str = Field(default="", description="Why its verdict does not count, where it does not")
    entry: str


class AppliedView(Answer):
    """Where a revision was applied, and by whom."""

    by: str
    by_name: str = ""
    on_behalf_of: str = ""
    at: float
    revision: int
    repository: str = ""
    commit: str = ""
    onto: str = ""
    branch: str = ""
    address: str = ""
    version: int = 0


class RevisionView(Answer):
    """One revision of a patch."""

    revision: int
    entry: str
    at: float
    base: str = ""
    digest: str
    size: int


class VoteState(Answer):
    """A decision on a patch, as it stands."""

    decision_id: str
    entry: str
    state: str
    outcome: str = ""
    why: str = Field(default="", description="Why it decides nothing about the patch")


class PatchRow(Answer):
    """One line of the queue, about the newest revision."""

    key: str = Field(description="Author and id: the same on every peer")
    patch_id: str
    entry: str = Field(description="Hash of the newest revision's feed entry")
    title: str
    kind: PatchKind
    state: State
    author: str
    author_name: str = ""
    mine: bool = False
    made_at: float
    changed_at: float
    project_id: str = ""
    repository: str = ""
    revision: int = 0
    files: int
    added: int
    removed: int
    approvals: int = Field(default=0, description="Standing approvals of others")
    objections: int = Field(default=0, description="Members that ask for changes")
    comments: int = 0
    waits_for_me: bool = Field(default=False, description="This peer may review it and has not")
    decision_id: str = ""


class PatchView(PatchRow):
    """All of one patch."""

    message: str = ""
    on_behalf_of: str = ""
    why: str = Field(default="", description="Why it is void, withdrawn or waits")
    base: str = ""
    base_version: int = 0
    address: str = ""
    task_id: str | None = None
    digest: str
    size: int
    diff_here: bool = False
    names: list[PatchFile]
    reviews: list[ReviewView]
    applied: list[AppliedView]
    revisions: list[RevisionView]
    vote: VoteState | None = None
    idle_votes: list[VoteState] = Field(
        default_factory=list,
        description="Votes on it that decide nothing, each with why: not all who may vote were asked",
    )
    may: list[str] = Field(default_factory=list, description="What this peer may do now: review, judge, submit, …")
    delivery: Delivery | None = Field(default=None, description="Only of this peer's own patches")


class PatchList(Page):
    """Open ones first, then the newest."""

    patches: list[PatchRow]


class Written(Answer):
    """What came of a context patch. ``version`` is the one that was written, or would be; ``entry`` its feed entry."""

    patch: PatchView
    address: str
    version: int
    entry: str = ""
