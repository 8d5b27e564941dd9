"""Texts made shorter on their way to a door. Pure.

A door sees what is left, and of a secret that was cut nobody can tell that it is one. So a beginning never ends inside what may be
one; of an end nothing says what stood before, so that it is redacted before it is cut.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Final

from chorus_tui.engine.shhh.rules.keys import LONGEST_KEY

_BREAKS: Final = ",;\"'{}()[]"
_OF_A_PART: Final = "".join(letter for letter in string.printable if not letter.isspace() and letter not in _BREAKS)
"""What secrets are made of. Letters of other alphabets are not in it: there a text may have no white space at all."""
ALL_OF_IT: Final = "…"
"""Stands for a beginning of which nothing is left: some fields must not be empty."""
BEFORE: Final = 1 << 16
"""Characters before an end that are looked through with it at first."""


def beginning(text: str, most: int) -> str:
    """At most so many characters. A word, number or address that goes on behind them is left out as a whole: what is left of
    its line says what it was, so that a door knows what stands there whole."""
    if len(text) <= most:
        return text
    kept = text[:most]
    return (kept.rstrip(_OF_A_PART) or ALL_OF_IT[:most]) if text[most] in _OF_A_PART else kept


def ending(text: str, most: int, redact: Callable[[str], str]) -> str:
    """At most so many characters from the end of a text, redacted. Of a long text only as much is looked through as it takes for what
    is kept to begin farther behind the first character than any secret is long: that one may stand in the middle of one."""
    before = BEFORE
    while True:
        clean = redact(text[-most - before :])
        if len(text) <= most + before or len(clean) >= most + LONGEST_KEY:
            return clean[-most:] if most else ""
        before *= 4
