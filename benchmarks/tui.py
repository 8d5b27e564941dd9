"""How quickly a key is answered: from the byte written to a pty until its character comes out, while events flood the portal."""

from __future__ import annotations

import os
import pty
import random
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator
from fcntl import ioctl

from benchmarks.measure import Row

HELLO = """
from textual.app import App
from textual.widgets import Input
class Hello(App):
    def compose(self):
        yield Input()
Hello().run()
"""
LETTERS = b"QXZWVY"
"""None of them is in what the flood says, nor ends a control sequence."""
KEYS = 200
BACKSPACE = b"\x7f"


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

    def drain(self, seconds: float) -> None:
        """Let it draw for a while."""
        until = time.perf_counter() + seconds
        while (left := until - time.perf_counter()) > 0:
            self.read(left)

    def answered(self, letter: bytes) -> float:
        """Seconds from typing a letter until it is in what is drawn."""
        began = time.perf_counter()
        os.write(self._terminal, letter)
        while time.perf_counter() - began < 10:
            if letter in self.read(0.5):
                return time.perf_counter() - began
        raise AssertionError("a key was not answered in 10 s")

    def type(self, keys: bytes) -> None:
        """Without waiting."""
        os.write(self._terminal, keys)

    def close(self) -> None:
        """End it."""
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._terminal)


def times(command: list[str], opening: bytes, seed: int) -> list[float]:
    """So long each of the keys took, shortest first; typed at uneven intervals, as people do."""
    chance, terminal = random.Random(seed), Terminal(command)
    try:
        terminal.drain(4.0)  # painted, connected, and the flood is on
        terminal.type(opening)
        terminal.drain(1.0)
        found = []
        for n in range(KEYS):
            letter = LETTERS[n % len(LETTERS) :][:1]
            found.append(terminal.answered(letter))
            terminal.drain(chance.uniform(0.02, 0.09))
            terminal.type(BACKSPACE)
            terminal.drain(chance.uniform(0.02, 0.09))
        return sorted(found)
    finally:
        terminal.close()


def rows() -> Iterator[Row]:
    """The 99th of 100 keys in the ``:`` prompt over the event log, beside a bare input field of Textual in the same run."""
    bare = times([sys.executable, "-c", HELLO], b"", 0)
    for rate in (0, 1_000, 5_000):
        ours = times([sys.executable, "-m", "benchmarks.portal_under_load", str(rate)], b":", rate)
        print(f"{'':10} median {ours[KEYS // 2] * 1000:.1f} ms, p95 {ours[KEYS * 95 // 100] * 1000:.1f} ms")
        yield Row(
            "tui", f"key to paint p99, {rate:,} events/s", ours[KEYS * 99 // 100], "a bare Textual input, p99", bare[KEYS * 99 // 100],
            "<= 0.033 s at 1,000 events/s", KEYS,
        )  # fmt: skip
