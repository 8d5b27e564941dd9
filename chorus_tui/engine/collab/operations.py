"""What callers can ask of shared texts: look, begin, join, write, talk, end. Errors name the field and the way out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from chorus_tui.contract.models import collab as models
from chorus_tui.contract.models.common import Empty
from chorus_tui.contract.problem import Problem, invalid, not_found
from chorus_tui.contract.ucxl import InvalidAddress, parse
from chorus_tui.engine.behalf import person
from chorus_tui.engine.collab import edits, rules, update
from chorus_tui.engine.collab.book import Session
from chorus_tui.engine.collab.document import TooLong
from chorus_tui.engine.collab.presence import Cursor, Here
from chorus_tui.engine.collab.texts import Live
from chorus_tui.engine.journal.flow import OverQuota
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.messages.collab import decode, encode
from chorus_tui.engine.ucxl.interface import ContentError

if TYPE_CHECKING:
    from chorus_tui.engine.collab.service import CollabService


class Operations:
    """Of one peer's shared texts."""

    def __init__(self, service: CollabService) -> None:
        self._service = service
        self._parts = service.parts
        self._texts = service.texts

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """By operation name."""
        return {
            "collab.list": self.sessions, "collab.new": self.new, "collab.join": self.join, "collab.leave": self.leave,
            "collab.show": self.show, "collab.sync": self.sync, "collab.edit": self.edit, "collab.chat": self.chat,
            "collab.presence": self.presence, "collab.invite": self.invite, "collab.end": self.end,
        }  # fmt: skip

    # ── looking ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def sessions(self, request: models.ListCollabs, _caller: Any) -> models.CollabList:
        """Open ones first, then the newest."""
        return models.CollabList(collabs=self._service.views.rows(request.which, request.limit))

    async def show(self, request: models.SessionRef, _caller: Any) -> models.CollabView:
        """One session with its text."""
        return await self._view(self._find(request.session))

    async def _view(self, session: Session) -> models.CollabView:
        return self._service.views.show(session, await self._texts.open(session))

    def _find(self, name: str) -> Session:
        sessions = self._service.book.sessions
        found = [one for key, one in sessions.items() if key.startswith(name.upper()) and one.opening is not None]
        if not found:
            raise not_found("session", name, "'chorus-tui collab list' shows all")
        if len(found) > 1:
            raise invalid({"session": f"{len(found)} sessions begin so; give more of the id"})
        return found[0]

    # ── beginning and inviting ─────────────────────────────────────────────────────────────────────────────────────

    async def new(self, request: models.NewCollab, caller: Any) -> models.CollabView:
        """Begin one; with an address it begins with what is there."""
        self._member()
        if request.base and request.text:
            raise invalid({"text": "it begins with what is at the address, or with this text, not with both"})
        invited = [self._peer(name) for name in request.invited]
        base, entry, text = await self._base(request)
        session_id = self._fresh_id()
        await self._say(
            "collab_session",
            {
                "session": session_id, "title": request.title, "purpose": request.purpose, "base": base, "base_entry": entry,
                "invited": invited, "roles": request.roles, "open": not (invited or request.roles), "on_behalf_of": person(caller),
            },
        )  # fmt: skip
        session = self._service.book.session(session_id)
        live = await self._texts.open(session)
        if text:
            await self._write(session, live, [models.TextEdit(at=0, insert=text)])
            await self._texts.save(live)
        return await self._view(session)

    def _fresh_id(self) -> str:
        """Of this millisecond, or of the next in which nothing was begun here. It is taken at once."""
        book, at = self._service.book, self._parts.clock.wall()
        while (found := rules.session_id(self._parts.me, at)) in book.sessions:
            at += 0.001
        return book.session(found).session

    async def _base(self, request: models.NewCollab) -> tuple[str, str, str]:
        """(place, entry of the version, text) of what it begins with: the place alone is where it can end again."""
        if not request.base:
            return "", "", request.text
        if self._parts.contents is None:
            raise Problem(
                503, "no-contents", "The session was not begun", "This engine keeps no content under addresses."
            )
        try:
            address = parse(request.base)
            version, content = await self._parts.contents.get(address)
            if version.sealed:
                why = "A shared text is read by everybody, and this document only by some. Write a new version instead."
                raise Problem(409, "sealed", "No shared text begins with a sealed document", why)
            return version.place, version.entry, content.decode()
        except (InvalidAddress, ContentError) as error:
            raise invalid({"base": str(error)}) from error
        except UnicodeDecodeError as error:
            raise invalid({"base": "what is there is no text"}) from error

    def _peer(self, name: str) -> str:
        """A member by name or peer id."""
        members = self._parts.control.members
        found = [
            peer for peer, member in members.items() if name in (peer, member.agent_id, self._parts.control.name(peer))
        ]
        if len(found) != 1:
            raise invalid({"invited": f"{name}: {'no member' if not found else 'several members'} of that name"})
        return found[0]

    async def invite(self, request: models.InviteToCollab, caller: Any) -> models.CollabView:
        """More members or roles."""
        session = self._open(request.session)
        began = session.opening
        assert began is not None
        if session.owner != self._parts.me:
            owner = self._parts.control.name(session.owner)
            raise Problem(403, "not-yours", "Nobody was invited", f"Only {owner}, who began it, invites.")
        if not (request.invited or request.roles or request.open):
            raise invalid({"invited": "name members or roles"})
        said = began.said
        data = {
            "session": session.session, "title": said.title, "purpose": said.purpose, "base": said.base,
            "base_entry": said.base_entry, "invited": [self._peer(name) for name in request.invited],
            "roles": request.roles, "open": request.open, "on_behalf_of": person(caller),
        }  # fmt: skip
        await self._say("collab_session", data)
        return await self._view(session)

    # ── taking part ────────────────────────────────────────────────────────────────────────────────────────────────

    async def join(self, request: models.JoinCollab, _caller: Any) -> models.Joined:
        """Take part: the text, and a client id for this copy of it."""
        session = self._find(request.session)
        writes = self._texts.end(session) is None and self._may_write(session)
        if writes:
            self._service.presence.stay(session.session)
            await self._service.presence.listen(
                session.session
            )  # before the text is read: what is typed from now on is heard
        live = await self._texts.open(session)
        if writes:
            answer = session.answers.get(self._parts.me)
            if session.owner != self._parts.me and not (answer is not None and answer[1]):
                await self._service.answer_invitation(session.session, takes_part=True)
        client = update.client_of(self._parts.me, self._parts.entropy.bytes(4))
        return models.Joined(
            client_id=client, update=encode(live.document.whole()), view=self._service.views.show(session, live)
        )

    async def leave(self, request: models.SessionRef, _caller: Any) -> Empty:
        """Take no part any more; what was written is saved first."""
        session = self._find(request.session)
        await self._texts.save(await self._texts.open(session))
        self._service.presence.leave(session.session)
        return Empty()

    async def presence(self, request: models.ShowPresence, _caller: Any) -> Empty:
        """Where the cursor is."""
        session = self._find(request.session)
        self._service.presence.stay(session.session)
        self._place(session, request.cursor, request.anchor)
        if self._may_write(session):
            await self._service.presence.tell(session.session)
        return Empty()

    def _place(self, session: Session, cursor: int, anchor: int) -> None:
        here = self._service.presence.sessions.setdefault(session.session, Here())
        here.mine = Cursor(self._parts.clock.monotonic(), cursor, anchor)

    async def chat(self, request: models.ChatInCollab, caller: Any) -> models.CollabView:
        """A word beside the text."""
        session = self._open(request.session)
        self._needs_right(session)
        data = {"session": session.session, "text": request.text, "on_behalf_of": person(caller)}
        await self._say("collab_chat", data, topic=topics.collab(session.session))
        return await self._view(session)

    async def speak(self, session: Session, text: str, answers: str) -> None:
        """An agent's word, said by itself, in answer to another's."""
        data = {"session": session.session, "text": text, "by_itself": True, "answers": answers}
        await self._parts.journal.say("collab_chat", data, topic=topics.collab(session.session))

    # ── writing ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def sync(self, request: models.SyncCollab, _caller: Any) -> models.Synced:
        """A copy's own updates come in, what it lacks goes out."""
        session = self._find(request.session)
        live, ended = await self._texts.open(session), self._texts.end(session) is not None
        took, redacted = True, False
        try:
            state = decode(request.state_vector)
            if request.update and not ended:
                self._needs_right(session)
                self._service.presence.stay(session.session)
                took, redacted = await self._take(session, live, decode(request.update))
            missing = live.document.missing(state)
        except ValueError as error:
            raise invalid({"update": str(error)}) from error
        return models.Synced(
            update=encode(missing), state_vector=encode(live.document.state), took=took and not (ended and request.update),
            redacted=redacted, saved=live.outbox.saved, held_by=self._service.views.held_by(live),
            state="ended" if ended else "open",
        )  # fmt: skip

    async def _take(self, session: Session, live: Live, raw: bytes) -> tuple[bool, bool]:
        """Whether a copy's update is in the text now, and whether something was taken out of it."""
        try:
            done = live.document.take_own(self._parts.me, raw, self._parts.redact)
        except TooLong as error:
            raise invalid({"update": str(error)}) from error
        if done is None:
            return False, False
        await self._spread(session, live, done.updates)
        return True, done.redacted

    async def _spread(self, session: Session, live: Live, made: list[bytes]) -> None:
        """What was written here: kept, to the screens here, and at once to those elsewhere. All of it is kept before anything is
        waited for: a caller that goes away in between takes nothing with it."""
        for raw in made:
            self._texts.keep(live, raw)
            self._texts.tell(session.session, raw)
        for raw in made:
            if self._service.presence.takes_part(session.session):
                await self._service.presence.tell(session.session, raw)

    async def edit(self, request: models.EditCollab, _caller: Any) -> models.Edited:
        """A program's edits on the present text."""
        session = self._open(request.session)
        self._needs_right(session)
        live = await self._texts.open(session)
        edited = await self._write(session, live, request.edits)
        await self._texts.save(live)
        return edited

    async def write(self, session: Session, wanted: list[models.TextEdit]) -> models.Edited:
        """An agent's edits. Raises :class:`Refused` when it may not write, or not any more."""
        if self._texts.end(session) is not None or not self._may_write(session):
            raise Refused("The session has ended, or this peer may not write in it")
        return await self._write(session, await self._texts.open(session), wanted)

    async def _write(self, session: Session, live: Live, wanted: list[models.TextEdit]) -> models.Edited:
        found, misfits = edits.placed(live.document.text, wanted)
        redacted = False
        if found:
            try:
                done = live.document.write(found, self._parts.redact)
            except TooLong as error:
                raise invalid({"edits": str(error)}) from error
            redacted = done.redacted
            await self._spread(session, live, done.updates)
        applied = len(wanted) - len(misfits)
        return models.Edited(applied=applied, not_applicable=misfits, redacted=redacted, length=len(live.document.text))

    async def end(self, request: models.EndCollab, caller: Any) -> models.CollabView:
        """As content, a patch, or nothing."""
        session = self._find(request.session)
        await self._service.ending.end(session, request, person(caller))
        return await self._view(session)

    # ── rights ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _open(self, name: str) -> Session:
        session = self._find(name)
        end = self._texts.end(session)
        if end is not None:
            by = self._parts.control.name(end.author)
            raise Problem(409, "ended", "The session has ended", f"{by} ended it; begin another from its text.")
        return session

    def _member(self) -> None:
        if self._parts.control.mesh_id is None:
            raise Problem(
                503,
                "no-mesh",
                "Nothing was done",
                f"This peer belongs to no mesh yet. {self._parts.control.detail}".strip(),
            )
        if not self._parts.control.may(self._parts.me, "propose"):
            raise Problem(403, "authority", "Nothing was done", "This peer may only read; a master grants it more.")

    def _may_write(self, session: Session) -> bool:
        return self._parts.control.may(self._parts.me, "propose") and self._texts.may_write(session, self._parts.me)

    def _needs_right(self, session: Session) -> None:
        self._member()
        if not self._texts.may_write(session, self._parts.me):
            owner = self._parts.control.name(session.owner)
            raise Problem(
                403, "not-invited", "Nothing was written", f"{owner}, who began it, has not invited this peer."
            )

    async def _say(self, type_: str, data: dict[str, Any], topic: str | None = None) -> None:
        try:
            await self._parts.journal.say(type_, data, topic=topic)
        except OverQuota:
            raise
        except Refused as error:
            raise invalid({"title" if type_ == "collab_session" else "text": str(error)}) from error
