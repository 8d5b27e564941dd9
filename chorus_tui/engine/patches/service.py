"""Patches at work: the book and the doors joined; nothing is decided here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import structlog
import trio

from chorus_tui.contract.models.patches import OPEN, PatchView
from chorus_tui.engine.bell import PAUSE_S, Bell
from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.journal.blobs.rules import Named
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.patches import views
from chorus_tui.engine.patches.acting import Acting
from chorus_tui.engine.patches.book import Book
from chorus_tui.engine.patches.context import ContextPatches
from chorus_tui.engine.patches.facts import Key, Patch, Word
from chorus_tui.engine.patches.inbox import PatchInbox
from chorus_tui.engine.patches.making import Making
from chorus_tui.engine.patches.parts import Parts
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import Message
from chorus_tui.engine.shhh.cutting import beginning

log = structlog.get_logger("chorus.patches")

LOOK_S = 1.0
GENERAL = "general"
"""Where what belongs to no project is remembered."""


class PatchService:
    """Folds feeds and control log into the book; answers; tells clients, and those who remember for the mesh."""

    types = Book.types

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.book = Book()
        self.acting = Acting(self)
        self.making = Making(self)
        self.context = ContextPatches(self)
        self.inbox = PatchInbox(self)
        self._changed: dict[Key, None] = {}
        self._shown: dict[Key, views.Row] = {}
        self._live = False
        self._tick = Bell()
        parts.journal.fold(self)
        parts.journal.on_doubt(self._doubt)
        parts.control.fold(_Decided(self))
        parts.control.on_change(self._touch_all)

    # ── folds ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def apply(self, entry: Entry, message: Message) -> None:
        """The journal's fold."""
        patch = self.book.apply(entry, message)
        if patch is not None and self._live:
            self._changed[patch.key] = None
            self._tick.ring()

    def reset(self) -> None:
        """The journal's fold begins anew."""
        self.book.reset()
        self._touch_all()

    def _doubt(self, author: str, epoch: str, seq: int | None) -> None:
        self.book.doubt(author, epoch, seq)
        self._touch_all()

    def _touch_all(self) -> None:
        if self._live:
            self._changed |= dict.fromkeys([*self.book.patches, *self._shown])
            self._tick.ring()

    # ── life ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled; the folds were replayed before. Votes are another feature's: they are looked at every second."""
        self._live = True
        task_status.started()
        while True:
            await self._tick.rung(LOOK_S, PAUSE_S)
            changed = {**self._changed, **{key: None for key, row in self._shown.items() if row.state in OPEN}}
            if len(self._shown) < len(self.book.patches):
                changed |= dict.fromkeys(self.book.patches)
            self._changed = {}
            for key in changed:
                self._tell(key)
            await self._remember()

    def _tell(self, key: Key) -> None:
        patch = self.book.patches.get(key)
        if patch is None:
            if self._shown.pop(key, None) is not None:
                self.parts.events.publish("patches", "/".join(key), None)
            return
        row, before = self.row(patch), self._shown.get(key)
        if before == row:
            return
        self._shown[key] = row
        self.parts.events.publish("patches", row.key, row.model_dump())
        if before is not None and before.state != row.state:
            line = {
                "at": self.parts.clock.wall(), "level": "info", "peer": row.author, "task_id": "",
                "text": f"The patch “{row.title}” is {row.state.replace('_', ' ')}",
            }  # fmt: skip
            self.parts.events.publish("log", None, line)

    async def _remember(self) -> None:
        """Of what this peer has applied, those who remember for the mesh are told, once; after a crash by the next life."""
        for patch in list(self.book.patches.values()):
            for word in list(patch.words.values()):
                mine = word.author == self.parts.me and word.message.state == "applied"
                if mine and word.hash not in self.book.events and not self.book.in_doubt(word):
                    await self._remember_one(patch, word)

    async def _remember_one(self, patch: Patch, word: Word) -> None:
        said = patch.revisions[word.message.patch].message
        data = {
            "event_id": word.hash, "event_type": "patch", "discussion_id": said.patch_id,
            "context_path": f"{said.project_id or GENERAL}/patches/{said.patch_id}",
            "consensus": beginning(f"{said.title} (applied: {', '.join(one.path for one in said.files[:8])})", 4_000),
            "tags": ["patch", said.kind], "sources": [said.address] if said.address else [], "task_id": said.task_id,
            "participants": sorted({patch.key[0], *(one.author for one in patch.reviews.values())})[:32],
        }  # fmt: skip
        try:
            await self.parts.journal.say("slurp_event_generated", data)
        except Refused as error:
            log.warning("⚠️ An applied patch is remembered later", patch=said.patch_id, reason=str(error))

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

    def around(self) -> views.Surroundings:
        """What views need to know, as it is now."""
        parts = self.parts
        return views.Surroundings(parts.me, self.book, parts.control, parts.ballots, parts.journal, parts.blobs)

    def look(self, patch: Patch) -> views.Looked:
        """How a patch stands."""
        return views.look(patch, self.around())

    def row(self, patch: Patch) -> views.Row:
        """One line of the queue."""
        return views.row(patch, self.around())

    def view_of(self, key: Key) -> PatchView:
        """All of one patch."""
        return views.view(self.book.patches[key], self.around())

    def named_blobs(self) -> Iterator[Named]:
        """Diffs that somebody may still want: of patches that are open, and of those that were applied."""
        for patch in self.book.patches.values():
            seen = self.look(patch)
            if seen.state in OPEN or seen.state == "applied":
                said = seen.revision.message
                makers = frozenset({patch.key[0], *seen.verdicts})
                yield Named(said.diff, said.size, makers, record=True, why=f"diff of patch {said.patch_id}")

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """The operations of this feature."""
        making = self.making
        return {
            "patches.create": making.create, "patches.from_task": making.from_task, "patches.preview": making.preview,
            "patches.stage": making.stage, "patches.write": self.context.write, **self.acting.handlers(),
        }  # fmt: skip


class _Decided:
    """The service as a fold of the control log (the journal's fold has the same method name)."""

    def __init__(self, service: PatchService) -> None:
        self._service = service

    def apply(self, entry: ControlEntry) -> None:
        self._service.book.decided(entry)
