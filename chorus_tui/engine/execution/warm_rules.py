"""Which sandboxes wait started for tasks that may come. Pure: wishes, time and free memory in, what to make and drop out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chorus_tui.engine.execution.profile import Bounds

IDLE_S = 600
"""A sandbox waits this long at most, and a wish counts this long."""
LONGEST_TASK_S = 3600
"""Tasks that may take longer get a sandbox of their own: a waiting one has its reaper's date on a label for good."""
SPARE_MB = 512
"""What has to be free on the machine beyond a waiting sandbox's whole memory limit."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a sandbox is made of. A task gets a waiting one only of exactly its kind."""

    image_id: str
    bounds: Bounds


def missing(
    wished: Mapping[Kind, float], there: Sequence[Kind], most: int, *, now: float, free_mb: float
) -> tuple[Kind, ...]:
    """Kinds to make now, so that the last wished ones wait, ``most`` sandboxes in all. ``wished``: kind to when."""
    fresh = sorted((kind for kind, at in wished.items() if now - at < IDLE_S), key=lambda kind: -wished[kind])
    fresh = [kind for kind in fresh if enough_memory(kind, free_mb)]
    if not fresh:
        return ()
    share = Counter(fresh[at % len(fresh)] for at in range(most))
    return tuple((share - Counter(there)).elements())


def surplus(
    wished: Mapping[Kind, float], there: Sequence[tuple[Kind, float]], most: int, *, now: float, free_mb: float
) -> list[int]:
    """Which of ``there`` (kind, since when) to drop, by place: too old, or more of its kind than its share."""
    room = Counter(missing(wished, (), most, now=now, free_mb=free_mb))
    dropped = []
    for at in sorted(range(len(there)), key=lambda at: -there[at][1]):
        kind, since = there[at]
        if now - since < IDLE_S and room[kind]:
            room[kind] -= 1
        else:
            dropped.append(at)
    return sorted(dropped)


def enough_memory(kind: Kind, free_mb: float) -> bool:
    """Whether a sandbox that waits leaves the machine room even when its next task fills it."""
    return free_mb >= kind.bounds.memory_mb + SPARE_MB


def free_memory_mb(meminfo: Iterable[str]) -> float:
    """MiB that programs can still get, from the lines of ``/proc/meminfo``; 0 where it does not say."""
    for line in meminfo:
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            return int(rest.split()[0]) / 1024
    return 0.0
