"""Context patches: changes of documents of the mesh. They are reviewed as any other, and applied by writing a new version.

A diff is read by every member, so a document that is sealed to some of them cannot be patched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chorus_tui.contract.diff import FileDiff, parse
from chorus_tui.contract.diff_text import DoesNotFit, patched, unified
from chorus_tui.contract.models import patches as models
from chorus_tui.contract.problem import Problem, invalid
from chorus_tui.contract.ucxl import Address, InvalidAddress, Temporal
from chorus_tui.contract.ucxl import parse as parsed_address
from chorus_tui.engine.patches.facts import Revision
from chorus_tui.engine.patches.making import Source
from chorus_tui.engine.ucxl.doors import as_problem
from chorus_tui.engine.ucxl.interface import ContentError, Contents, NotFound, Version

if TYPE_CHECKING:
    from chorus_tui.engine.patches.service import PatchService


class ContextPatches:
    """Of one peer."""

    def __init__(self, service: PatchService) -> None:
        self._service = service

    @property
    def _contents(self) -> Contents:
        contents = self._service.parts.contents
        if contents is None:
            raise Problem(503, "no-documents", "This peer has no documents", "Ask another one.")
        return contents

    # ── making ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def source(self, address: str, content: str) -> Source:
        """The diff from the newest version of a document to its new text. Raises :class:`Problem`."""
        place = _place(address)
        base, old = await self._newest(place)
        try:
            data = unified(place.path, old, content)
        except ValueError as error:
            raise invalid({"address": str(error)}) from error
        if not data:
            raise invalid({"content": "it is the text that the document has already"})
        return Source(data, "", base.entry if base else "", base.n if base else 0, str(place))

    async def _newest(self, place: Address) -> tuple[Version | None, str | None]:
        """The newest version of a document and its text; nothing where there is none. Raises :class:`Problem`."""
        try:
            version, data = await self._contents.get(place)
        except NotFound:
            return None, None
        except ContentError as error:
            raise as_problem(error) from error
        if version.sealed:
            text = "A diff is read by everybody, and this document only by some. Write a new version instead."
            raise Problem(409, "sealed", "A sealed document cannot be patched", text)
        try:
            return version, data.decode()
        except UnicodeDecodeError:
            raise Problem(409, "no-text", "The document is no text", "Write a new version instead.") from None

    # ── applying ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def write(self, request: models.WriteContext, caller: Any) -> models.Written:
        """Write the new version, or look whether it could be written. Raises :class:`Problem`."""
        service = self._service
        seen = service.look(service.acting.find(request.patch_id))
        said = seen.revision.message
        if said.kind != "context":
            raise Problem(
                409, "no-document", "The patch changes a repository", "Apply it there: chorus-tui patch apply."
            )
        service.acting.may_apply(seen)
        place = _place(said.address)
        newest, old = await self._newest(place)
        text = await self._made(seen.revision, place, newest, old)
        if newest is not None and old == text:
            version = newest  # written already, and not told of
        elif request.dry_run:
            return models.Written(
                patch=service.view_of(seen.patch.key), address=str(place), version=said.base_version + 1
            )
        else:
            version = await self._put(place, text, newest, seen.revision)
        if not request.dry_run:
            where = {"address": str(place), "version": version.n}
            await service.acting.tell(seen.revision, "applied", caller, where=where)
        return models.Written(
            patch=service.view_of(seen.patch.key), address=str(place), version=version.n, entry=version.entry
        )

    async def _made(self, revision: Revision, place: Address, newest: Version | None, old: str | None) -> str:
        """The new text. Raises :class:`Problem` where the newest version is another than it was made for, and not this text."""
        said = revision.message
        file = _one_file(await self._service.acting.diff_of(revision))
        try:
            fresh = patched(place.path, await self._base(revision, place), file)
        except DoesNotFit as error:
            raise Problem(409, "does-not-fit", "The patch does not fit the version it names", str(error)) from error
        siblings = bool(newest and newest.siblings)
        if old != fresh and (siblings or (newest.entry if newest else "") != said.base):
            made = f"version {said.base_version}" if said.base else "a new document"
            found = f"version {newest.n}" if newest else "no version at all"
            more = ", which another was written beside" if siblings else ""
            raise Problem(
                409, "conflict", "The document has changed since the patch was made",
                f"It was made for {made}; the newest is {found}{more}. Make a new revision of the newest text.",
                {"made_for": str(said.base_version), "newest": str(newest.n if newest else 0)},
            )  # fmt: skip
        return fresh

    async def _base(self, revision: Revision, place: Address) -> str:
        """The text that the patch was made for; of a new document none. Raises :class:`Problem`."""
        said = revision.message
        if not said.base:
            return ""
        found = [one for one in self._contents.versions(place) if one.entry == said.base]
        if not found:
            text = f"It was made for version {said.base_version}, which has not reached this peer."
            raise Problem(409, "conflict", "The version that the patch was made for is not here", text)
        try:
            _, data = await self._contents.get(place.of(Temporal("version", found[0].n)))
        except ContentError as error:
            raise as_problem(error) from error
        return data.decode("utf-8", "replace")

    async def _put(self, place: Address, text: str, newest: Version | None, revision: Revision) -> Version:
        said = revision.message
        try:
            return await self._contents.put(
                place, text.encode(), media_type=newest.media_type if newest else "text/plain",
                parents=[newest.entry] if newest else [], description=f"{said.title} (patch {said.patch_id})",
                tags=newest.tags if newest else (),
            )  # fmt: skip
        except ContentError as error:
            raise as_problem(error) from error


def _place(address: str) -> Address:
    """Raises :class:`Problem`."""
    try:
        place = parsed_address(parsed_address(address).place)
    except InvalidAddress as error:
        raise invalid({"address": str(error)}) from error
    if not place.concrete:
        raise invalid({"address": "name one document: no 'any', and a path"})
    return place


def _one_file(data: bytes) -> FileDiff:
    files = parse(data)
    if len(files) != 1 or files[0].binary or files[0].kind not in ("added", "changed"):
        raise Problem(409, "no-document", "The patch is not the change of one document", "It cannot be applied.")
    return files[0]
