"""Writing: redacted, sealed, stored, brought to others, and only then told of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import trio

from chorus_tui.contract.ucxl import Address
from chorus_tui.engine.control.interface import NoMesh
from chorus_tui.engine.journal.flow import OverQuota
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages.ucxl import MOST_PARENTS, MOST_SIZE
from chorus_tui.engine.ucxl.book import Book
from chorus_tui.engine.ucxl.interface import Conflict, Forbidden, NotFound, Unprocessable
from chorus_tui.engine.ucxl.parts import Parts
from chorus_tui.engine.vault.interface import CannotSeal

SMALL = 256 * 1024
"""Up to so many bytes redaction and sealing are done at once; more goes to a thread."""
COPIES = 2
BRING_S = 5.0


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be written. ``parents`` None: it follows all newest versions held here; else, unless ``sibling``, it is refused
    when there are newer ones than these. ``fresh``: refused when the place has content."""

    address: Address
    content: bytes
    media_type: str = "text/plain"
    readers: tuple[str, ...] = ()
    parents: tuple[str, ...] | None = None
    sibling: bool = False
    fresh: bool = False
    description: str = ""
    tags: tuple[str, ...] = ()
    on_behalf_of: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """The entry that tells of it; whether something was taken out of the content first; who holds its bytes besides this peer."""

    entry: Entry
    redacted: bool = False
    held_by: int = 0
    reachable: int = field(default=0)


class Storing:
    """Of one peer."""

    def __init__(self, parts: Parts, book: Book) -> None:
        self._parts = parts
        self._book = book

    async def put(self, draft: Draft) -> Written:
        """A new version. Raises :class:`~chorus_tui.engine.ucxl.interface.ContentError`, :class:`NoMesh` and :class:`OverQuota`."""
        self._check(draft.address)
        if len(draft.content) > MOST_SIZE:
            raise Unprocessable(f"It is {len(draft.content)} bytes long; content has at most {MOST_SIZE // 2**20} MiB")
        self._parents(draft)
        clean = await _aside(len(draft.content), self._clean, draft.content)
        stored = clean
        if draft.readers:
            try:
                stored = await _aside(len(clean), self._parts.vault.seal_file, clean, draft.readers)
            except CannotSeal as error:
                raise Unprocessable(f"It cannot be sealed to {', '.join(draft.readers)}: {error}") from error
        info = await self._parts.blobs.put_bytes(stored)
        copies = await self._parts.blobs.replicate([info.digest], COPIES, BRING_S)
        data = {
            "place": draft.address.place, "digest": info.digest, "size": info.size, "media_type": draft.media_type,
            "readers": list(draft.readers), "description": draft.description, "tags": list(draft.tags),
            "on_behalf_of": draft.on_behalf_of,
        }  # fmt: skip
        # Only now: what came while the bytes were brought to others is followed, or conflicts, too.
        entry = await self._say({**data, "parents": self._parents(draft)})
        return Written(entry, clean != draft.content, copies.held_by, copies.reachable)

    async def remove(self, address: Address, description: str = "", on_behalf_of: str = "") -> Written:
        """A tombstone after all newest versions. Raises as :meth:`put`, and :class:`NotFound` when there is nothing."""
        self._check(address)
        if not self._book.live(address.place):
            why = "it was removed already" if self._book.last(address.place) else "nothing is known of it here"
            raise NotFound(f"{address.place} has no content to remove: {why}")
        parents = self._book.heads(address.place)[-MOST_PARENTS:]
        data = {"place": address.place, "tombstone": True, "parents": parents, "description": description}
        return Written(await self._say({**data, "on_behalf_of": on_behalf_of}))

    # ── may it be written ──────────────────────────────────────────────────────────────────────────────────────────

    def _check(self, address: Address) -> None:
        control = self._parts.control
        if not address.concrete:
            raise Unprocessable(f"{address} names no single thing to write: agent, role, project, task and a path")
        if address.temporal.kind != "latest":
            raise Unprocessable(f"Earlier versions are not written over; write to the latest one: {address.place}")
        if control.mesh_id is None:
            raise NoMesh(f"There is no mesh to write in yet. {control.detail}".strip())
        if not control.may(self._parts.me, "propose"):
            raise Forbidden(
                "This peer may only read: its authority in the mesh does not suffice; a master grants it more"
            )

    def _parents(self, draft: Draft) -> list[str]:
        """What it follows. Raises :class:`Conflict`."""
        place = draft.address.place
        if draft.fresh and self._book.live(place):
            raise Conflict(f"{place} has content already; write a version of it instead (PUT)")
        newest = self._book.heads(place)
        if draft.parents is None:
            return newest[-MOST_PARENTS:]
        unseen = [entry for entry in newest if entry not in draft.parents]
        if unseen and not draft.sibling:
            raise Conflict(
                f"{place} was written meanwhile: {len(unseen)} newer than the version yours follows. Compare them, or keep both by "
                "writing yours as a sibling"
            )
        known = {told.entry for told in self._book.order(place)}
        return [entry for entry in draft.parents if entry in known][:MOST_PARENTS]

    # ── parts of it ────────────────────────────────────────────────────────────────────────────────────────────────

    def _clean(self, content: bytes) -> bytes:
        """Text without secrets; what is no text is stored as it is."""
        text = as_text(content)
        return content if text is None else self._parts.redact(text).encode()

    async def _say(self, data: dict[str, Any]) -> Entry:
        try:
            return await self._parts.journal.say("ucxl_version", data)
        except OverQuota:
            raise
        except Refused as error:
            raise Unprocessable(str(error)) from error


def as_text(content: bytes) -> str | None:
    """Content as text; None when it is none."""
    if b"\0" in content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


async def _aside(size: int, work: Any, content: bytes, readers: Sequence[str] | None = None) -> bytes:
    """``work`` at once when that is quick, else in a thread."""
    arguments = (content,) if readers is None else (content, readers)
    if size <= SMALL:
        done: bytes = work(*arguments)
        return done
    return bytes(await trio.to_thread.run_sync(work, *arguments))
