"""A real terminal that a test types into and reads."""

from __future__ import annotations

import secrets
import shlex
import subprocess

from tests.integration.system.peers import eventually


class Terminal:
    """A tmux session of its own server; types keys, reads the screen."""

    def __init__(self, command: list[str], environment: dict[str, str], *, width: int = 120, height: int = 40) -> None:
        self._server = f"chorus-{secrets.token_hex(4)}"
        shell = " ".join(shlex.quote(part) for part in command)
        self._tmux(
            "-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height), shell, environment=environment
        )

    def _tmux(self, *arguments: str, environment: dict[str, str] | None = None) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._server, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            timeout=80,
        )
        return done.stdout

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    def coloured(self, text: str) -> str:
        """The row that holds a text, with what colours it."""
        rows = self._tmux("capture-pane", "-p", "-e").splitlines()
        return next((row for row in rows if text in row), "")

    def keys(self, *keys: str) -> None:
        self._tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)

    def paste(self, text: str) -> None:
        """As a terminal pastes: in brackets, so that the program knows it was not typed."""
        self._tmux("set-buffer", "-b", "pasted", text)
        self._tmux("paste-buffer", "-p", "-d", "-b", "pasted")

    def sees(self, text: str, seconds: float = 20.0) -> str:
        try:
            return eventually("seen", lambda: text in self.screen() and self.screen(), seconds)
        except AssertionError:
            raise AssertionError(f"no {text!r} within {seconds} s; the screen shows:\n{self.screen()}") from None

    def lacks(self, text: str, seconds: float = 20.0) -> None:
        try:
            eventually("gone", lambda: text not in self.screen(), seconds)
        except AssertionError:
            raise AssertionError(f"{text!r} is there after {seconds} s; the screen shows:\n{self.screen()}") from None

    def cursor_row(self) -> str:
        return self._tmux("display-message", "-p", "#{cursor_y}").strip()

    def close(self) -> None:
        self._tmux("kill-server")
