"""A terminal at the other end of an SSH channel, as Textual drives one: no signals, no threads, no tty of this process.

Output to a reader that does not read is dropped, not heaped up; when it reads again all is painted anew. Input waits at the sender
when there is more of it than a person types. Nothing of it opens a browser or a file on the server.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import io
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Protocol, TextIO

from textual import events
from textual.driver import Driver
from textual.geometry import Size

from chorus_tui.serve.pastes import GuestParser
from chorus_tui.serve.ssh.limits import window
from chorus_tui.serve.ssh.terminal import RESET
from chorus_tui.serve.typed import Typing, cost

if TYPE_CHECKING:
    from pathlib import Path

    from textual.message import Message

SLICE: Final = 256
"""Bytes of input that are looked at before the budget is asked again."""
ESCAPE_S: Final = 0.1
"""A lone escape is the key, when nothing has followed it for so long."""
LONGEST_PASTE: Final = 1 << 20
"""Bytes that mean nothing: of a paste that was refused already, and still goes on."""

START: Final = "".join(
    f"\x1b[{code}"
    # 1002 and not 1003: motion only while a button is down, which is a tenth of the traffic and still selects text.
    for code in ("?1049h", "?25l", "?1004h", "?2004h", "?7l", "?1000h", "?1002h", "?1015h", "?1006h", ">25u", "?2026$p")
)


class Channel(Protocol):
    """What a driver needs of an SSH channel."""

    def write(self, data: bytes) -> None:
        """Send."""
        ...

    def pause_reading(self) -> None:
        """Let the client wait."""
        ...

    def resume_reading(self) -> None:
        """Let it go on."""
        ...


class SessionParser(GuestParser):
    """The stock method's cache would keep every ended session alive."""

    _parse_extended_key: Any = GuestParser._parse_extended_key.__wrapped__  # noqa: SLF001 - the cure is for that very method


class Line:
    """One session's channel, before, while and after an app draws on it. ``hang_up`` ends the session, with a word for its person."""

    def __init__(self, channel: Channel, size: tuple[int, int], hang_up: Callable[[str], None]) -> None:
        self.channel = channel
        self.size = window(*size)
        self.hang_up = hang_up
        self.driver: SSHDriver | None = None
        self.open = True
        self.paused = False
        self.last_typed = time.monotonic()

    def write(self, text: str) -> None:
        """Send, whatever the client does with it. A channel that was closed takes nothing, and that is no error."""
        if self.open:
            with contextlib.suppress(OSError):
                self.channel.write(text.encode("utf-8", "replace"))

    def resize(self, width: int, height: int) -> None:
        """The client's window has another size."""
        self.size = window(width, height)
        if self.driver is not None:
            self.driver.resized()

    def pause(self) -> None:
        """The client does not read."""
        self.paused = True

    def resume(self) -> None:
        """It reads again: what it missed is painted anew."""
        self.paused = False
        if self.driver is not None:
            self.driver.repaint()


class SSHDriver(Driver):
    """Draws on :attr:`line`, which the app has before it is run."""

    def __init__(
        self, app: Any, *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        line: Line = app.line
        super().__init__(app, debug=debug, mouse=mouse, size=size or line.size)
        self.line = line
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._parser = SessionParser()
        self._typing = Typing(time.monotonic())
        self._pending: deque[bytes] = deque()
        self._unread: asyncio.TimerHandle | None = None
        self._escape: asyncio.TimerHandle | None = None
        self._silent = 0
        self._started = False
        self._lost = False

    # ── out ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def write(self, data: str) -> None:
        """Send, or let fall what a reader who does not read would have seen."""
        if self.line.paused and self._started:
            self._lost = True
        else:
            self.line.write(data)

    def repaint(self) -> None:
        """What was let fall is painted anew."""
        if self._lost and self._started:
            self._lost = False
            self._app.call_later(self._app.refresh, layout=True)

    def start_application_mode(self) -> None:
        """The second screen, mouse, marked pastes; then the size."""
        self.line.driver = self
        self.line.write(START)
        self._started = True
        self.resized()

    def disable_input(self) -> None:
        """What comes now is read by nobody."""
        for timer in (self._unread, self._escape):
            if timer is not None:
                timer.cancel()
        self._unread = self._escape = None
        self._pending.clear()

    def stop_application_mode(self) -> None:
        """The terminal as it was."""
        self.disable_input()
        self._started = False
        self.line.driver = None
        self.line.write(RESET)

    def resized(self) -> None:
        """The line has another size."""
        size = Size(*self.line.size)
        self.send_message(events.Resize(size, size))

    # ── in ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def feed(self, data: bytes) -> None:
        """What the client sent; it is asked to wait while some of it has not been looked at."""
        self.line.last_typed = time.monotonic()
        self._pending.extend(data[at : at + SLICE] for at in range(0, len(data), SLICE))
        if self._unread is None:
            self._read_on()

    def _read_on(self) -> None:
        self._unread = None
        while self._pending and self._started:
            wait = self._typing.draw(self._take(self._pending.popleft()), time.monotonic())
            if wait and self._pending:
                self.line.channel.pause_reading()
                self._unread = self._loop.call_later(wait, self._read_on)
                return
        self.line.channel.resume_reading()
        if self._escape is not None:
            self._escape.cancel()
        self._escape = self._loop.call_later(ESCAPE_S, self._tick)

    def _take(self, data: bytes) -> float:
        """What a slice of input costs."""
        spent = 0.0
        self._silent += len(data)
        for message in self._parser.feed(self._decode(data)):
            self._silent = 0
            spent += cost(message)
            self.process_message(message)
        if self._silent > LONGEST_PASTE:
            self.line.hang_up(f"more than {LONGEST_PASTE >> 20} MiB was pasted at once")
        return spent

    def _tick(self) -> None:
        """Nothing has followed: a lone escape was the key."""
        self._escape = None
        for message in self._parser.tick():
            self.process_message(message)

    def send_message(self, message: Message) -> None:
        """To the app, in the loop that both live in."""
        self._app.post_message(message)

    # ── the server is not the person's machine ─────────────────────────────────────────────────────────────────────

    def open_url(self, url: str, new_tab: bool = True) -> None:  # noqa: ARG002 - Textual's signature
        """No browser here: the address goes to the person's clipboard."""
        self._app.copy_to_clipboard(url)
        self._app.notify(f"Copied: {url}", markup=False)

    def deliver_binary(
        self,
        binary: BinaryIO | TextIO,
        *,
        delivery_key: str,
        save_path: Path,
        name: str | None = None,
        **_how: Any,
    ) -> None:
        """No file is written on the server."""
        binary.close()
        refused = io.UnsupportedOperation(f"{save_path.name} would be saved on the server, where nothing is yours")
        self.send_message(events.DeliveryFailed(key=delivery_key, exception=refused, name=name))
