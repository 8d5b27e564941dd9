"""What people and agents do with patches: list, show, read, review, submit, withdraw, vote, tell of having applied."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import trio

from chorus_tui.contract.counting import many
from chorus_tui.contract.diff import BadDiff, FileDiff, parse
from chorus_tui.contract.models import patches as models
from chorus_tui.contract.models.decisions import ProposeDecision
from chorus_tui.contract.problem import Problem, invalid, not_found
from chorus_tui.engine.behalf import person_of
from chorus_tui.engine.control.interface import NoMesh
from chorus_tui.engine.journal.flow import OverQuota
from chorus_tui.engine.journal.interface import BlobHeld, BlobMissing, Refused
from chorus_tui.engine.patches import rules
from chorus_tui.engine.patches.facts import Patch, Revision
from chorus_tui.engine.patches.views import Looked, may
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.shhh.cutting import beginning, ending

if TYPE_CHECKING:
    from chorus_tui.engine.patches.service import PatchService

HINT = "'chorus-tui patch list' shows what has reached this peer."
PIECE = 512 << 10
"""Bytes of a diff in one answer."""


class Acting:
    """Answers the operations of this feature."""

    def __init__(self, service: PatchService) -> None:
        self._service = service

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """By operation name."""
        return {
            "patches.list": self.list, "patches.show": self.show, "patches.diff": self.diff, "patches.review": self.review,
            "patches.submit": self.submit, "patches.withdraw": self.withdraw, "patches.applied": self.applied,
            "patches.vote": self.vote,
        }  # fmt: skip

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

    def find(self, beginning: str) -> Patch:
        """By id or its beginning. Raises :class:`Problem`."""
        found = self._service.book.named(beginning)
        if not found:
            raise not_found("patch", beginning, HINT)
        if len(found) > 1:
            raise invalid({"patch_id": f"{len(found)} patches begin so; give more of the id"})
        return found[0]

    async def list(self, request: models.ListPatches, _caller: Any) -> models.PatchList:
        """Open ones first, then what changed last."""
        rows = [self._service.row(patch) for patch in self._service.book.patches.values()]
        if request.which != "all":
            rows = [row for row in rows if (row.state in models.OPEN) == (request.which == "open")]
        if request.project_id:
            rows = [row for row in rows if row.project_id == request.project_id]
        rows.sort(key=lambda row: (row.state not in models.OPEN, -row.changed_at, row.key))
        return models.PatchList(patches=rows[: request.limit])

    async def show(self, request: models.PatchRef, _caller: Any) -> models.PatchView:
        """All of one patch."""
        return self._service.view_of(self.find(request.patch_id).key)

    async def diff(self, request: models.ReadDiff, _caller: Any) -> models.DiffChunk:
        """A range of the diff, fetched from a member where it is not here."""
        patch = self.find(request.patch_id)
        revision = self._revision(patch, request.revision)
        data, said = await self.diff_of(revision), revision.message
        piece = data[request.offset : request.offset + PIECE]
        return models.DiffChunk(
            patch_id=said.patch_id, revision=said.revision, digest=said.diff, size=len(data), offset=request.offset,
            data=base64.b64encode(piece).decode(),
        )  # fmt: skip

    async def diff_of(self, revision: Revision) -> bytes:
        """The whole diff; what its author promised is what is given. Raises :class:`Problem`."""
        blobs, said = self._service.parts.blobs, revision.message
        try:
            path = await blobs.shown(said.diff)
            size = (await trio.Path(path).stat()).st_size
            if size != said.size:
                raise Problem(502, "damaged", "The diff is not what its author promised", f"It has {size} bytes.")
            return await trio.Path(path).read_bytes()
        except BlobHeld:
            raise  # it is here, and says itself why it is not shown
        except BlobMissing as error:
            raise Problem(503, "not-here", "The diff is not here", f"{error} Nobody in reach has it now.") from error

    def _revision(self, patch: Patch, number: int | None) -> Revision:
        """The newest, or the one with this number. Raises :class:`Problem`."""
        newest = self._service.book.newest(patch)
        if number is None or number == newest.message.revision:
            return newest
        found = [one for one in patch.revisions.values() if one.message.revision == number]
        if not found:
            raise not_found("revision", str(number), f"The newest is {newest.message.revision}.")
        return min(found, key=lambda one: one.hash)

    # ── judging ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def review(self, request: models.ReviewPatch, caller: Any) -> models.PatchView:
        """A word on the newest revision; on an older one it is refused, since it would count for nothing."""
        self.may_take_part()
        seen = self._service.look(self.find(request.patch_id))
        revision = seen.revision
        self._is_newest(revision, request.revision, "Look at the newest one, and review that.")
        allowed = may(seen, self._service.around())
        if "review" not in allowed:
            raise Problem(409, "ended", f"The patch is {seen.state}", seen.why or "Nothing is left to review.")
        if request.verdict != "comment" and "judge" not in allowed:
            why = rules.no_judge(self._service.parts.me, revision, self._member()) or f"it is {seen.state}"
            raise Problem(403, "no-judge", "This peer cannot judge the patch", f"{why}; a comment is possible.")
        if request.comments:
            _check_places(request.comments, await self._files(revision))
        elif request.verdict == "comment" and not request.text.strip():
            raise invalid({"text": "a comment has words"})
        mine = [one.message.number for one in seen.patch.reviews.values() if one.author == self._service.parts.me]
        data = {
            "patch": revision.hash, "patch_id": revision.message.patch_id, "verdict": request.verdict, "text": request.text,
            "comments": [one.model_dump() for one in request.comments], "number": max(mine, default=-1) + 1,
            "on_behalf_of": person_of(self._service.parts.kind, caller),
        }  # fmt: skip
        await self.say("patch_review", data, revision.message.project_id)
        return self._service.view_of(seen.patch.key)

    async def _files(self, revision: Revision) -> dict[str, FileDiff]:
        try:
            return {file.path: file for file in parse(await self.diff_of(revision))}
        except BadDiff as error:
            raise Problem(409, "bad-diff", "The diff of this patch is not taken", str(error)) from error

    # ── its way ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def submit(self, request: models.SubmitPatch, caller: Any) -> models.PatchView:
        """Put the newest revision forward."""
        seen = self._service.look(self.find(request.patch_id))
        self._allowed(seen, "submit", rules.may_not("submitted", self._service.parts.me, seen.revision, self._member()))
        await self.tell(seen.revision, "submitted", caller)
        return self._service.view_of(seen.patch.key)

    async def withdraw(self, request: models.WithdrawPatch, caller: Any) -> models.PatchView:
        """Take it back."""
        seen = self._service.look(self.find(request.patch_id))
        self._allowed(
            seen, "withdraw", rules.may_not("withdrawn", self._service.parts.me, seen.revision, self._member())
        )
        await self.tell(seen.revision, "withdrawn", caller, reason=request.reason)
        return self._service.view_of(seen.patch.key)

    async def applied(self, request: models.PatchApplied, caller: Any) -> models.PatchView:
        """Tell that it was applied."""
        seen = self._service.look(self.find(request.patch_id))
        if seen.revision.message.kind == "context":
            raise Problem(
                409, "document", "A context patch is applied by writing its document", "patch apply does that."
            )
        self._is_newest(seen.revision, request.revision, "Apply the newest one.")
        self.may_apply(seen)
        where = request.model_dump(include={"repository", "commit", "onto", "branch"})
        await self.tell(seen.revision, "applied", caller, where=where)
        return self._service.view_of(seen.patch.key)

    async def vote(self, request: models.VotePatch, caller: Any) -> models.PatchView:
        """Put it to the vote; the decision cites the revision."""
        seen = self._service.look(self.find(request.patch_id))
        said = seen.revision.message
        if seen.state == "voting" and seen.ballot is not None:
            raise Problem(
                409, "voting", "The patch is being voted on", f"It is the decision {seen.ballot.decision_id}."
            )
        self._allowed(seen, "vote", rules.barred(self._member()))
        size = f"{many(said.file_count, 'file')}, +{said.added} -{said.removed}"
        words = f"{said.message}\n\nPatch {said.patch_id}, revision {said.revision}: {size}"
        await self._service.parts.propose(
            ProposeDecision(
                title=beginning(f"Patch: {said.title}", 200),
                description=ending(words.strip(), 8_000, self._service.parts.redact), kind="patch", deadline=request.deadline,
                threshold=request.threshold, project_id=said.project_id, task_id=said.task_id, patch=seen.revision.hash,
            ),
            caller,
        )  # fmt: skip
        return self._service.view_of(seen.patch.key)

    # ── for all of them ────────────────────────────────────────────────────────────────────────────────────────────

    def may_take_part(self) -> None:
        """Raises :class:`NoMesh` or :class:`Problem`."""
        control = self._service.parts.control
        if control.mesh_id is None:
            raise NoMesh(f"There is no mesh yet. {control.detail}")
        if why := rules.barred(self._member()):
            raise Problem(403, "authority", "This peer may not take part in patches", f"It {why}.")

    def may_apply(self, seen: Looked) -> None:
        """Raises :class:`Problem`."""
        self._allowed(seen, "apply", rules.may_not("applied", self._service.parts.me, seen.revision, self._member()))

    def _member(self) -> Any:
        return self._service.parts.control.members.get(self._service.parts.me)

    def _allowed(self, seen: Looked, act: str, why: str) -> None:
        self.may_take_part()
        if act in may(seen, self._service.around()):
            return
        if why:
            raise Problem(403, "authority", f"This peer may not {act} the patch", f"{why}.")
        hint = {"draft": "Submit it first.", "in_review": "Submit it first.", "voting": "The vote on it is not over."}
        raise Problem(409, "state", f"The patch is {seen.state.replace('_', ' ')}", hint.get(seen.state, seen.why))

    @staticmethod
    def _is_newest(revision: Revision, number: int | None, way_out: str) -> None:
        newest = revision.message.revision
        if number is not None and number != newest:
            raise Problem(409, "old-revision", f"Revision {number} is not the newest any more: {newest} is", way_out)

    async def tell(
        self, revision: Revision, state: str, caller: Any, *, reason: str = "", where: dict[str, Any] | None = None
    ) -> Entry:  # fmt: skip
        """Say what became of a revision."""
        data = {
            "patch": revision.hash, "patch_id": revision.message.patch_id, "state": state, "reason": reason, "where": where,
            "on_behalf_of": person_of(self._service.parts.kind, caller),
        }  # fmt: skip
        return await self.say("patch_state", data, revision.message.project_id)

    async def say(self, type_: str, data: dict[str, Any], project_id: str) -> Entry:
        """On disk when it returns. Raises :class:`Problem`, and :class:`OverQuota`."""
        try:
            return await self._service.parts.journal.say(type_, data, project_id=project_id or None)
        except OverQuota:
            raise
        except Refused as error:
            raise Problem(409, "refused", "It was not said", str(error)) from error


def _check_places(comments: list[models.Comment], files: dict[str, FileDiff]) -> None:
    """Whether each place exists. Raises :class:`Problem`."""
    for number, one in enumerate(comments):
        file = files.get(one.file)
        wrong = ""
        if file is None:
            wrong = f"the patch does not change {one.file!r}; it changes {', '.join(list(files)[:5])}"
        elif one.hunk and one.hunk >= len(file.hunks):
            wrong = f"{one.file} has {len(file.hunks)} hunks, counted from 0"
        elif one.line is not None and (not file.hunks or one.line >= len(file.hunks[one.hunk].lines)):
            wrong = f"hunk {one.hunk} of {one.file} has not so many lines"
        if wrong:
            raise invalid({f"comments.{number}": wrong})
