"""What is served to others, in words."""

from __future__ import annotations

from chorus_tui.contract.models.portals import PortalGuest, ServedPortal

KINDS = {"web": "browser", "ssh": "SSH"}
"""What a kind is called."""
SCOPES = {
    "read": "may look, and change nothing",
    "operate": "may do what a person does; no tokens, no keys, no stopping",
    "admin": "may do everything",
}


def connected(portal: ServedPortal) -> str:
    """How many."""
    return {0: "nobody", 1: "1 person"}.get(len(portal.guests), f"{len(portal.guests)} people")


def refused(portal: ServedPortal) -> str:
    """How many did not get in; empty when all did."""
    return f"{portal.refused} connections were refused: too many were open at once" if portal.refused else ""


def guest(one: PortalGuest) -> str:
    """Who, from where, what it may do."""
    return f"{one.person} ({one.scope}) from {one.address}"


def way_in(portal: ServedPortal) -> str:
    """How to come to it."""
    if portal.kind == "web":
        return f"{portal.address} with a one-time URL"
    host, _, port = portal.address.rpartition(":")
    return f"ssh -p {port} {host.strip('[]')}"
