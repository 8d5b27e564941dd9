"""All sessions as this peer knows them: a fold of the feeds, the same whatever the order of arrival.

It holds who said what and where it stands, not the texts: updates are named by their entries, and read when a text is wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from chorus_tui.engine.collab import rules
from chorus_tui.engine.collab.rules import Ending, Key, Opening, Order, Word
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import Message
from chorus_tui.engine.protocol.messages.collab import (
    CollabAnswer,
    CollabChat,
    CollabEnded,
    CollabSession,
    CollabSnapshot,
    CollabUpdate,
)


@dataclass(frozen=True, slots=True)
class Update:
    """One whole update, by the entries that its pieces are in. ``writer`` wrote it; ``author`` says so, mostly the same. ``size`` in
    bytes."""

    author: str
    writer: str
    keys: tuple[Key, ...]
    size: int
    at_ms: int

    @property
    def last(self) -> Key:
        """The entry with which it is whole."""
        return self.keys[-1]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A whole state that somebody made."""

    author: str
    order: Order
    said: CollabSnapshot


@dataclass(slots=True)
class Session:
    """A set of facts about one session: no order of arrival is kept."""

    session: str
    may_begin: Callable[[str], bool] = lambda _author: True
    """Whether a peer's openings count, as far as is known now."""
    openings: dict[str, Opening] = field(default_factory=dict)
    endings: dict[str, Ending] = field(default_factory=dict)
    chat: dict[str, Word] = field(default_factory=dict)
    answers: dict[str, tuple[Order, bool]] = field(default_factory=dict)
    updates: dict[Key, Update] = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    last_ms: int = 0
    changes: int = 0
    """Counts what was heard of it."""
    _pieces: dict[tuple[str, str], tuple[str, list[Key], int]] = field(default_factory=dict)
    """By author and epoch, of an update that is not whole yet: its group, its entries so far, and its size."""

    @property
    def opening(self) -> Opening | None:
        """What began it."""
        return rules.first(one for one in self.openings.values() if self.may_begin(one.author))

    @property
    def owner(self) -> str:
        """Who began it; empty while nobody is known to have."""
        began = self.opening
        return began.author if began is not None else ""

    def piece(self, key: Key, said: CollabUpdate, at_ms: int) -> Update | None:
        """One more piece; the update that it makes whole. Pieces of one author come in order; a beginning ends what came before."""
        where = key[:2]
        size = len(said.update) * 3 // 4
        group, keys, before = self._pieces.pop(where, ("", [], 0))
        if said.piece == 0:
            group, keys, before = said.group, [], 0
        if group != said.group or len(keys) != said.piece:
            return None
        keys = [*keys, key]
        if len(keys) < said.pieces:
            self._pieces[where] = (group, keys, before + size)
            return None
        update = Update(key[0], said.of or key[0], tuple(keys), before + size, at_ms)
        self.updates[key] = update
        return update


class Book:
    """Of one peer."""

    types = frozenset(
        {"collab_session", "collab_update", "collab_snapshot", "collab_chat", "collab_answer", "collab_ended"}
    )

    def __init__(self, may_begin: Callable[[str], bool] = lambda _author: True) -> None:
        self._may_begin = may_begin
        self.on_update: Callable[[Session, Update], None] = lambda _session, _update: None
        self.on_word: Callable[[Session, Word], None] = lambda _session, _word: None
        self.on_reset: Callable[[], None] = lambda: None
        self.sessions: dict[str, Session] = {}
        self.changed: set[str] = set()

    def reset(self) -> None:
        """The journal's fold begins anew."""
        self.changed |= self.sessions.keys()
        self.sessions = {}
        self.on_reset()

    def session(self, session_id: str) -> Session:
        """The session, empty when nothing was heard of it."""
        if session_id not in self.sessions:
            self.sessions[session_id] = Session(session_id, self._may_begin)
        return self.sessions[session_id]

    def apply(self, entry: Entry, message: Message) -> None:
        """The journal's fold. What is said on another session's topic than it names counts in neither; nobody begins a session under an
        id that is another's."""
        at_ms, tick = (int(part) for part in entry.header.hlc.split(":")[:2])
        session_id = str(getattr(message, "session", ""))
        if isinstance(message, CollabUpdate | CollabSnapshot | CollabChat) and entry.header.topic != topics.collab(
            session_id
        ):
            return
        if isinstance(message, CollabSession) and not rules.begun_by(session_id, entry.author):
            return
        session, order = self.session(session_id), (at_ms, tick, entry.hash)
        session.changes += 1
        self._apply(session, entry, message, order)
        session.last_ms = max(session.last_ms, at_ms)
        self.changed.add(session_id)

    def _apply(self, session: Session, entry: Entry, message: Message, order: Order) -> None:
        author = entry.author
        if isinstance(message, CollabSession):
            session.openings[entry.hash] = Opening(author, order, message)
        elif isinstance(message, CollabUpdate):
            update = session.piece(entry.key, message, order[0])
            if update is not None:
                self.on_update(session, update)
        elif isinstance(message, CollabChat):
            word = session.chat[entry.hash] = Word(author, order, message, entry.key)
            self.on_word(session, word)
        elif isinstance(message, CollabAnswer):
            session.answers[author] = max(
                session.answers.get(author, (order, message.takes_part)), (order, message.takes_part)
            )
        elif isinstance(message, CollabEnded):
            session.endings[entry.hash] = Ending(author, order, message)
        elif isinstance(message, CollabSnapshot):
            session.snapshots[entry.hash] = Snapshot(author, order, message)
