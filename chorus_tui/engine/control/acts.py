"""Acts on their way into the log, each with somebody who waits for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import trio

from chorus_tui.engine.control.interface import ControlEntry


@dataclass(slots=True)
class Act:
    """One that somebody wishes. ``entry`` is set once it stands in the log."""

    type_: str
    data: dict[str, Any]
    request: dict[str, Any] | None
    entry: ControlEntry | None = None
    _ended: trio.Event = field(default_factory=trio.Event)
    _error: Exception | None = None

    def end(self, error: Exception | None = None) -> None:
        """It is decided, or will not be because of ``error``."""
        self._error = error
        self._ended.set()

    async def decided(self) -> ControlEntry:
        """Its entry. Raises what it ended with."""
        await self._ended.wait()
        if self._error is not None:
            raise self._error
        assert self.entry is not None
        return self.entry


class Acts:
    """Those of one leader: first they wait for a place in the log, then for the majority."""

    def __init__(self) -> None:
        self._waiting: deque[Act] = deque()
        self._written: list[Act] = []

    def __bool__(self) -> bool:
        """Whether one waits for a place."""
        return bool(self._waiting)

    def add(self, act: Act) -> None:
        """Behind the others."""
        self._waiting.append(act)

    def put_first(self, act: Act) -> None:
        """Before the others."""
        self._waiting.appendleft(act)

    def next(self) -> Act:
        """The one whose turn it is."""
        return self._waiting.popleft()

    def written(self, act: Act, entry: ControlEntry) -> None:
        """It has its place."""
        act.entry = entry
        self._written.append(act)

    def decided(self, entries: Iterable[ControlEntry]) -> None:
        """These count now."""
        hashes = {entry.hash for entry in entries}
        for act in [act for act in self._written if act.entry is not None and act.entry.hash in hashes]:
            self._written.remove(act)
            act.end()

    def refuse(self, error: Exception) -> None:
        """Who waits hears why. What already stands in the log may still be decided, by the next admin."""
        for act in [*self._written, *self._waiting]:
            act.end(error)
        self._written.clear()
        self._waiting.clear()
