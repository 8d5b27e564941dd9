"""The portal of one person at the other end of a channel. What goes wrong in it ends this session alone and tells nobody a secret."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable

import structlog
from rich.console import Console
from textual.filter import Monochrome

from chorus_tui.client import Connector
from chorus_tui.serve.bounds import GuestPortal
from chorus_tui.serve.ssh.authorized import AuthorizedKey
from chorus_tui.serve.ssh.driver import Line, SSHDriver
from chorus_tui.serve.ssh.terminal import Terminal

log = structlog.get_logger("serve.ssh")

SAVING_S = 1.5


class SSHPortal(GuestPortal):
    """:class:`~chorus_tui.serve.bounds.GuestPortal` on a :class:`~chorus_tui.serve.ssh.driver.Line`; ``pace`` gives repaints a second."""

    def __init__(
        self, connect: Connector, line: Line, terminal: Terminal, pace: Callable[[], float], guest: AuthorizedKey
    ) -> None:
        super().__init__(connect, read_only=guest.scope == "read")
        self.line = line
        self.guest = guest
        self.driver_class = SSHDriver
        self.animation_level = "none"
        self.error_id = ""
        """Of what ended this session, in the server's log; empty when nothing did."""
        self._pace = pace
        self._drawn = 0.0
        # Textual made one for the terminal of this process.
        self.console = Console(
            color_system=terminal.colours, file=self.console.file, markup=True, highlight=False, emoji=False, legacy_windows=False,
            _environ=terminal.environment, force_terminal=True, safe_box=False, soft_wrap=False,
        )  # fmt: skip
        self.error_console = Console(file=self.console.file)
        if terminal.monochrome:
            self.no_color = True
            self._filters.append(Monochrome())

    def on_ready(self) -> None:
        """Who he is here is told to whoever has just come: it is what stands in what he does."""
        may = {"read": "you can look, not act", "operate": "you can act", "admin": "you can do everything"}[
            self.guest.scope
        ]
        self.notify(f"You are {self.guest.person} here, with the scope {self.guest.scope}: {may}.", markup=False)

    async def take_leave(self) -> None:
        """End, once the engine has what was typed, or cannot have it within a moment."""
        if self.before_leaving is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SAVING_S):
                    await self.before_leaving()
        self.exit(0)

    def _draw(self) -> None:
        """No oftener than the number of sessions lets each of them."""
        now = time.monotonic()
        if now - self._drawn >= 1 / self._pace() - 0.01:
            self._drawn = now
            super()._draw()

    def _handle_exception(self, error: Exception) -> None:
        """The traceback is the server's affair, without values of variables: they may be anybody's secrets."""
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
            self.error_id = secrets.token_hex(4)
            log.error("❌ A session has failed", error_id=self.error_id, exc_info=error)
        self._close_messages_no_wait()

    def _print_error_renderables(self) -> None:
        """Nothing is printed on the server's terminal."""
        self._exit_renderables.clear()
