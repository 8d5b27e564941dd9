"""Who may run, until when, and when to ask again. Pure.

*Starting* needs a lease of this licence, cluster and node whose licence has not ended; without a server an earlier one does,
up to 72 hours after it should have been renewed. *Running* is never ended by an outage, an expiry or a refusal at once: the
same 72 hours begin, and their end is an orderly stop. Wall times are Unix seconds; ``now`` is the best that is known of the
time, see :mod:`chorus_tui.engine.licensing.gate`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from chorus_tui.engine.licensing.statement import Lease, NotSigned, Reason, Refusal, read

GRACE_S: Final = 72 * 3600.0
SKEW_S: Final = 300.0
"""A clock that is off by more is told; one that is back by more cannot measure a grace."""
RETRY_S: Final = 5.0
FAILURES_TO_OPEN: Final = 5
OPEN_S: Final = 60.0

WORDS: Final[dict[Reason, str]] = {
    "unknown": "it knows no such licence. Check CHORUS_LICENSE_ID",
    "expired": "the licence has expired. Renew it",
    "revoked": "the licence was revoked. Ask whoever issued it",
    "suspended": "the licence is suspended. Ask whoever issued it",
    "wrong_cluster": "the licence is for another cluster. Check CHORUS_CLUSTER_ID, or use that cluster's licence",
    "node_limit": "all nodes of the licence are in use. Stop one, or take a larger licence",
}


@dataclass(frozen=True, slots=True)
class Holder:
    """Who must be named: the licence by its fingerprint, the cluster, this peer."""

    license: str
    cluster: str
    node: str


def stranger(said: Lease | Refusal, holder: Holder) -> str:
    """Why a statement is not about this holder, in words; empty when it is."""
    if said.license != holder.license:
        return "it is for another licence"
    if said.cluster != holder.cluster:
        return f"it is for the cluster {said.cluster!r}, and CHORUS_CLUSTER_ID is {holder.cluster!r}"
    if said.node != holder.node:
        return "it is for another node: a data folder's token cannot be used by another peer"
    return ""


def grace_end(lease: Lease) -> float:
    """Until when an engine may start on a kept lease: never past the licence itself."""
    return min(lease.lease_until + GRACE_S, lease.expires_at)


def running_end(lease: Lease, refused_at: float | None) -> float:
    """Until when an engine that runs goes on, if nothing changes."""
    trouble = min(lease.lease_until, lease.expires_at)
    return (trouble if refused_at is None else min(trouble, refused_at)) + GRACE_S


def may_start(lease: Lease, holder: Holder, now: float, seen_at: float) -> str:
    """Why a kept lease lets nobody start, in words; empty when it does. ``seen_at`` is the latest time that was known while it
    was kept: a clock before that was set back, and could make any grace last."""
    other = stranger(lease, holder)
    if other:
        return f"the kept token does not help: {other}"
    if now < max(seen_at, lease.issued_at) - SKEW_S:
        return "this machine's clock is behind the time of the kept token. Set the clock"
    if now >= lease.expires_at:
        return "the licence has expired by this machine's clock. Renew it, or set the clock if it is wrong"
    if now >= grace_end(lease):
        return (
            "the 72 hours that a kept token lasts without a server are over. "
            "Bring the licence server back, or set the clock if it is wrong"
        )
    return ""


def kept_lease(token: str, key: bytes, holder: Holder, now: float, seen_at: float) -> tuple[Lease | None, str]:
    """The lease of a kept token when it lets an engine start, else why it does not. ``key`` is the server's public one."""
    try:
        said = read(token, key)
    except NotSigned as error:
        return None, f"the kept token does not help: {error}"
    if not isinstance(said, Lease):
        return None, "the kept token does not help: it is no lease"
    why = may_start(said, holder, now, seen_at)
    return (None, why) if why else (said, "")


# ── when to ask again ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Breaker:
    """Of the way to the server: ``failures`` in a row; ``until`` (monotonic seconds) when it is open."""

    failures: int = 0
    until: float | None = None


def phase(breaker: Breaker, now: float) -> Literal["closed", "open", "half-open"]:
    """Closed asks; open asks nobody; half-open lets one question through."""
    if breaker.until is None:
        return "closed"
    return "open" if now < breaker.until else "half-open"


def failed(breaker: Breaker, now: float) -> Breaker:
    """No answer: the fifth in a row opens it for a minute, and so does a trial that fails."""
    failures = breaker.failures + 1
    return Breaker(failures, now + OPEN_S if failures >= FAILURES_TO_OPEN else None)


def wait_s(lease: Lease, breaker: Breaker, now: float, monotonic: float) -> float:
    """Seconds until the server is asked again: when a third of the lease is over; after failures sooner."""
    if breaker.until is not None:
        return max(0.0, breaker.until - monotonic)
    if breaker.failures:
        return RETRY_S
    third = (lease.lease_until - lease.issued_at) / 3
    return max(0.0, lease.issued_at + third - now)
