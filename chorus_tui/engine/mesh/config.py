"""What a libp2p mesh needs to know before it starts. The engine's settings fill it in."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class MeshConfig:
    """Everything about one node; times are seconds.

    ``network_key``: 32 bytes, or None for an open network, which the caller keeps on loopback by ``listen_host`` and
    ``loopback_only`` (the latter for discovery).
    """

    data_dir: Path
    listen_host: str = "127.0.0.1"
    p2p_port: int = 0
    bootstrap: list[str] = field(default_factory=list)
    first_dial_s: float = 0.0
    """Seconds to wait before anybody is dialled, so that many that start at once do not arrive at once."""
    network_key: bytes | None = field(default=None, repr=False)
    loopback_only: bool = False
    mdns: bool = True
    announce_addresses: list[str] = field(default_factory=list)
    max_connections: int = 100
    dht: bool = False
    dht_cache: int = 100 * 1024 * 1024
    """Bytes of values held for others and oneself."""
    dht_ttl: float = 86_400.0
    """Seconds a value is held since it was last put; its author puts it anew at a third of that."""
    agent_version: str = "chorus-tui"
    ping_interval: float = 3.0
    ping_timeout: float = 4.0
    redial: tuple[float, float] = (2.0, 5.0)
    redial_limit: float = 20.0
