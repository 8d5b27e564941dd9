"""Sessions as callers see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from chorus_tui.contract.models import collab as models
from chorus_tui.contract.models.journal import Delivery
from chorus_tui.engine.collab import rules
from chorus_tui.engine.collab.book import Book, Session
from chorus_tui.engine.collab.parts import Parts
from chorus_tui.engine.collab.presence import Presence
from chorus_tui.engine.collab.rules import Key, Word
from chorus_tui.engine.collab.texts import Live, Texts

MOST_CHAT = 200


class Views:
    """Of one peer."""

    def __init__(
        self, parts: Parts, book: Book, texts: Texts, presence: Presence, kind: Callable[[str], Literal["agent", "human"]]
    ) -> None:  # fmt: skip
        self._parts = parts
        self._book = book
        self._texts = texts
        self._presence = presence
        self._kind = kind

    def row(self, session: Session) -> models.CollabRow:
        """A session in a line."""
        began, end, me = session.opening, self._texts.end(session), self._parts.me
        assert began is not None
        here = self._presence.present(session.session)
        return models.CollabRow(
            session=session.session, title=began.said.title, state="ended" if end else "open", owner=began.author,
            owner_name=self._parts.control.name(began.author), since=began.order[0] / 1000, last_at=session.last_ms / 1000,
            updates=len(session.updates), people=len(here), may_write=self._texts.may_write(session, me),
            invited=self.invited(session), outcome=end.said.outcome if end else "", reference=end.said.reference if end else "",
        )  # fmt: skip

    def invited(self, session: Session) -> bool:
        """Whether this peer is asked to take part, by its id or its role, and has not answered."""
        if session.owner in ("", self._parts.me) or self._parts.me in session.answers or self._texts.end(session):
            return False
        peers, roles, _ = rules.invitations(session.openings.values())
        named = self._parts.me in peers or bool(roles)
        return named and self._texts.may_write(session, self._parts.me)

    def rows(self, which: str, limit: int) -> list[models.CollabRow]:
        """Open ones first, then the newest."""
        found = [self.row(one) for one in self._book.sessions.values() if one.opening is not None]
        found = [row for row in found if which in ("all", row.state)]
        return sorted(found, key=lambda row: (row.state, -row.last_at, row.session))[:limit]

    def show(self, session: Session, live: Live) -> models.CollabView:
        """All of it."""
        began, end = session.opening, self._texts.end(session)
        assert began is not None
        peers, roles, is_open = rules.invitations(session.openings.values())
        late = [one for key, one in session.updates.items() if not rules.in_time(key, end)]
        return models.CollabView(
            row=self.row(session), purpose=began.said.purpose, base=began.said.base, roles=sorted(roles), open=is_open,
            participants=self.participants(session, peers), chat=self._chat(session), text=live.document.text,
            saved=live.outbox.saved, held_by=self.held_by(live), waiting=live.document.waiting, refused=live.document.refused,
            late=len(late), incomplete=live.incomplete,
        )  # fmt: skip

    def held_by(self, live: Live) -> int | None:
        """How many others hold the last own update."""
        last = live.outbox.last
        return None if last is None else self._parts.journal.delivery(last).held_by

    def participants(self, session: Session, invited: frozenset[str] | None = None) -> list[models.Participant]:
        """Who is there now first, then who wrote or is invited."""
        invited = rules.invitations(session.openings.values())[0] if invited is None else invited
        here = self._presence.present(session.session)
        wrote = {one.writer for one in session.updates.values()}
        everybody = sorted({*here, *wrote, *invited, *session.answers, session.owner})
        found = [self._participant(session, peer, everybody, here) for peer in everybody if peer]
        return sorted(found, key=lambda one: (not one.here, one.name, one.peer_id))

    def _participant(self, session: Session, peer: str, everybody: list[str], here: list[str]) -> models.Participant:
        cursor, answer = self._presence.cursor(session.session, peer), session.answers.get(peer)
        answered: Literal["", "joined", "declined"] = "" if answer is None else "joined" if answer[1] else "declined"
        return models.Participant(
            peer_id=peer, name=self._parts.control.name(peer), kind=self._kind(peer), here=peer in here, answered=answered,
            color=rules.color(peer, everybody), cursor=cursor.cursor if cursor else None, anchor=cursor.anchor if cursor else None,
            is_self=peer == self._parts.me,
        )  # fmt: skip

    def _chat(self, session: Session) -> list[models.ChatLine]:
        return [self._line(word) for word in rules.in_order(session.chat.values())[-MOST_CHAT:]]

    def _line(self, word: Word) -> models.ChatLine:
        return models.ChatLine(
            author=word.author, author_name=self._parts.control.name(word.author), kind=self._kind(word.author),
            on_behalf_of=word.said.on_behalf_of, text=word.said.text, at=word.order[0] / 1000, delivery=self._delivery(word.key),
        )  # fmt: skip

    def _delivery(self, key: Key) -> Delivery | None:
        """How far an own word got; None for others'."""
        entry = self._parts.journal.get(*key) if key[0] == self._parts.me else None
        return None if entry is None else self._parts.journal.delivery(entry)
