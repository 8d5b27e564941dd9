"""What a peer takes of whom nothing is asked, beside a host of plain py-libp2p: three of each, linked, watched at the same time.

``python -m benchmarks rest=1200`` watches for twenty minutes; only then is it asked whether memory grows.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measure import Figure, Row
from benchmarks.mesh import line, process
from benchmarks.processes import cpu_s, resident_mb, segments
from tests.integration.system.peers import CLI, mesh

SECONDS = 60
SETTLE_S = 20.0
LOOKS = 20
LONG_S = 1200
DAY_S = 86_400.0
MEMORY_MB, CPU_PERCENT = 130.0, 1.0
GROWTH_MB = MEMORY_MB / 10
"""What may seem to be added in a day: less than that is the unrest of the allocator in the twenty minutes."""


@dataclass(slots=True)
class Watched:
    """One process from its first look to its last."""

    pid: int
    began: float = 0.0
    cpu: float = 0.0
    before: dict[str, int] = field(default_factory=dict)
    memory: list[tuple[float, float]] = field(default_factory=list)

    def begin(self) -> None:
        """From now on it counts."""
        self.began, self.cpu, self.before = time.monotonic(), cpu_s(self.pid), segments(self.pid)
        assert self.before, "it has no link"

    def look(self) -> None:
        """At its memory."""
        self.memory.append((time.monotonic() - self.began, resident_mb(self.pid)))

    def figures(self, who: str, seconds: int, *, ours: bool) -> list[Figure]:
        """The last look."""
        passed, after = time.monotonic() - self.began, segments(self.pid)
        kept = after.keys() & self.before.keys()
        assert kept, "no link of it lasted"
        percent = 100 * (cpu_s(self.pid) - self.cpu) / passed
        a_minute = 60 / passed * sum(after[ends] - self.before[ends] for ends in kept)
        later = [look for look in self.memory if look[0] > passed / 2]
        slope = statistics.linear_regression(*zip(*later, strict=True)).slope
        bound = GROWTH_MB if ours and seconds >= LONG_S else None
        return [
            Figure(f"{who}: memory", self.memory[-1][1], "MB", at_most=MEMORY_MB if ours else None),
            Figure(f"{who}: processor", percent, "% of a core", at_most=CPU_PERCENT if ours else None),
            Figure(f"{who}: segments", a_minute, "a minute"),
            Figure(f"{who}: growth at the pace of the second half", slope * DAY_S, "MB a day", at_most=bound),
        ]


def rows(seconds: int = SECONDS) -> Iterator[Row]:
    """Whom the others dialled is watched, of both; times are processor time."""
    with ExitStack() as stack:
        made = stack.enter_context(mesh(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chorus-bench-")))))
        # Engines of their own, not forked from a process that has more loaded.
        made.grow("ada", "ben", "cleo", program=[*CLI, "--headless"])
        plain = stack.enter_context(process("plain", None))
        address = line(plain)["address"]
        for _ in range(2):
            line(stack.enter_context(process("plain", address)))
        running = made.peers[0].process
        assert running is not None
        ours, theirs = Watched(running.pid), Watched(plain.pid)
        time.sleep(SETTLE_S)
        for one in (ours, theirs):
            one.begin()
        for _ in range(LOOKS):
            time.sleep(seconds / LOOKS)
            for one in (ours, theirs):
                one.look()
        used = [cpu_s(one.pid) - one.cpu for one in (ours, theirs)]
        figures = ours.figures("ours", seconds, ours=True) + theirs.figures("plain", seconds, ours=False)
        assert made.whole(), "they no longer agree"
    what = f"an idle peer of three, processor in {seconds} s"
    reach = f"≤ {MEMORY_MB:g} MB, ≤ {CPU_PERCENT:g} % of a core, no growth"
    yield Row("rest", what, used[0], "plain py-libp2p", used[1], reach, 1, tuple(figures))
