"""What a rule is: one kind of secret, how it is recognised, and what made-up ones look like. Pure.

A rule is tried only where one of its keywords stands, so a rule without a keyword in its match would never hit. Patterns
are RE2's dialect, over bytes: there is no looking back or ahead, and time is linear whatever stands in the text.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

Severity = Literal["critical", "high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""The gravest first. ``critical``: whoever holds it can act as its owner everywhere (private keys, root credentials).
``high``: a credential of one known service. ``medium``: named a secret by the words beside it. ``low``: only looks like one."""

MEANING: dict[Severity, str] = {
    "critical": "whoever holds it acts as its owner: private keys, root credentials of a cloud, secrets of this node",
    "high": "a credential of one known service",
    "medium": "the words beside it say that it is a secret",
    "low": "only looks like one",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of secret. In ``pattern`` the first group that takes part is the secret; without groups it is the whole match."""

    name: str
    severity: Severity
    keywords: tuple[str, ...]
    """In small letters; one of them stands in every match, whatever its case in the text."""
    pattern: str
    samples: tuple[str, ...] = ()
    """Shapes of true ones (:mod:`.shapes`); the secret stands between « and » where more is needed to know it."""
    near: tuple[str, ...] = ()
    """Shapes that look alike and are none."""
    entropy: float = 0.0
    """Bits a character that the secret has at least."""
    valid: Callable[[bytes], bool] | None = None
    """The last word on a secret that was found."""
    not_behind: bytes = b""
    """Behind this word, in small letters, a match is none."""
    extends: Callable[[bytes, int], int] | None = None
    """(text, end of the match) → where the secret really ends, for what no pattern can bound."""
    before: int = 2
    """Bytes before a keyword in which a match may begin."""
    after: int = 600
    """Bytes behind a keyword that are looked at first; a match that reaches the edge is followed further."""
    tags: tuple[str, ...] = ()

    def admits(self, secret: bytes) -> bool:
        """Whether what the pattern found is one."""
        if self.entropy and entropy(secret) < self.entropy:
            return False
        return self.valid is None or self.valid(secret)


def entropy(data: bytes) -> float:
    """Shannon's, in bits a byte."""
    total = len(data)
    return -sum(n / total * math.log2(n / total) for n in Counter(data).values()) if total else 0.0
