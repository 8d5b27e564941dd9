"""Everybody who is here: the sessions of this process, the places they take, the line in the register, and when they have to go."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from chorus_tui.contract.models.portals import ServedPortal
from chorus_tui.serve.credentials import LONGEST_S
from chorus_tui.serve.register import Register
from chorus_tui.serve.ssh.authorized import Authorized, AuthorizedKey
from chorus_tui.serve.ssh.keys import KeyFile
from chorus_tui.serve.ssh.limits import Limits, Places, pace
from chorus_tui.serve.ssh.reception import Reception
from chorus_tui.serve.ssh.session import Session

log = structlog.get_logger("serve.ssh")

ROUND_S: Final = 1.0
"""How often it is looked who has to go."""
STAY_S: Final = LONGEST_S - 300.0
"""A session ends before its token does."""
CHANGED: Final = "Your key may no longer do what it could when you came. Connect again if it still may."


class Visitor(Protocol):
    """A connection that has logged in as ``guest``, from ``address`` (host and port); its sessions have that address too."""

    guest: AuthorizedKey | None
    address: str

    def dismiss(self, why: str) -> None:
        """End it."""
        ...


class House:
    """The sessions of one server. ``changed`` is called when somebody has come or gone."""

    def __init__(self, reception: Reception, keys: KeyFile, limits: Limits) -> None:
        self.reception = reception
        self.keys = keys
        self.limits = limits
        self.changed: Callable[[], None] = lambda: None
        self._places = Places(limits)
        self._sessions: set[Session] = set()
        self._visitors: set[Visitor] = set()
        self._told = ""

    def enter(self, visitor: Visitor) -> str:
        """A connection has logged in. Why it may not stay, or an empty text."""
        assert visitor.guest is not None
        same = sum(one.guest is not None and one.guest.blob == visitor.guest.blob for one in self._visitors)
        if same >= self.limits.connections:
            return f"{same} connections of this key are open; close one of them"
        self._visitors.add(visitor)
        return ""

    def leave(self, visitor: Visitor) -> None:
        """Its connection is closed."""
        self._visitors.discard(visitor)

    def admit(self, guest: AuthorizedKey, address: str, host: str) -> Session | str:
        """A new session, or why there is none. A connection may be older than what the file says now."""
        if not _may(self.keys.now(), guest):
            log.warning("🚫 A session was refused", person=guest.person, address=address, why=CHANGED)
            return CHANGED
        session = Session(guest, address, self)
        refused = self._places.take(id(session), guest.fingerprint, host)
        if refused:
            log.warning("🚫 A session was refused", person=guest.person, address=address, why=refused)
            return refused
        self._sessions.add(session)
        log.info(
            "👋 A guest has come", person=guest.person, scope=guest.scope, address=address, sessions=len(self._sessions)
        )
        self.changed()
        return session

    def gone(self, session: Session) -> None:
        """Its channel is closed."""
        self._places.leave(id(session))
        if session in self._sessions:
            self._sessions.discard(session)
            log.info(
                "👋 A guest has gone",
                person=session.guest.person,
                address=session.address,
                sessions=len(self._sessions),
            )
            self.changed()

    def pace(self) -> float:
        """Repaints a second that each session may make now."""
        return pace(len(self._sessions))

    def tell(self, portal: ServedPortal, register: Register) -> None:
        """Write who is here. A register that cannot be written stops nobody."""
        guests = sorted((session.row for session in self._sessions), key=lambda row: row.since)
        try:
            register.tell(portal.model_copy(update={"guests": guests}))
        except OSError as error:
            log.warning("⚠️ The register of portals cannot be written", reason=error.strerror or str(error))

    async def look_round(self) -> None:
        """For ever: end the sessions of keys that may no longer, of who is quiet for too long, and of who has stayed for a day."""
        while True:
            await asyncio.sleep(ROUND_S)
            held = self.keys.now()
            self._tell_faults()
            for session in list(self._sessions):
                self._look_at(session, held)
            # A session reads why first; a connection without one has nothing to wait for.
            busy = {session.address for session in self._sessions}
            for visitor in list(self._visitors):
                if visitor.address not in busy and visitor.guest is not None and not _may(held, visitor.guest):
                    visitor.dismiss(CHANGED)

    def _look_at(self, session: Session, held: Authorized) -> None:
        if not _may(held, session.guest):
            session.end(CHANGED)
        elif self.limits.idle_s and session.quiet_s > self.limits.idle_s:
            session.end(f"Nothing was typed for {self.limits.idle_s / 60:g} minutes.")
        elif time.time() - session.since > STAY_S:
            session.end("A session lasts a day at most. Connect again.")
        elif session.waits_s > self.limits.login_s:
            session.end("No shell was asked for.")

    def _tell_faults(self) -> None:
        """Once each time they change."""
        faults = "; ".join([*filter(None, [self.keys.trouble]), *map(str, self.keys.now().faults)])
        if faults and faults != self._told:
            log.warning("⚠️ Keys that open nothing", file=str(self.keys.path), faults=faults)
        self._told = faults

    async def close(self, why: str) -> None:
        """Everybody goes, told why, with his terminal as it was."""
        going = list(self._sessions)
        for session in going:
            session.end(why)
        await asyncio.gather(*(session.finished() for session in going))


def _may(held: Authorized, guest: AuthorizedKey) -> bool:
    """Whether the key of ``guest`` still is that person's, with that scope."""
    now = held.find(guest.blob)
    return now is not None and (now.person, now.scope) == (guest.person, guest.scope)


def portal(address: str, identity: str) -> ServedPortal:
    """What this process tells of itself."""
    return ServedPortal(kind="ssh", pid=os.getpid(), address=address, since=time.time(), identity=identity)
