"""Style sheets that are parsed once in a process, whoever shows them: the first paint, every screen and every session wait less.

Textual parses all sheets of an app anew whenever a screen is shown for the first time, twice over, and once more for every session of
a served portal. What comes of it depends on nothing but the sheet, its place and the colours of the theme, and nobody changes it.
"""

from __future__ import annotations

from typing import Final

from textual.cache import LRUCache
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

MOST_SHEETS: Final = 512
"""Each kind of widget has one, those of all screens and boxes together; Textual keeps 64, and none of them for the next time."""
MOST_THEMES: Final = 8

Parsed = LRUCache[tuple[object, ...], list[RuleSet]]
_PARSED: Final[LRUCache[frozenset[tuple[str, str]], Parsed]] = LRUCache(MOST_THEMES)
"""By the colours they were parsed with."""


class Sheets(Stylesheet):
    """Those of one app."""

    def __init__(self, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._parse_cache = _parsed_with(variables)

    def set_variables(self, variables: dict[str, str]) -> None:
        """The theme may be another."""
        if variables != self._variables:
            # The one in its place is not this app's to clear.
            self._parse_cache = LRUCache(1)
            super().set_variables(variables)
            self._parse_cache = _parsed_with(variables)

    def reparse(self) -> None:
        """For the colours as they are now; what was parsed with them is there already."""
        self.parse()


def _parsed_with(variables: dict[str, str]) -> Parsed:
    colours = frozenset(variables.items())
    if colours not in _PARSED:
        _PARSED[colours] = LRUCache(MOST_SHEETS)
    return _PARSED[colours]
