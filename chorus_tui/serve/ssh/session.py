"""One guest's session: a channel, a portal on it, and an orderly end whatever happens to either.

Who he is was settled by his key before this begins. A session is a pseudo-terminal with the portal and nothing else: no shell, no
command, no subsystem, no environment beyond four names.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import asyncssh
import structlog

from chorus_tui.contract.models.portals import PortalGuest
from chorus_tui.serve.ssh.app import SSHPortal
from chorus_tui.serve.ssh.authorized import AuthorizedKey
from chorus_tui.serve.ssh.driver import Line
from chorus_tui.serve.ssh.terminal import RESET, Environment, terminal

if TYPE_CHECKING:
    from chorus_tui.client import EngineClient, Progress
    from chorus_tui.serve.ssh.house import House

log = structlog.get_logger("serve.ssh")

UNREAD_BYTES: Final = 64 << 10
"""What waits for a client that does not read; beyond it nothing is kept for it."""
FAREWELL_S: Final = 3.0
"""How long a session that was asked to end may take, before its channel is taken from it."""
PARTING_S: Final = 5.0
"""How long a client may take to close a channel that was closed here; then its connection is cut."""
NO_TERMINAL: Final = "The portal needs a terminal. Connect without a command; with -tt where there is none.\r\n"


class Session(asyncssh.SSHServerSession[bytes]):
    """Of ``guest``, who comes from ``address`` (host and port)."""

    def __init__(self, guest: AuthorizedKey, address: str, house: House) -> None:
        self.guest = guest
        self.address = address
        self.since = time.time()
        self._opened = time.monotonic()
        self._house = house
        self._environment = Environment()
        self._kind = ""
        self._size = (0, 0)
        self._why = ""
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None
        self._line: Line | None = None
        self._app: SSHPortal | None = None
        self._task: asyncio.Task[None] | None = None
        self._over: asyncio.TimerHandle | None = None
        self._cut: asyncio.TimerHandle | None = None

    # ── what the client asks for ───────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, chan: Any) -> None:
        """The channel is open; what is sent as environment goes where only four names fit."""
        self._channel = chan
        chan._env = self._environment  # noqa: SLF001 - asyncssh keeps whatever is sent, without a bound
        chan.set_write_buffer_limits(high=UNREAD_BYTES)

    def pty_requested(
        self, term_type: str, term_size: tuple[int, int, int, int], term_modes: Mapping[int, int]
    ) -> bool:
        """The terminal that is drawn on."""
        self._kind, self._size = term_type or "xterm", (term_size[0], term_size[1])
        return True

    def shell_requested(self) -> bool:
        """The portal, under the only name that clients have for it; not on a channel that is being closed."""
        return self._cut is None

    def exec_requested(self, command: str) -> bool:
        """Nothing is run here."""
        log.info("🚫 A command was refused", person=self.guest.person, address=self.address)
        return False

    def subsystem_requested(self, subsystem: str) -> bool:
        """No files: neither sftp nor another subsystem."""
        log.info("🚫 A subsystem was refused", person=self.guest.person, address=self.address)
        return False

    def session_started(self) -> None:
        """Now it may be written to."""
        assert self._channel is not None
        if not self._kind:
            self._channel.write(NO_TERMINAL.encode())
            self._close(2)
            return
        self._line = Line(self._channel, self._size, self.end)
        self._task = asyncio.get_running_loop().create_task(self._run(self._line))

    # ── what happens on the channel ────────────────────────────────────────────────────────────────────────────────

    def data_received(self, data: bytes, datatype: Any) -> None:
        """Keys; those from before the first paint are for nobody."""
        if self._line is not None and self._line.driver is not None:
            self._line.driver.feed(data)

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        """The window has another size."""
        if self._line is not None:
            self._line.resize(width, height)

    def pause_writing(self) -> None:
        """The client does not read."""
        if self._line is not None:
            self._line.pause()

    def resume_writing(self) -> None:
        """It reads again."""
        if self._line is not None:
            self._line.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone, with or without a word."""
        if self._line is not None:
            self._line.open = False
        self._channel = None
        if self._cut is not None:
            self._cut.cancel()
        self.end("")
        self._house.gone(self)

    # ── the portal on it ───────────────────────────────────────────────────────────────────────────────────────────

    @property
    def row(self) -> PortalGuest:
        """For the register."""
        return PortalGuest(person=self.guest.person, scope=self.guest.scope, address=self.address, since=self.since)

    @property
    def quiet_s(self) -> float:
        """Seconds since something was typed."""
        return 0.0 if self._line is None else time.monotonic() - self._line.last_typed

    @property
    def waits_s(self) -> float:
        """Seconds since the channel was opened, while no shell was asked for on it; then 0."""
        return time.monotonic() - self._opened if self._task is None else 0.0

    def end(self, why: str) -> None:
        """Ask it to end, and tell its person why. What a screen still has for the engine is given to it first."""
        self._why = self._why or why
        if self._task is None:
            self._close(1)
            return
        if self._task.done() or self._over is not None:
            return
        self._over = asyncio.get_running_loop().call_later(FAREWELL_S, self._task.cancel)
        if self._app is None or not self._app.is_running:
            self._task.cancel()
        else:
            self._app.call_later(self._app.take_leave)

    async def finished(self) -> None:
        """Return when nothing of it is left."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, line: Line) -> None:
        clients: list[EngineClient] = []

        async def connect(progress: Progress) -> EngineClient:
            client = await self._house.reception.client(self.guest, progress)
            clients.append(client)
            return client

        where = terminal(self._kind, self._environment.text())
        self._app = app = SSHPortal(connect, line, where, self._house.pace, self.guest)
        try:
            await app.run_async()
        finally:
            self._say_farewell(line, app.error_id)
            code = 1 if app.error_id else 0
            self._app = None
            if self._over is not None:
                self._over.cancel()
            for client in clients:
                await self._house.reception.leave(client)
            self._close(code)

    def _say_farewell(self, line: Line, error_id: str) -> None:
        """The terminal as it was, whatever the portal managed, and a line that says why."""
        why = f"The portal has failed. Tell whoever runs it: error {error_id}" if error_id else self._why
        line.write(RESET + (f"{why}\r\n" if why else ""))

    def _close(self, code: int) -> None:
        """Its place is free when the client has closed the channel too, which it is not trusted to do."""
        if self._channel is None or self._cut is not None:
            return
        self._cut = asyncio.get_running_loop().call_later(PARTING_S, self._channel.get_extra_info("connection").abort)
        with contextlib.suppress(OSError):
            self._channel.exit(code)
