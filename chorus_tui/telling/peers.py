"""Words for a peer's conduct, and for one that is kept out."""

from __future__ import annotations

from chorus_tui.contract.models.peers import Ban, Peer


def kept_out(ban: Ban, now: float) -> str:
    """Why, since when, until when; ``now`` is Unix time."""
    since = _span(now - ban.since)
    if ban.until is None:
        return f"{ban.why}; blocked for {since}, until it is unbanned"
    return f"{ban.why}; out for {since} so far, {_span(ban.until - now)} to go"


def status(peer: Peer) -> str:
    """What it says of itself; of one that takes no tasks, neither idle nor busy would be true."""
    return "no tasks" if peer.max_tasks == 0 else peer.status


def load(peer: Peer) -> str:
    """``1/3``: tasks that run there, of how many at most; empty where it takes none, or nothing is known."""
    return f"{peer.running}/{peer.max_tasks}" if peer.running is not None and peer.max_tasks else ""


def conduct(points: int) -> str:
    """What is held against a peer, of 100."""
    return f"{points} of 100 points held against it; at 100 it is kept out" if points else "nothing is held against it"


def _span(seconds: float) -> str:
    whole = max(0, round(seconds))
    for size, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if whole >= 2 * size:
            return f"{whole // size} {name}"
    return f"{whole} s"
