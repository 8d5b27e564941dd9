"""``chorus-tui web`` as a process, and a tab of a browser that shows it."""

from __future__ import annotations

import contextlib
import http.client
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page

from chorus_tui.portals import present
from tests.integration.system.peers import CLI, Peer, eventually

ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-_])")


@dataclass
class Portal:
    """``chorus-tui web`` as a process, and the URL it printed."""

    peer: Peer
    process: subprocess.Popen[str]
    url: str

    @property
    def address(self) -> str:
        return self.url.partition("/?")[0]

    def another(self) -> str:
        return self.peer.run("web", "--url").stdout.strip()

    def ask(self, path: str, **headers: str) -> tuple[int, str]:
        """A GET without a browser: (status, text)."""
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=80)
        with contextlib.closing(connection):
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def guests(self) -> list[Any]:
        return [guest for one in present(self.peer.data_dir) if one.pid == self.process.pid for guest in one.guests]

    def tabs(self) -> list[Path]:
        """The processes behind its tabs."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                parent = (path / "stat").read_text().rpartition(")")[2].split()[1]
                if parent == str(self.process.pid) and b"guest" in (path / "cmdline").read_bytes():
                    found.append(path)
        return found


@contextlib.contextmanager
def served(peer: Peer, *arguments: str) -> Iterator[Portal]:
    process = subprocess.Popen(
        [*CLI, "web", "--port", "0", *arguments], env=peer.environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield Portal(peer, process, process.stdout.readline().strip())
    finally:
        process.terminate()
        process.wait(80)


@dataclass
class Tab:
    """A page, and all that went over the wire since it was opened."""

    page: Page
    asked: list[str] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("websocket", self._listen)
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)

    def _listen(self, stream: Any) -> None:
        self.asked.append(stream.url)
        stream.on("framereceived", lambda data: self.frames.append(data if isinstance(data, bytes) else data.encode()))

    def sees(self, text: str) -> None:
        """Wait until the terminal was sent ``text``."""

        def seen() -> bool:
            self.page.wait_for_timeout(50)  # lets the browser's messages in
            return text in ESCAPES.sub("", b"".join(self.frames).decode("utf-8", "replace"))

        eventually(f"the terminal shows {text!r}", seen, 60)
