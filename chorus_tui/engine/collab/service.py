"""Shared texts at work: folds what is said, hears what is typed, saves what is written here, and shows it all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import structlog
import trio

from chorus_tui.contract.models.collab import CollabEvent
from chorus_tui.engine.bell import Bell, pause
from chorus_tui.engine.collab import rules, update
from chorus_tui.engine.collab.book import Book, Session, Update
from chorus_tui.engine.collab.ending import Ending
from chorus_tui.engine.collab.inbox_items import Invitations
from chorus_tui.engine.collab.operations import Operations
from chorus_tui.engine.collab.participant import Participant
from chorus_tui.engine.collab.parts import Parts
from chorus_tui.engine.collab.presence import Presence
from chorus_tui.engine.collab.texts import Live, Texts
from chorus_tui.engine.collab.update import BadUpdate
from chorus_tui.engine.collab.views import Views
from chorus_tui.engine.control import entries
from chorus_tui.engine.control.grants import Grants
from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.journal.blobs.rules import Named
from chorus_tui.engine.journal.database import StoreError
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.messages import Message
from chorus_tui.engine.protocol.messages.collab import MOST_STATE, CollabEdit, decode, encode

log = structlog.get_logger("chorus.collab")

ROUND_S = 1.0
PAUSE_S = 0.1
SAVE_EVERY_S = 0.5
LISTENS_MS = 30 * 60 * 1000
"""So long after the last word or update an agent listens to a session live."""


class Kinds:
    """Who is a person, by the control logs; it holds for those that have left."""

    def __init__(self) -> None:
        self.people: set[str] = set()

    def apply(self, entry: ControlEntry) -> None:
        """The control log's fold."""
        member = entry.data.get({entries.FOUNDED: "founder", entries.MEMBER_ADDED: "member"}.get(entry.type, ""))
        if isinstance(member, dict) and member.get("kind") == "human":
            self.people.add(str(member.get("peer_id")))


class CollabService:
    """Of one peer."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.grants = Grants()
        self.book = Book(self.grants.could_propose)
        self.kinds = Kinds()
        self.presence = Presence(parts)
        self.texts = Texts(parts, self.book, self.grants)
        self.texts.wake = self._changed
        self.views = Views(
            parts, self.book, self.texts, self.presence, lambda peer: "human" if peer in self.kinds.people else "agent"
        )
        self.ending = Ending(parts, self.book, self.texts)
        self.operations = Operations(self)
        self.inbox = Invitations(self)
        self._participant: Participant | None = None
        if parts.voice is not None:
            self._participant = Participant(
                parts,
                parts.voice,
                self._may_ask,
                self.book.session,
                self.read,
                self.operations.write,
                self.operations.speak,
            )
            self.book.on_word = self._participant.heard
        self._shown: dict[str, dict[str, Any]] = {}
        self._present: dict[str, list[dict[str, Any]]] = {}
        self._granted = 0
        self._wake = Bell()
        parts.control.fold(self.grants)
        parts.control.fold(self.kinds)
        parts.control.on_change(self._changed)
        parts.journal.fold(self)
        parts.journal.on_fleeting("collab_edit", self._heard)

    types = Book.types

    def apply(self, entry: Any, message: Message) -> None:
        """The journal's fold."""
        self.book.apply(entry, message)
        self._wake.ring()

    def reset(self) -> None:
        """The journal's fold begins anew."""
        self.book.reset()
        self._wake.ring()

    def _changed(self) -> None:
        self._wake.ring()

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """The operations of this feature."""
        return self.operations.handlers()

    def named_blobs(self) -> Iterator[Named]:
        """The newest snapshot of each open session is kept by every member."""
        for session in self.book.sessions.values():
            newest = max(session.snapshots.values(), key=lambda one: one.order, default=None)
            if newest is not None and self.texts.end(session) is None and self.texts.may_write(session, newest.author):
                said = newest.said
                yield Named(said.digest, said.size, frozenset(), record=True, why=f"snapshot of session {said.session}")

    def _may_ask(self, session: Session, peer: str) -> bool:
        """Whether an agent does what a peer asks for: a person who might write it here now."""
        person = peer in self.kinds.people and self.parts.control.may(peer, "propose")
        return person and self.texts.may_write(session, peer)

    async def read(self, session: Session) -> str:
        """Its text now."""
        return (await self.texts.open(session)).document.text

    # ── hearing ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _heard(self, author: str, message: Message, topic: str) -> None:
        """What somebody types just now."""
        if not isinstance(message, CollabEdit) or topic != topics.collab(message.session):
            return
        session = self.book.sessions.get(message.session)
        if session is None or session.opening is None:
            return
        self.presence.heard(author, message)
        live = self.texts.live.get(message.session)
        open_ = live is not None and not live.stale and self.texts.end(session) is None
        if message.update and live is not None and open_ and self.texts.may_write(session, author):
            self.texts.hear(live, author, decode(message.update))
        self._wake.ring()

    # ── life ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled; what was written and not saved is saved on the way out."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._save)
                if self._participant is not None:
                    nursery.start_soon(self._participant.run)
                task_status.started()
                while True:
                    await self._wake.rung(ROUND_S, PAUSE_S)
                    await self._round()
        finally:
            with trio.move_on_after(2.0) as scope:
                scope.shield = True
                await self._save_all()

    async def _save(self) -> None:
        while True:
            await self.texts.save_due()
            await pause(SAVE_EVERY_S)

    async def _save_all(self) -> None:
        for live in list(self.texts.live.values()):
            try:
                await self.texts.save(live)
            except StoreError as error:
                log.warning("⚠️ Part of a shared text could not be saved", session=live.session, reason=str(error))

    async def _round(self) -> None:
        changed, self.book.changed = self.book.changed, set()
        if self._granted != self.grants.changes:
            self._granted = self.grants.changes
            changed |= self.book.sessions.keys()  # who may write, and which end counts, may be others now
        for session_id in list(self.presence.sessions):
            if self.parts.events.wanted(f"collab:{session_id}"):
                self.presence.stay(session_id)
        self._publish(changed)
        if self.parts.control.mesh_id is None:
            return
        self.texts.complete_again()
        await self._keep_up(changed)
        try:
            await self._take_part()
            await self.presence.follow()
            await self._save_for_others()
            await self._snapshots()
        except Refused as error:
            log.warning("⚠️ Something was not said about a shared text", reason=str(error))

    async def _keep_up(self, changed: set[str]) -> None:
        """Texts that are followed hold to what the entries now say; those who follow are told."""
        for session_id, live in list(self.texts.live.items()):
            session = self.book.sessions.get(session_id)
            if session is None or session.opening is None or not (live.stale or session_id in changed):
                continue
            again = await self.texts.open(session)
            if again is not live:
                self.texts.tell(session_id, again.document.whole())
            self._tell_changed(session_id)

    def _tell_changed(self, session_id: str) -> None:
        self.parts.events.publish(f"collab:{session_id}", None, CollabEvent(kind="changed").model_dump(mode="json"))

    def _publish(self, changed: set[str]) -> None:
        """Rows that changed, and who is there."""
        for session_id in sorted({*changed, *self.presence.sessions}):
            session = self.book.sessions.get(session_id)
            if session is None or session.opening is None:
                if self._shown.pop(session_id, None) is not None:
                    self.parts.events.publish("collabs", session_id, None)
                continue
            row = self.views.row(session).model_dump(mode="json")
            if self._shown.get(session_id) != row:
                self._shown[session_id] = row
                self.parts.events.publish("collabs", session_id, row)
            self.tell_presence(session)

    def tell_presence(self, session: Session) -> None:
        """To the screens that follow, when it changed."""
        found = self.views.participants(session)
        plain = [one.model_dump(mode="json") for one in found]
        if self._present.get(session.session) != plain:
            self._present[session.session] = plain
            event = CollabEvent(kind="presence", participants=found)
            self.parts.events.publish(f"collab:{session.session}", None, event.model_dump(mode="json"))

    # ── an agent's part ────────────────────────────────────────────────────────────────────────────────────────────

    async def _take_part(self) -> None:
        """An agent that can speak joins where it is invited, and listens while something happens there."""
        if self._participant is None:
            return
        now_ms = self.parts.clock.wall() * 1000
        for session in list(self.book.sessions.values()):
            if session.opening is None or self.texts.end(session) is not None:
                continue
            if self.views.invited(session):
                await self.answer_invitation(session.session, takes_part=True)
            joined = session.answers.get(self.parts.me)
            if joined is not None and joined[1] and now_ms - session.last_ms < LISTENS_MS:
                self.presence.stay(session.session)
                await self.texts.open(session)

    async def answer_invitation(self, session_id: str, *, takes_part: bool) -> None:
        """Say whether one takes part."""
        await self.parts.journal.say("collab_answer", {"session": session_id, "takes_part": takes_part})

    async def _save_for_others(self) -> None:
        """What somebody typed and did not come to save, where this peer takes part."""
        for live in list(self.texts.live.values()):
            session, present = self.book.sessions.get(live.session), self.presence.present(live.session)
            if session is not None and self.parts.me in present and self.texts.end(session) is None and not live.stale:
                await self.texts.save_for(live, present.index(self.parts.me))

    # ── snapshots ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _snapshots(self) -> None:
        """The first of those that are there makes them."""
        for live in list(self.texts.live.values()):
            session = self.book.sessions.get(live.session)
            if session is None or live.incomplete or live.stale or self.texts.end(session) is not None:
                continue
            present = self.presence.present(live.session)
            mine = present[:1] == [self.parts.me] and self.texts.may_write(session, self.parts.me)
            if mine and _due(session, self.texts.nameable(session)):
                await self._snapshot(session, live)

    async def _snapshot(self, session: Session, live: Live) -> None:
        """Of the entries alone: what is typed and not saved yet is not in it."""
        document, used = self.texts.settled(session)
        whole = document.whole()
        try:
            update.read(whole, update.MOST_STATE)
        except BadUpdate as error:
            log.info("No snapshot is made of this text", session=live.session, reason=str(error))
            return
        info = await self.parts.blobs.put_bytes(whole)
        await self.parts.blobs.replicate([info.digest], wait_s=1.0)
        state = encode(document.state)
        data = {
            "session": live.session, "digest": info.digest, "size": info.size, "state": state if len(state) <= MOST_STATE else "",
            "covers": rules.covers(key for one in used for key in one.keys),
        }  # fmt: skip
        await self.parts.journal.say("collab_snapshot", data, topic=topics.collab(live.session))


def _due(session: Session, updates: list[Update]) -> bool:
    """Whether enough has come since the newest snapshot."""
    newest = max(session.snapshots.values(), key=lambda one: one.order, default=None)
    covers = newest.said.covers if newest is not None else {}
    fresh = [one for one in updates if one.last[2] >= covers.get(one.last[1], 0)]
    return rules.snapshot_due(len(fresh), sum(one.size for one in fresh))
