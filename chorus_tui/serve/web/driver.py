"""textual's driver for browsers, made safe for guests: no file leaves, and nothing goes on when the server has gone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, BinaryIO, Literal, TextIO

from textual import messages
from textual.drivers import web_driver
from textual.drivers.web_driver import WebDriver
from textual.message import Message

from chorus_tui.serve.pastes import GuestParser
from chorus_tui.serve.typed import Typing, cost


class GuestDriver(WebDriver):
    """Speaks with the server over stdin and stdout."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._typing = Typing(time.monotonic())

    def run_input_thread(self) -> None:
        """The stock thread ends without a word when stdin does, and the app would go on for ever; its parser takes pastes without end."""
        stock: Any = web_driver  # it looks for its parser there; this process is one guest's
        stock.XTermParser = GuestParser
        super().run_input_thread()
        if not self.exit_event.is_set():
            self._app.post_message(messages.ExitApp())

    def process_message(self, message: Message) -> None:
        """In the thread that reads what is typed: while it waits, so does what else there is, in the pipe and at the browser."""
        super().process_message(message)
        time.sleep(self._typing.draw(cost(message), time.monotonic()))

    def deliver_binary(
        self,
        binary: BinaryIO | TextIO,
        *,
        delivery_key: str,
        save_path: Path,
        open_method: Literal["browser", "download"] = "download",
        encoding: str | None = None,
        mime_type: str | None = None,
        name: str | None = None,
    ) -> None:
        """Refused: what the portal can save are files of the server's machine."""
        del delivery_key, save_path, open_method, encoding, mime_type, name
        binary.close()
        self._app.notify("Files are not given to browsers", severity="warning", markup=False)
