"""A program in a pseudo terminal of its own, without a multiplexer in between."""

from __future__ import annotations

import os
import pty
import select
import signal
import struct
import termios
import time
from fcntl import ioctl
from pathlib import Path

PATIENCE_S = 10


class Terminal:
    """A program in a pty of 120 by 40."""

    def __init__(self, command: list[str]) -> None:
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.execve(command[0], command, {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"})
        ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))

    def read(self, seconds: float) -> bytes:
        """What comes within that time, at once when something does."""
        return os.read(self._terminal, 1 << 16) if select.select([self._terminal], [], [], seconds)[0] else b""

    def drain(self, seconds: float) -> bytes:
        """Let it draw for a while; what it drew."""
        until, drawn = time.perf_counter() + seconds, bytearray()
        while (left := until - time.perf_counter()) > 0:
            drawn += self.read(left)
        return bytes(drawn)

    def answered(self, keys: bytes, drawn: bytes = b"") -> float:
        """Seconds from typing until ``drawn``, a letter itself if nothing else is named, is in what is drawn."""
        began, seen = time.perf_counter(), b""
        os.write(self._terminal, keys)
        while time.perf_counter() - began < PATIENCE_S:
            seen += self.read(0.5)
            if (drawn or keys) in seen:
                return time.perf_counter() - began
        raise AssertionError(f"{keys!r} was not answered in {PATIENCE_S} s; what was drawn ends with {seen[-200:]!r}")

    def type(self, keys: bytes) -> None:
        """Without waiting."""
        os.write(self._terminal, keys)

    @property
    def memory_mb(self) -> float:
        """What the program has resident, in MiB."""
        status = Path(f"/proc/{self._pid}/status").read_text(encoding="ascii")
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def close(self) -> None:
        """End it."""
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._terminal)
