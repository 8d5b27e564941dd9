"""One tab: the process behind it, and what passes between the two.

textual-serve's service carries bytes; it would also hand out files of the server and run its command in a shell with all of our
environment. Here it does neither.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

from chorus_tui.serve.web import rules

GRACE_S: Final = 3.0
"""How long an app may take to leave."""
FPS: Final = "30"
PASSED_ON: Final = frozenset(
    {
        "HOME",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "LOGNAME",
        "NO_COLOR",
        "PATH",
        "PYTHONPATH",
        "TMPDIR",
        "TZ",
        "USER",
        "XDG_RUNTIME_DIR",
    }
)
"""What an app gets of our environment: no licence, no key."""


class Tab(AppService):
    """``token`` is what its app asks the engine with."""

    def __init__(
        self,
        data: Path,
        token: str,
        root: str,
        *,
        write_bytes: Callable[[bytes], Awaitable[None]],
        write_str: Callable[[str], Awaitable[None]],
        close: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(
            "", write_bytes=write_bytes, write_str=write_str, close=close, download_manager=DownloadManager()
        )
        self._data = data
        self._token = token
        self._root = root
        self._ending = False
        self.left = False
        """Whether the app said that its guest has left; else it was ended, or has died."""

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        ours = super()._build_environment(width, height)
        terminal = {name: ours[name] for name in ours if name.startswith(("TEXTUAL_COLOR", "TERM_PROGRAM"))}
        kept = {name: value for name, value in os.environ.items() if name in PASSED_ON}
        driver = {"TEXTUAL_DRIVER": "chorus_tui.serve.web.driver:GuestDriver", "TEXTUAL_FPS": FPS}
        return {**kept, **terminal, **driver, "COLUMNS": str(width), "ROWS": str(height)}

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        """Without a shell; a session of its own, so that keys at the server's terminal do not reach it."""
        reader, writer = os.pipe()
        log = os.dup(2)
        command = [sys.executable, "-P", "-m", "chorus_tui.serve.web.guest", "--data-dir", str(self._data)]
        root = ["--root", self._root] if self._root else []
        try:
            self._process = await asyncio.create_subprocess_exec(
                *command, "--token-fd", str(reader), "--log-fd", str(log), *root, stdin=PIPE, stdout=PIPE, stderr=PIPE,
                env=self._build_environment(width, height), pass_fds=(reader, log), start_new_session=True,
                cwd="/",  # modules are found from where a process stands, when PYTHONPATH says so: never where guests write
            )  # fmt: skip
            os.write(writer, self._token.encode())
        finally:
            for descriptor in (reader, writer, log):
                os.close(descriptor)
        self._stdin = self._process.stdin
        return self._process

    async def run(self) -> None:
        """Until the app's last word. A page whose app is gone, however that came, is closed; who ends it from here says why himself."""
        try:
            with contextlib.suppress(
                asyncio.CancelledError
            ):  # as the stock one does, except where its app died at once
                await super().run()
        finally:
            if not self._ending:
                await self.remote_close()

    async def on_meta(self, data: bytes) -> None:
        """The app has ended, or opens a link; files do not leave."""
        said = json.loads(data)
        if said.get("type") == "exit":
            self.left = True
            await self.remote_close()
        elif said.get("type") == "open_url" and rules.may_open(said.get("url")):
            await self.remote_write_str(json.dumps(["open_url", {"url": said["url"], "new_tab": True}]))

    async def on_packed(self, payload: bytes) -> None:
        """A piece of a file: not passed on."""

    async def end(self) -> None:
        """Ask the app to leave; end it when it does not."""
        self._ending = True
        process = self._process
        if process is None:
            return
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(GRACE_S):
                await self.stop()
                self.stdin.close()
                await process.wait()
        if process.returncode is None:
            process.kill()
            await process.wait()
