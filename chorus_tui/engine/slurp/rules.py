"""How context is weighed and ordered. Pure; every formula has its range and one worked example.

A node is one accepted task, one passed vote or one room's consensus. What lies nearer to the path that was asked for goes first;
on one level the weightier one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

GENERAL = "general"
"""The path of what belongs to no project: known everywhere, told last."""
PARTS = 10
"""Of a path at most, on the way to the root of its project."""
LEAST_STANDING = 0.25
"""What is trusted less is told to nobody."""

_WORD = re.compile(r"[a-z0-9]{3,}")
_HALF_STALE = 8
_HALF_INFLUENCE = 4


def standing(confidence: float, words: Sequence[str], scores: Sequence[float]) -> float:
    """How far a node is trusted, between 0 and 1.

    ``(2c + good) / (2 + count)``: *c* is the confidence it came with (0.1 to 0.9, one half when nothing showed it), *good* each
    ``helpful`` word as 1, each other word as 0, each measure as itself. It rises with *c* and with every better word. Example: two
    helpful words, one wrong, one measure of 0.4, nothing shown: ``(1 + 2.4) / (2 + 4) = 0.57``.
    """
    prior = min(0.9, max(0.1, confidence))
    good = sum(word == "helpful" for word in words) + sum(scores)
    return (2.0 * prior + good) / (2.0 + len(words) + len(scores))


def staleness(later: int) -> float:
    """How old a node is in decisions, not in days: 0 for the newest of its path, below 1, rising with each later one there.

    ``later / (later + 8)``. Example: eight later decisions on its path make it 0.5.
    """
    return later / (later + _HALF_STALE)


def influence(by_hop: Sequence[int]) -> float:
    """How much was built on a node: 0 for nothing, below 1, rising with everything that cites it, directly or through others.

    ``x / (x + 4)``, where what cites it directly counts 1, what cites that one half, and so on. Example: two direct ones, two at
    the second hop: ``x = 3``, so ``3 / 7 = 0.43``.
    """
    x = math.fsum(count * 0.5**hop for hop, count in enumerate(by_hop))
    return x / (x + _HALF_INFLUENCE)


def weight(overlap: float, standing: float, influence: float, staleness: float) -> float:
    """The order on one level: 0 to 1, rising with overlap, standing and influence, falling with staleness.

    The mean of overlap, standing and influence, less half of the staleness. Example: half of the words, standing 0.57, influence
    0.43, staleness 0.5: ``(0.5 + 0.57 + 0.43) / 3 * 0.75 = 0.375``.
    """
    return (overlap + standing + influence) / 3.0 * (1.0 - staleness / 2.0)


def confidence(agreed: int, disagreed: int) -> float:
    """From what others found when they looked: one half when nobody did. ``(1 + agreed) / (2 + agreed + disagreed)``. Example: one
    member ran the checks and they passed: 0.67."""
    return (1.0 + agreed) / (2.0 + agreed + disagreed)


def path_of(project_id: str, *parts: str) -> str:
    """Where something belongs: its project, and below it whatever parts are given."""
    named = [part.strip().strip("/") for part in (project_id or GENERAL, *parts)]
    return "/".join(part for part in named if part)[:512]


def folder_of(names: Sequence[str]) -> str:
    """The deepest folder that all these files lie in; empty for the root."""
    if not names:
        return ""
    folders = [name.strip("/").split("/")[:-1] for name in names]
    shared: list[str] = []
    for parts in zip(*folders, strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return "/".join(shared)


def ancestors(path: str) -> list[str]:
    """The path itself, then what it lies in, up to the root of its project, then what belongs to no project."""
    parts = path.split("/")[:PARTS]
    above = ["/".join(parts[:n]) for n in range(len(parts), 0, -1)]
    return above if parts[0] == GENERAL else [*above, GENERAL]


def words_of(*texts: str) -> frozenset[str]:
    """The words of three letters or more."""
    return frozenset(word for text in texts for word in _WORD.findall(text.casefold()))


def overlap(has: frozenset[str], wanted: Iterable[str]) -> float:
    """Which part of the wanted words is had, 0 to 1; 1 when nothing is wanted."""
    asked = list(wanted)
    return sum(word in has for word in asked) / len(asked) if asked else 1.0
