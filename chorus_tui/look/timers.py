"""Timers whose time has passed before they begin.

A message that goes by itself is drawn anew on the screen that is changed to, for the time it has left. If that ran out on the way
Textual sets a timer of less than nothing, which counts backwards for ever and gives way to nobody: the whole portal stands still.
"""

from __future__ import annotations

from typing import Any, Final

from textual.timer import Timer

LEAST_S: Final = 1 / 60
_set_up = Timer.__init__


def _forwards(self: Timer, event_target: Any, interval: float, **more: Any) -> None:
    _set_up(self, event_target, interval if interval > 0 else LEAST_S, **more)


def none_backwards() -> None:
    """From now on a timer of nothing, or less, takes :data:`LEAST_S`."""
    Timer.__init__ = _forwards  # type: ignore[method-assign]
