"""How a session ends: its text, as the entries tell it, becomes content under an address, a patch, or nothing.

What counts is named entry by entry, so that every peer has the same text of the end, whatever reaches it later.
"""

from __future__ import annotations

import hashlib

import trio

from chorus_tui.contract.models.collab import EndCollab
from chorus_tui.contract.models.patches import MOST_CONTENT
from chorus_tui.contract.problem import Problem, invalid
from chorus_tui.contract.ucxl import LATEST, Address, InvalidAddress, parse
from chorus_tui.engine.collab import rules
from chorus_tui.engine.collab.book import Book, Session
from chorus_tui.engine.collab.parts import Parts
from chorus_tui.engine.collab.texts import Texts
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.ucxl.interface import ContentError

SETTLES = 10
"""So many half seconds the end waits for what was just typed elsewhere to be saved there and to come here."""


class Ending:
    """Of one peer."""

    def __init__(self, parts: Parts, book: Book, texts: Texts) -> None:
        self._parts = parts
        self._book = book
        self._texts = texts
        self._under_way: set[str] = set()

    async def end(self, session: Session, request: EndCollab, person: str) -> None:
        """End it, once: what it becomes is made by one call at a time. Raises :class:`Problem`; then it goes on."""
        self._may(session)
        if session.session in self._under_way:
            raise Problem(409, "ending", "The session is being ended", "Another call ends it just now.")
        self._under_way.add(session.session)
        try:
            await self._end(session.session, request, person)
        finally:
            self._under_way.discard(session.session)

    async def _end(self, session_id: str, request: EndCollab, person: str) -> None:
        session = self._book.session(session_id)
        address = self._address(session, request)
        await self._texts.save(await self._texts.open(session))
        text, covers = await self._settled(session_id)
        session = self._book.session(session_id)
        self._may(session)
        reference = await self._made(session, request, address, text)
        self._may(self._book.session(session_id), reference)
        data = {
            "session": session_id, "outcome": request.outcome, "reference": reference, "covers": covers,
            "text_hash": hashlib.sha256(text.encode()).hexdigest(), "on_behalf_of": person,
        }  # fmt: skip
        try:
            await self._parts.journal.say("collab_ended", data)
        except Refused as error:
            raise Problem(409, "not-ended", "The session was not ended", str(error)) from error

    def _may(self, session: Session, reference: str = "") -> None:
        """``reference``: what was made of it before another's end was heard."""
        end = self._texts.end(session)
        if end is not None:
            name = self._parts.control.name(end.author)
            if reference:
                kept = f"{name} ended it meanwhile, and that counts. What was made of it here stays: {reference}."
                raise Problem(409, "ended", "The session has ended otherwise", kept)
            raise Problem(409, "ended", "The session has ended", f"{name} ended it; begin another from its text.")
        if session.owner != self._parts.me and not self._texts.is_master(self._parts.me):
            owner = self._parts.control.name(session.owner)
            raise Problem(403, "authority", "The session goes on", f"{owner}, who began it, can end it, or a master.")

    def _address(self, session: Session, request: EndCollab) -> Address | None:
        """Where its text goes."""
        began = session.opening
        raw = request.address or (began.said.base if began is not None else "")
        if request.outcome == "nothing":
            return None
        if not raw:
            raise invalid({"address": "an address is needed, as ucxl://agent:role@project:task/*^/path"})
        try:
            address = parse(raw)
        except InvalidAddress as error:
            raise invalid({"address": str(error)}) from error
        if not address.concrete:
            raise invalid({"address": "a wildcard names many places; name one"})
        if self._sealed(address):
            why = "Its next version would be read by everybody, and the document only by some. Name another address."
            raise Problem(409, "sealed", "The session goes on: a sealed document is there", why)
        return address if request.address else address.of(LATEST)

    def _sealed(self, address: Address) -> bool:
        """Whether one of the newest versions of a place, those that no other follows, is."""
        versions = self._parts.contents.versions(address) if self._parts.contents is not None else []
        followed = {parent for version in versions for parent in version.parents}
        return any(version.sealed and version.entry not in followed for version in versions)

    async def _settled(self, session_id: str) -> tuple[str, dict[str, int]]:
        """The text of the entries, once all that is on the screen here is among them, or the time is over."""
        for _ in range(SETTLES):
            session = self._book.session(session_id)
            live = await self._texts.open(session)
            if self._texts.settled(session)[0].text == live.document.text:
                break
            await trio.sleep(0.5)
        document, used = self._texts.settled(self._book.session(session_id))
        return document.text, rules.covers(key for one in used for key in one.keys)

    async def _made(self, session: Session, request: EndCollab, address: Address | None, text: str) -> str:
        """What it became, as a reference."""
        began = session.opening
        assert began is not None
        title = request.title or began.said.title
        if request.outcome == "nothing":
            return ""
        assert address is not None
        if request.outcome == "patch":
            return await self._patch(address, text, title)
        if self._parts.contents is None:
            raise Problem(503, "no-contents", "The session goes on", "This engine keeps no content under addresses.")
        same = bool(began.said.base_entry) and parse(began.said.base).place == address.place
        try:
            version = await self._parts.contents.put(
                address, text.encode(), parents=[began.said.base_entry] if same else None, description=title,
            )  # fmt: skip
        except ContentError as error:
            raise Problem(409, "not-kept", "The session goes on: its text was not kept", str(error)) from error
        return f"{version.place}"

    async def _patch(self, address: Address, text: str, title: str) -> str:
        """Of the document at ``address``; what it says now is for the patch to compare with."""
        if self._parts.make_patch is None:
            raise Problem(
                503,
                "no-patches",
                "The session goes on",
                "This engine makes no patches; end it as content or as nothing.",
            )
        if len(text) > MOST_CONTENT:
            limit = f"a patch of a document has at most {MOST_CONTENT} characters, and this text has {len(text)}; end it as content"
            raise invalid({"outcome": limit}, "The session goes on")
        return await self._parts.make_patch(str(address), text, title)
