"""What a portal has resident while a flood of events is drawn in it."""

from __future__ import annotations

import sys
from contextlib import closing

from tests.support.pseudo_terminal import Terminal

RATE = 1_000
"""Events a second, a line of the event log each."""
WARM_S = 30.0
"""Until its log is full and everything it draws with has been imported."""
SAMPLE_S = 15.0
DRAWN = b" ... "
"""In every line of the flood."""
MOST_GROWTH_MB = 4.0
"""A list that kept every event would grow by some 100 MiB in five minutes, one of widgets by more."""


def memory_over(minutes: float, rate: int = RATE) -> list[float]:
    """MiB every :data:`SAMPLE_S` seconds, after :data:`WARM_S`. The flood is drawn in all that time, and a key is answered at its end."""
    command = [sys.executable, "-m", "tests.support.portal_under_load", str(rate)]
    with closing(Terminal(command)) as terminal:
        terminal.drain(WARM_S)
        samples = [terminal.memory_mb]
        for _ in range(round(minutes * 60 / SAMPLE_S)):
            drawn = terminal.drain(SAMPLE_S).count(DRAWN)
            if not drawn:
                raise AssertionError("the flood is not drawn any more")
            samples.append(terminal.memory_mb)
        terminal.type(b":")
        terminal.drain(1.0)
        terminal.answered(b"Q")
    return samples
