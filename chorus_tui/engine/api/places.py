"""Who may have one more of the places that are bounded: calls at once, readers of events at once.

No caller has more than a quarter of them, and a quarter is kept for the Unix socket: whatever tokens do, the engine's owner comes in.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from chorus_tui.engine.api.doors import Caller

SHARE: Final = 4
"""One caller has one part in so many at most; as much is the socket's alone."""


def has_room(taken: Collection[Caller], caller: Caller, most: int) -> bool:
    """Whether ``caller`` may have one of ``most`` places, when ``taken`` have one each."""
    part = most // SHARE
    if len(taken) >= most or sum(one.key == caller.key for one in taken) >= part:
        return False
    return caller.via == "socket" or sum(one.via == "tcp" for one in taken) < most - part
