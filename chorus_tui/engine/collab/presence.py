"""Who is there now and where their cursors are: fleeting, heard on the session's own topic, which is joined only while one takes part.

Topics are few, so a peer listens where a screen follows, or its agent takes part, and nowhere else.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any

from chorus_tui.engine.collab import rules
from chorus_tui.engine.collab.parts import Parts
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.mesh.interface import MeshError
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.messages.collab import PIECE, CollabEdit, encode

BEAT_S = 5.0
"""So often one says that one is still there."""
LINGER_S = 30.0
MOST_SESSIONS = 16


@dataclass(slots=True)
class Cursor:
    """Of somebody, as last heard: characters from the beginning."""

    at: float
    cursor: int = 0
    anchor: int = 0


@dataclass(slots=True)
class Here:
    """What is known of one session's presence."""

    cursors: dict[str, Cursor] = field(default_factory=dict)
    mine: Cursor | None = None
    until: float = 0.0
    beaten: float = float("-inf")


class Presence:
    """Of one peer."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.sessions: dict[str, Here] = {}
        self._joined: set[str] = set()

    def stay(self, session: str) -> None:
        """Take part for a while at least."""
        now = self._parts.clock.monotonic()
        here = self.sessions.setdefault(session, Here())
        here.until = now + LINGER_S
        if here.mine is None:
            here.mine = Cursor(now)

    def leave(self, session: str) -> None:
        """Take no part any more."""
        if session in self.sessions:
            self.sessions[session].until = 0.0

    def takes_part(self, session: str) -> bool:
        """Whether this peer does."""
        here = self.sessions.get(session)
        return here is not None and here.until > self._parts.clock.monotonic()

    def present(self, session: str) -> list[str]:
        """Who is there, in order of ids; this peer, too, if it is."""
        here = self.sessions.get(session)
        if here is None:
            return []
        now = self._parts.clock.monotonic()
        heard = {peer: cursor.at for peer, cursor in here.cursors.items()}
        return rules.present(heard | ({self._parts.me: now} if self.takes_part(session) else {}), now)

    def cursor(self, session: str, peer: str) -> Cursor | None:
        """Where somebody is; None: not there."""
        here = self.sessions.get(session)
        if here is None or peer not in self.present(session):
            return None
        return here.mine if peer == self._parts.me else here.cursors.get(peer)

    def heard(self, author: str, said: CollabEdit) -> None:
        """A fleeting word of another."""
        here = self.sessions.get(said.session)
        if here is None:
            return
        if said.leaves:
            here.cursors.pop(author, None)
        else:
            here.cursors[author] = Cursor(self._parts.clock.monotonic(), said.cursor, said.anchor)

    async def tell(self, session: str, update: bytes = b"", *, leaves: bool = False) -> None:
        """Say at once what was typed and where the cursor is. What is too large, or would not pass the redactor, comes saved."""
        here = self.sessions.get(session)
        mine = here.mine if here is not None else None
        text = encode(update) if len(update) <= PIECE else ""
        data: dict[str, Any] = {
            "session": session, "update": text if self._parts.redact(text) == text else "", "name": self._parts.agent_id,
            "cursor": mine.cursor if mine else 0, "anchor": mine.anchor if mine else 0, "leaves": leaves,
            "color": rules.color(self._parts.me, self.present(session)),
        }  # fmt: skip
        try:
            await self._parts.journal.whisper("collab_edit", data, topic=topics.collab(session))
        except Refused:
            return  # it comes saved
        if here is not None:
            here.beaten = self._parts.clock.monotonic()

    async def listen(self, session: str) -> None:
        """From now on hear what is typed. Where no room is left among the topics, what is saved comes all the same. Idempotent."""
        if session not in self._joined:
            with contextlib.suppress(MeshError):
                await self._parts.mesh.join(topics.collab(session))
                self._joined.add(session)

    async def follow(self) -> None:
        """Join and leave as is wanted now, and say that one is still there."""
        now = self._parts.clock.monotonic()
        wanted = [session for session, here in self.sessions.items() if here.until > now]
        wanted = sorted(wanted, key=lambda session: self.sessions[session].until, reverse=True)[:MOST_SESSIONS]
        for session in sorted(self._joined - set(wanted)):
            await self.tell(session, leaves=True)
            await self._parts.mesh.leave(topics.collab(session))
            self._joined.discard(session)
            self.sessions.pop(session, None)
        for session in wanted:
            await self.listen(session)
            if session in self._joined and now - self.sessions[session].beaten >= BEAT_S:
                await self.tell(session)
        for session in [one for one, here in self.sessions.items() if here.until <= now and one not in self._joined]:
            del self.sessions[session]
