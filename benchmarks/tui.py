"""How quickly a key is answered: from the byte written to a pty until its character comes out, while events flood the portal."""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Iterator

from benchmarks.measure import Figure, Row
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
RATES = (0, 1_000, 5_000)
PROMISED, MOST_MS = 1_000, 33.0
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
    """The 99th of 100 keys beside a bare input field of Textual in the same run: in the ``:`` prompt, a box under which nothing is
    drawn, and in the filter of the event log, which is drawn and filtered anew meanwhile.
    """
    bare = times([sys.executable, "-c", HELLO], b"", 0)
    for where, opening in (("", b":"), (" in a filter,", b"/")):
        for rate in RATES:
            ours = times([sys.executable, "-m", "tests.support.portal_under_load", str(rate)], opening, rate)
            figures = (
                Figure("p99", _at(ours, 99) * 1000, "ms", at_most=MOST_MS if rate == PROMISED else None),
                Figure("median", _at(ours, 50) * 1000, "ms"), Figure("p95", _at(ours, 95) * 1000, "ms"),
            )  # fmt: skip
            yield Row(
                "tui", f"key to paint p99,{where} {rate:,} events/s", _at(ours, 99), "a bare Textual input, p99", _at(bare, 99),
                f"<= {MOST_MS / 1000} s at {PROMISED:,} events/s", KEYS, figures,
            )  # fmt: skip


def _at(found: list[float], percent: int) -> float:
    return found[len(found) * percent // 100]
