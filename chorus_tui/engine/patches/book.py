"""The book of patches: a fold over feeds and control logs. Pure; the order in which feeds arrive changes nothing."""

from __future__ import annotations

from typing import Any

from chorus_tui.engine.control.interface import ControlEntry, Member
from chorus_tui.engine.control.membership import Roster
from chorus_tui.engine.patches.facts import Key, Patch, Revision
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import Message
from chorus_tui.engine.protocol.messages.context import SlurpEventGenerated
from chorus_tui.engine.protocol.messages.patches import PatchCreated, PatchReview, PatchState
from chorus_tui.engine.protocol.said import Said


class Book:
    """Every patch that is known here."""

    types = frozenset({"patch_created", "patch_review", "patch_state", "slurp_event_generated"})

    def __init__(self) -> None:
        self.doubted: dict[tuple[str, str], int] = {}
        """Feeds (author, epoch) whose author said two things under one number: nothing from there on counts."""
        self._rosters: dict[str, Roster] = {}
        self._left: dict[str, dict[str, Member]] = {}
        """By mesh: everybody who ever was a member, as it was last."""
        self.reset()

    def reset(self) -> None:
        """Forget what peers said."""
        self.patches: dict[Key, Patch] = {}
        self._of_revision: dict[str, Key] = {}
        self._waiting: dict[str, list[Said[Any]]] = {}
        """What was said of revisions that are not here yet, by their hash."""
        self.events: set[str] = set()
        """Entries of which those who remember for the mesh were told."""

    # ── what peers said ────────────────────────────────────────────────────────────────────────────────────────────

    def apply(self, entry: Entry, message: Message) -> Patch | None:
        """One feed entry; the patch it concerns, if that is known."""
        if isinstance(message, SlurpEventGenerated):
            self.events.add(message.event_id)
            return None
        if isinstance(message, PatchCreated):
            return self._created(Said.of(entry, message))
        if isinstance(message, PatchReview | PatchState):
            return self._said(Said.of(entry, message))
        return None

    def _created(self, revision: Revision) -> Patch:
        key = (revision.author, revision.message.patch_id)
        patch = self.patches.setdefault(key, Patch(key))
        patch.revisions[revision.hash] = revision
        self._of_revision[revision.hash] = key
        for said in self._waiting.pop(revision.hash, []):
            self._said(said)
        return patch

    def _said(self, said: Said[Any]) -> Patch | None:
        key = self._of_revision.get(said.message.patch)
        if key is None:
            self._waiting.setdefault(said.message.patch, []).append(said)
            return None
        patch = self.patches[key]
        if isinstance(said.message, PatchReview):
            patch.reviews[said.hash] = said
        else:
            patch.words[said.hash] = said
        return patch

    def doubt(self, author: str, epoch: str, seq: int | None) -> None:
        """From ``seq`` on that feed does not count; None: all of it counts again."""
        if seq is None:
            self.doubted.pop((author, epoch), None)
        else:
            self.doubted[author, epoch] = seq

    def in_doubt(self, said: Said[Any]) -> bool:
        """Whether it stands in a feed that forked, behind the fork."""
        start = self.doubted.get((said.author, said.epoch))
        return start is not None and said.seq >= start

    # ── what the mesh decided ──────────────────────────────────────────────────────────────────────────────────────

    def decided(self, entry: ControlEntry) -> None:
        """One control entry: who belongs to the mesh."""
        roster = self._rosters.setdefault(entry.mesh_id, Roster())
        roster.apply(entry)
        self._left.setdefault(entry.mesh_id, {}).update(roster.members)

    def member(self, peer_id: str, mesh_id: str | None) -> Member | None:
        """As it is in this mesh, or was when it left it; else as another mesh had it: what it made outlives its membership."""
        here = self._left.get(mesh_id or "", {}).get(peer_id)
        others = (self._left[mesh][peer_id] for mesh in sorted(self._left) if peer_id in self._left[mesh])
        return here or next(others, None)

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

    def newest(self, patch: Patch) -> Revision:
        """The newest revision that counts; where all stand behind a fork, the newest of these."""
        counting = [one for one in patch.revisions.values() if not self.in_doubt(one)]
        return max(
            counting or patch.revisions.values(), key=lambda one: (one.message.revision, one.epoch, one.seq, one.hash)
        )

    def named(self, beginning: str) -> list[Patch]:
        """Patches whose id begins so."""
        return [patch for key, patch in sorted(self.patches.items()) if key[1].startswith(beginning)]
