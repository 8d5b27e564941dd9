"""Making a patch: of a diff, of what a task has changed, of a document's new text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import trio
from pydantic import ValidationError

from chorus_tui.contract.diff import BadDiff, FileDiff, parse
from chorus_tui.contract.models import patches as models
from chorus_tui.contract.problem import Problem, invalid
from chorus_tui.engine.behalf import person_of
from chorus_tui.engine.carried_bytes import decoded
from chorus_tui.engine.journal.interface import BlobMissing
from chorus_tui.engine.patches import secrets
from chorus_tui.engine.patches.facts import Revision
from chorus_tui.engine.patches.staging import Staging
from chorus_tui.engine.protocol.messages.patches import MOST_NAMED, PatchCreated
from chorus_tui.engine.protocol.ulid import ulid
from chorus_tui.engine.shhh.cutting import beginning

if TYPE_CHECKING:
    from chorus_tui.engine.patches.service import PatchService

NAMES_BYTES = 16 << 10
INLINE_BYTES = 64 << 10
"""Up to this size a diff is looked through at once, a longer one in a thread."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a diff was made from."""

    data: bytes
    repository: str = ""
    base: str = ""
    base_version: int = 0
    address: str = ""
    task_id: str | None = None


class Making:
    """Answers the operations that make patches."""

    def __init__(self, service: PatchService) -> None:
        self._service = service
        self.staging = Staging(service.parts.clock, service.parts.entropy)

    # ── doors ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def stage(self, request: models.StagePiece, _caller: Any) -> models.Staged:
        """A piece of a diff that is too long for one request."""
        return self.staging.take(request)

    async def preview(self, request: models.PreviewPatch, _caller: Any) -> models.PatchPreview:
        """What a patch of this diff would be, and for which lines it would be refused."""
        data, redact = self._given(request.diff, request.staged), self._service.parts.redact
        files = _parsed(data)
        return models.PatchPreview(
            files=[models.PatchFile(path=one.path, added=one.added, removed=one.removed) for one in files],
            added=sum(one.added for one in files), removed=sum(one.removed for one in files),
            secrets=await self._secrets(data, files), title=redact(request.title), message=redact(request.message),
        )  # fmt: skip

    async def create(self, request: models.CreatePatch, caller: Any) -> models.PatchView:
        """On disk, with its diff at others, when the answer comes."""
        self._service.acting.may_take_part()
        if request.address:
            source = await self._service.context.source(request.address, request.content)
        else:
            source = Source(self._given(request.diff, request.staged), request.repository, request.base)
        before = self._own(request.supersedes) if request.supersedes else None
        return await self._say(request, source, before, caller)

    async def from_task(self, request: models.PatchFromTask, caller: Any) -> models.PatchView:
        """Of the change that a task has made."""
        self._service.acting.may_take_part()
        change = self._service.parts.task_change(request.task_id)
        try:
            path = await self._service.parts.blobs.path(change.diff)
        except BlobMissing as error:
            raise Problem(503, "not-here", "The change of the task is not here", str(error)) from error
        data = await trio.to_thread.run_sync(path.read_bytes)
        words = models.Words(
            title=request.title or beginning(change.title, 200), message=request.message or beginning(change.summary, 8_000),
            kind=request.kind,
            project_id=change.project_id,
        )  # fmt: skip
        return await self._say(
            words, Source(data, change.repository, change.base, task_id=change.task_id), None, caller
        )

    def _given(self, inline: str, staged: str) -> bytes:
        return self.staging.read(staged) if staged else decoded(inline, "diff")

    def _own(self, patch_id: str) -> Revision:
        """The newest revision of a patch of this peer. Raises :class:`Problem`."""
        seen = self._service.look(self._service.acting.find(patch_id.upper()))
        if seen.revision.author != self._service.parts.me:
            raise Problem(
                403, "not-yours", "Only its author makes a new revision of a patch", "Make a patch of your own."
            )
        if seen.state in ("applied", "void"):
            raise Problem(409, "ended", f"The patch is {seen.state}", "Make a new patch.")
        return seen.revision

    # ── saying ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _say(
        self, words: models.Words, source: Source, before: Revision | None, caller: Any
    ) -> models.PatchView:  # fmt: skip
        parts = self._service.parts
        files = _parsed(source.data)
        found = await self._secrets(source.data, files)
        if found:
            raise Problem(
                422, "secrets", "The diff carries secrets, so no patch was made",
                "Take these lines out, and make sure that the secrets are not in use any more.",
                {f"{one.file}:{one.line}": "looks like a secret" for one in found},
            )  # fmt: skip
        data = {
            "patch_id": before.message.patch_id if before else ulid(parts.clock.wall(), parts.entropy.bytes(10)),
            "revision": before.message.revision + 1 if before else 0, "supersedes": before.hash if before else None,
            "title": words.title, "message": words.message, "kind": words.kind, "project_id": words.project_id,
            "repository": source.repository, "base": source.base, "base_version": source.base_version, "address": source.address,
            "size": len(source.data), "files": _named(files), "file_count": len(files),
            "added": sum(one.added for one in files), "removed": sum(one.removed for one in files),
            "task_id": source.task_id, "on_behalf_of": person_of(self._service.parts.kind, caller), "diff": "sha256:" + "0" * 64,
        }  # fmt: skip
        _fits(data)
        info = await parts.blobs.put_bytes(source.data)
        await parts.blobs.replicate([info.digest])
        entry = await self._service.acting.say("patch_created", {**data, "diff": info.digest}, words.project_id)
        return self._service.view_of((entry.author, str(data["patch_id"])))

    async def _secrets(self, data: bytes, files: list[FileDiff]) -> list[models.SecretLine]:
        if len(data) <= INLINE_BYTES:
            return secrets.found(data, files, self._service.parts.redact)
        return await trio.to_thread.run_sync(secrets.found, data, files, self._service.parts.redact)


def _parsed(data: bytes) -> list[FileDiff]:
    try:
        return parse(data)
    except BadDiff as error:
        raise invalid({"diff": str(error)}, "The diff is not taken") from error


def _named(files: list[FileDiff]) -> list[list[Any]]:
    """The first files, as many as a message has room for; there is room for one always."""
    found: list[list[Any]] = []
    room = NAMES_BYTES
    for one in files[:MOST_NAMED]:
        room -= len(one.path.encode())
        if room < 0 and found:
            break
        found.append([one.path, one.added, one.removed])
    return found


def _fits(data: dict[str, Any]) -> None:
    """By the rules of the message, before anything is kept. Raises :class:`Problem`."""
    try:
        PatchCreated.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "patch"
        raise invalid({where: first["msg"].removeprefix("Value error, ")}) from error
