"""A storm's plan: which faults begin and end when. Pure: one seed, one plan.

Faults of different kinds overlap; each kind comes once before any comes again, so that a short storm has them all.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

KINDS = ("cut", "cut one way", "lose", "sleep", "kill")
LASTS_S = {
    "cut": (3.0, 20.0),
    "cut one way": (3.0, 20.0),
    "lose": (4.0, 20.0),
    "sleep": (1.0, 20.0),
    "kill": (1.0, 6.0),
}
GAP_S = (0.5, 5.0)
"""From the begin of one fault to that of the next."""
LOSS_PERCENT = (10, 40)
ADMIN = ""
"""In place of a name: whoever is the admin when it begins. Half of what sleeps or dies is."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to whom; ``begins`` and ``ends`` in seconds of the storm."""

    kind: str
    one: tuple[str, ...]
    other: tuple[str, ...]
    percent: int
    begins: float
    ends: float


@dataclass(frozen=True, slots=True)
class Step:
    """A fault begins, or ends."""

    at: float
    fault: Fault
    begins: bool


def plan(seed: int, names: Sequence[str], seconds: float) -> list[Step]:
    """Every step of one storm, in order of time; all faults have ended when it has."""
    faults = list(_faults(random.Random(seed), names, seconds))
    steps = [Step(fault.begins, fault, True) for fault in faults] + [Step(fault.ends, fault, False) for fault in faults]
    return sorted(steps, key=lambda step: (step.at, step.begins))


def _faults(chance: random.Random, names: Sequence[str], seconds: float) -> Iterator[Fault]:
    at = 0.0
    for kinds in itertools.repeat(KINDS):
        for kind in chance.sample(kinds, len(kinds)):
            at += chance.uniform(*GAP_S)
            if at >= seconds:
                return
            one, other = _whom(chance, kind, names)
            ends = min(at + chance.uniform(*LASTS_S[kind]), seconds)
            yield Fault(kind, one, other, chance.randint(*LOSS_PERCENT) if kind == "lose" else 0, at, ends)


def _whom(chance: random.Random, kind: str, names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    order = chance.sample(names, len(names))
    if kind in ("sleep", "kill"):
        return (chance.choice((ADMIN, order[0])),), ()
    middle = chance.randint(1, len(order) - 1)
    return tuple(order[:middle]), tuple(order[middle:]) if kind != "lose" else ()
