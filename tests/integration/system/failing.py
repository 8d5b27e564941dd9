"""What failover is driven and watched with: real processes, the command line, their answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.integration.system.peers import Mesh, Peer, eventually

NAMES = ("ada", "ben", "cleo", "dan", "eve")


def five_voters(mesh: Mesh, **environment: str) -> None:
    """Five agents, all of them voters."""
    mesh.grow(*NAMES, **environment)
    eventually("five voters", lambda: all(len(peer.voters()) == 5 for peer in mesh.peers), 40)


def live(mesh: Mesh) -> list[Peer]:
    """Peers whose process runs."""
    return [peer for peer in mesh.peers if peer.process and peer.process.poll() is None]


def views(mesh: Mesh, *, commit: bool = False) -> set[Any]:
    """What the live peers say: mesh, reachable admin and term, and how far their logs are."""
    seen: set[Any] = set()
    for peer in live(mesh):
        status = peer.status()
        admin = (status.get("admin") or {}) if status else {}
        seen.add(
            (
                status.get("mesh_id"),
                admin.get("peer_id"),
                admin.get("term"),
                admin.get("reachable"),
                status.get("control_index") if commit else 0,
            )
        )
    return seen | ({None} if any(not view[3] for view in seen) else set())


def admin_of(mesh: Mesh) -> Peer:
    """The peer that leads."""
    peer_id = live(mesh)[0].status()["admin"]["peer_id"]
    return next(peer for peer in live(mesh) if peer.peer_id == peer_id)


def fail_over(mesh: Mesh, silence: Callable[[Peer], None] = Peer.kill) -> tuple[float, Peer, Peer]:
    """`kill -9` of the admin, or what else silences it: seconds until another one says that it leads a higher term, the old and
    the new."""
    old = admin_of(mesh)
    old_id, term = old.peer_id, old.status()["admin"]["term"]
    others = [peer for peer in live(mesh) if peer is not old]
    silenced = time.monotonic()
    silence(old)

    def led() -> Peer | None:
        for peer in others:
            status = peer.status()
            admin = status.get("admin") or {}
            if admin.get("term", 0) > term and admin.get("peer_id") == status.get("peer_id") != old_id:
                return peer
        return None

    new = eventually("another admin", led, 40)
    return time.monotonic() - silenced, old, new


def all_back(mesh: Mesh, killed: Peer) -> None:
    """Start the killed one again, and wait until all say the same of mesh, admin, term and log."""
    killed.start().ready()
    all_agree(mesh)


def all_agree(mesh: Mesh) -> None:
    """Wait until all say the same of mesh, admin, term and log."""
    eventually("all are back", lambda: len(views(mesh, commit=True)) == 1, 30)
