"""Whose feeds are kept: those of peers that were ever members of a mesh known here.

A member may bring anybody's entries, so without this rule one member could fill every disk with feeds of identities it made
up. Members that left stay authors for ever: what they said is part of the history.
"""

from __future__ import annotations

from collections.abc import Callable

REMEMBERED = 1024


class Strangers:
    """Authors that were refused, bounded: a control log that comes later may make members of them."""

    def __init__(self, me: str) -> None:
        self.was_member: Callable[[str], bool] = lambda peer: peer == me
        self._refused: dict[str, None] = {}

    def knows(self, author: str) -> bool:
        """Whether entries of this author are kept; one that is not is remembered."""
        if self.was_member(author):
            return True
        if len(self._refused) < REMEMBERED:
            self._refused[author] = None
        return False

    def known_now(self) -> bool:
        """Whether one that was refused would be kept now; told once."""
        now = [author for author in self._refused if self.was_member(author)]
        for author in now:
            del self._refused[author]
        return bool(now)
