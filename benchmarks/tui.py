"""How quickly a key is answered: from the byte written to a pty until its character comes out, while events flood the portal."""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Iterator

from benchmarks.measure import Row
from tests.support.pseudo_terminal import Terminal

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
CURSOR = re.compile(rb"\x1b\[\d+;\d+H")
"""Where it is put; the last thing of a frame is its place in the field."""


def times(command: list[str], opening: bytes, seed: int) -> list[float]:
    """So long each of the keys took, shortest first; typed at uneven intervals, as people do."""
    chance, terminal = random.Random(seed), Terminal(command)
    try:
        terminal.drain(4.0)  # painted, connected, and the flood is on
        terminal.type(opening)
        terminal.drain(1.0)
        terminal.answered(LETTERS[:1])
        terminal.type(BACKSPACE)
        empty = CURSOR.findall(terminal.drain(1.0))[-1]
        found = []
        for n in range(KEYS):
            letter = LETTERS[n % len(LETTERS) :][:1]
            found.append(terminal.answered(letter))
            terminal.drain(chance.uniform(0.02, 0.09))
            # Textual lets a letter overtake a backspace that it was read together with; then neither would be seen.
            terminal.answered(BACKSPACE, empty)
            terminal.drain(chance.uniform(0.02, 0.09))
        return sorted(found)
    finally:
        terminal.close()


def rows() -> Iterator[Row]:
    """The 99th of 100 keys in the ``:`` prompt over the event log, beside a bare input field of Textual in the same run."""
    bare = times([sys.executable, "-c", HELLO], b"", 0)
    for rate in (0, 1_000, 5_000):
        ours = times([sys.executable, "-m", "tests.support.portal_under_load", str(rate)], b":", rate)
        print(f"{'':10} median {ours[KEYS // 2] * 1000:.1f} ms, p95 {ours[KEYS * 95 // 100] * 1000:.1f} ms")
        yield Row(
            "tui", f"key to paint p99, {rate:,} events/s", ours[KEYS * 99 // 100], "a bare Textual input, p99", bare[KEYS * 99 // 100],
            "<= 0.033 s at 1,000 events/s", KEYS,
        )  # fmt: skip
