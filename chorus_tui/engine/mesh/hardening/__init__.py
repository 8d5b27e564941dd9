"""Patches of libp2p 0.8.1: each one with its reason, and a test that fails without it.

Every patch reaches into the library's inside, so they hold for exactly one version; :func:`install` refuses any other.
They are process-wide and safe to install twice.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

from chorus_tui.engine.mesh.hardening import floods, inbound, kad, logs, private_network, pubsub, queues, records, yamux
from chorus_tui.engine.mesh.interface import MeshError

SUPPORTED: Final = "0.8.1"


def install() -> None:
    """Apply all process-wide patches. Raises :class:`MeshError` for another library version."""
    require(version("libp2p"))
    for patch in (floods, inbound, kad, logs, private_network, pubsub, queues, records, yamux):
        patch.install()


def require(found: str) -> None:
    """Raise unless ``found`` is the version the patches were written for."""
    if found != SUPPORTED:
        raise MeshError(
            f"libp2p {found} is installed; this program guards and patches {SUPPORTED} only. "
            f"Install it with: pip install libp2p=={SUPPORTED}"
        )
