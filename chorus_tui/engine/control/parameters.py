"""Mesh parameters: what must be equal everywhere lives in the control log, not in anybody's environment."""

from __future__ import annotations

from typing import Any

DEFAULTS: dict[str, float] = {
    "lease_s": 60.0,
    "claim_lease_s": 86_400.0,
    "expiry_grace_s": 5.0,
    "offer_window_s": 1.0,
    "heartbeat_s": 5.0,
    "admin_timeout_s": 15.0,
    "ephemeral_s": 600.0,
    "objection_s": 30.0,
}
FAST = {"heartbeat_s": 0.4, "admin_timeout_s": 1.2}
"""The profile for a mesh on one good network: another admin within 1.5 s as a rule, election and first decision included."""
BOUNDS: dict[str, tuple[float, float]] = {
    "lease_s": (1.0, 3600.0),
    "claim_lease_s": (60.0, 2_592_000.0),
    "expiry_grace_s": (0.1, 600.0),
    "offer_window_s": (0.0, 30.0),
    "heartbeat_s": (0.1, 60.0),
    "admin_timeout_s": (0.5, 600.0),
    "ephemeral_s": (10.0, 86400.0),
    "objection_s": (1.0, 86_400.0),
}


def effective(stored: dict[str, Any]) -> dict[str, float]:
    """The parameters in force: stored ones within their bounds, defaults for the rest."""
    result = dict(DEFAULTS)
    for name, value in stored.items():
        if name in BOUNDS and isinstance(value, int | float) and not isinstance(value, bool):
            low, high = BOUNDS[name]
            result[name] = min(max(float(value), low), high)
    return result


def overruled(local: dict[str, float], in_force: dict[str, float]) -> list[str]:
    """In words: local wishes that the mesh's parameters overrule."""
    return [
        f"{name} is {in_force[name]:g} in this mesh; the local setting {value:g} has no effect"
        for name, value in sorted(local.items())
        if in_force.get(name) != value
    ]
