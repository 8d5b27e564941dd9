"""What happens while a tab is open: keys go in, the screen comes out, and every end has a reason that the page shows."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, web
from aiohttp.client_exceptions import ClientError

from chorus_tui.client import EngineClient, EngineGone
from chorus_tui.contract.models.portals import PortalGuest, PortalScope
from chorus_tui.contract.problem import Problem
from chorus_tui.serve.credentials import Credentials
from chorus_tui.serve.web import rules
from chorus_tui.serve.web.rules import Limits
from chorus_tui.serve.web.tabs import Tab
from chorus_tui.serve.web.visits import Visit

END_S: Final = 8.0
"""More than an app has to leave, and its token to be voided."""
GOODBYE_S: Final = 2.0
"""What a guest who does not read gets of it."""
UNREAD_S: Final = 10.0
"""How long what was typed may wait for the app, which reads so many keys a second. Meanwhile nobody hears whether the page is closed."""
TOO_MUCH: Final = "More was typed than is read."
STOPPED: Final = "This portal was stopped where it is served."
LEFT: Final = "You have left the portal."
FAILED: Final = "The portal has failed. Open it again, and tell whoever runs it."


@dataclass(slots=True, eq=False)
class Session:
    """One tab that is open."""

    stream: web.WebSocketResponse
    guest: PortalGuest
    last_key: float
    over_at: float

    async def say_goodbye(self, why: str) -> None:
        """Close the stream with the reason, which is cut at what fits in a frame. Whoever does not read is not waited for."""
        with contextlib.suppress(ConnectionError, ClientError, RuntimeError, TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                await self.stream.close(code=WSCloseCode.GOING_AWAY, message=why.encode()[:120])


@dataclass(slots=True)
class Sessions:
    """All tabs of one server. ``changed`` is told whenever somebody comes or goes."""

    client: EngineClient
    data: Path
    scope: PortalScope
    root: str
    limits: Limits
    changed: Callable[[], None]
    credentials: Credentials = field(init=False)
    open: list[Session] = field(default_factory=list)
    _empty: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.credentials = Credentials("web", self.root)

    def guests(self) -> list[PortalGuest]:
        """Who is connected."""
        return [session.guest for session in self.open]

    async def run(self, stream: web.WebSocketResponse, visit: Visit, address: str, size: tuple[int, int]) -> None:
        """From the first byte to the last; ``stream`` is prepared."""
        person = visit.person or getpass.getuser()
        guest = PortalGuest(person=person, scope=self.scope, address=address, since=time.time())
        now = time.monotonic()
        session = Session(stream, guest, now, min(now + self.limits.visit_s, visit.ends))
        if len(self.open) >= self.limits.sessions:
            await session.say_goodbye(f"Only {self.limits.sessions} can be open at once here. Close another tab first.")
            return
        self.open.append(session)
        self._empty.clear()
        self.changed()
        why = LEFT
        try:
            why = await self._serve(session, visit, size)
        finally:
            self.open.remove(session)
            if not self.open:
                self._empty.set()
            self.changed()
            await session.say_goodbye(why)

    async def close(self) -> None:
        """Say it on every page, and wait until each has ended, for :data:`END_S` at most."""
        async with asyncio.TaskGroup() as group:
            for session in self.open:
                group.create_task(session.say_goodbye(STOPPED))
        if self.open:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(END_S):
                    await self._empty.wait()

    async def _serve(self, session: Session, visit: Visit, size: tuple[int, int]) -> str:
        """The reason of the end."""
        try:
            credential = await self.credentials.issue(self.client.call, visit.person, self.scope)
        except (EngineGone, Problem) as error:
            return f"The engine cannot be asked: {error}"

        async def leave() -> None:
            await session.say_goodbye(LEFT if tab.left else FAILED)

        tab = Tab(
            self.data, credential.secret, self.root, write_bytes=session.stream.send_bytes,
            write_str=session.stream.send_str, close=leave,
        )  # fmt: skip
        try:
            await tab.start(*size)
            return await self._listen(session, tab)
        finally:
            await tab.end()
            await self.credentials.void(self.client.call, credential)

    async def _listen(self, session: Session, tab: Tab) -> str:
        while True:
            rest = min(session.last_key + self.limits.idle_s, session.over_at) - time.monotonic()
            try:
                message = await session.stream.receive(max(rest, 0.001))
            except TimeoutError:
                if time.monotonic() >= session.over_at:
                    return "This visit has lasted as long as one may. Ask for another one-time URL."
                if time.monotonic() >= session.last_key + self.limits.idle_s:
                    return "Nobody has typed for long, so the portal was closed."
                continue
            if message.type is not WSMsgType.TEXT:
                return LEFT
            try:
                async with asyncio.timeout(UNREAD_S):
                    await self._take(session, tab, rules.read(message.data))
            except TimeoutError:
                return TOO_MUCH

    async def _take(self, session: Session, tab: Tab, said: rules.Said | None) -> None:
        match said.kind if said is not None else "":
            case "keys":
                session.last_key = time.monotonic()
                await tab.send_bytes(said.text.encode())  # type: ignore[union-attr]  # it has a kind, so it is one
            case "size":
                await tab.set_terminal_size(*said.size)  # type: ignore[union-attr]  # as above
            case "focus":
                await tab.focus()
            case "blur":
                await tab.blur()
            case "ping":
                await session.stream.send_json(["pong", said.ping])  # type: ignore[union-attr]  # as above
