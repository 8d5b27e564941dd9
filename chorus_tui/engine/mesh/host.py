"""Making the libp2p host: Noise only, Yamux only, our limits, nothing dialled or announced by the library itself."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from collections.abc import Callable
from typing import Any

from libp2p import new_host
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as create_x25519
from libp2p.identity.identify import identify
from libp2p.network.config import ConnectionConfig
from libp2p.rcmgr.manager import ResourceLimits, new_resource_manager
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as Noise
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX
from libp2p.stream_muxer.yamux.yamux import Yamux
from multiaddr import Multiaddr

from chorus_tui.engine.mesh.config import MeshConfig
from chorus_tui.engine.mesh.hardening.dialling import leave_to_keeper
from chorus_tui.engine.mesh.interface import MeshError
from chorus_tui.engine.mesh.limits import STREAMS_PER_PEER
from chorus_tui.engine.protocol.identity import Identity


def make(identity: Identity, config: MeshConfig, own_addresses: Callable[[], list[str]]) -> Any:
    """A host that is not running yet. ``own_addresses``: what to tell others, with ``/p2p/<id>``."""
    identify.AGENT_VERSION = config.agent_version
    keys = create_new_key_pair(identity.seed)
    limit = config.max_connections
    host = new_host(
        key_pair=keys,
        listen_addrs=[listen_address(config)],
        # By default the library also offers TLS, secio and plaintext.
        sec_opt={NOISE: Noise(keys, noise_privkey=create_x25519().private_key)},
        muxer_opt={YAMUX: Yamux},
        psk=config.network_key.hex() if config.network_key is not None else None,
        resource_manager=_resources(limit),
        # The keeper decides who is dialled; with watermarks above 0 the library dials everybody it ever heard of.
        connection_config=ConnectionConfig(
            max_connections=limit, high_watermark=limit, low_watermark=0, min_connections=0, max_connections_per_peer=2
        ),
        addrs_factory=lambda found: [Multiaddr(a.partition("/p2p/")[0]) for a in own_addresses()] or found,
        disable_identify_address_discovery=True,
    )
    leave_to_keeper(host.get_network())
    return host


def _resources(connections: int) -> Any:
    # Without the parts that refuse connections by the process's memory or by earlier refusals.
    return new_resource_manager(
        limits=ResourceLimits(max_connections=2 * connections, max_streams=connections * STREAMS_PER_PEER * 2),
        enable_memory_limits=False,
        enable_circuit_breaker=False,
        enable_graceful_degradation=False,
    )


def listen_address(config: MeshConfig) -> Multiaddr:
    """Where to listen. Raises :class:`MeshError` for a host that is no IP address."""
    try:
        version = ipaddress.ip_address(config.listen_host).version
    except ValueError:
        raise MeshError(
            f"{config.listen_host} is not an IP address to listen on, such as 127.0.0.1 or 0.0.0.0"
        ) from None
    return Multiaddr(f"/ip{version}/{config.listen_host}/tcp/{config.p2p_port}")


def on_loopback(config: MeshConfig) -> bool:
    """Whether only this machine can reach the node."""
    return ipaddress.ip_address(config.listen_host).is_loopback


def check_port(address: str, port: int) -> None:
    """Raise :class:`MeshError` when nobody may listen there: the library only says that it does not."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            probe.listen(1)
        except OSError as error:
            hint = ""
            if error.errno == errno.EADDRINUSE:
                hint = " Another program uses the port; set CHORUS_P2P_PORT to another one, or 0 for any."
            words = os.strerror(error.errno).lower() if error.errno else str(error)
            raise MeshError(f"Cannot listen on {address} port {port}: {words}.{hint}") from error


def listening_port(host: Any, config: MeshConfig) -> int:
    """The port a running host has. Raises :class:`MeshError` when it does not listen."""
    for address in host.get_transport_addrs():
        port = address.value_for_protocol("tcp")
        if port:
            return int(port)
    raise MeshError(f"Cannot listen on {config.listen_host} port {config.p2p_port}.")
