"""Whether a member whose mesh has no admin goes into one that was founded in its place. Pure.

Anybody can found a mesh and say so. A master may end a mesh, so its word is enough; of others only one that works here is
believed, and only when the mesh really cannot decide any more as far as can be seen from here: whoever restarts, or whose
admin has just gone, is nobody's prey.
"""

from __future__ import annotations

from chorus_tui.engine.control import authority
from chorus_tui.engine.control.interface import Member

TIMEOUTS = 4
"""Time-outs of the admin after which a mesh without a majority in reach has had its chance to choose another."""
LONG_S = 600.0
"""After so long without an admin it does not matter who seems to be in reach: voters can be linked and dead all the same."""


def follows(founder: Member | None, *, silent_s: float, timeout_s: float, majority_here: bool) -> bool:
    """Whether to follow ``founder``, as our mesh knows it, after ``silent_s`` without an admin."""
    if founder is None or not authority.may(founder, "work"):
        return False
    if founder.authority == "master" or silent_s >= LONG_S:
        return True
    return not majority_here and silent_s >= TIMEOUTS * timeout_s
