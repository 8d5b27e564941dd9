"""What each part of an engine is told of its settings: the mesh, the licence, the control log, the sandboxes.

The rule it keeps: a part knows only its own settings, with the defaults that depend on others already decided.
"""

from __future__ import annotations

from chorus_tui import __version__
from chorus_tui.engine.clock import Clock, Entropy
from chorus_tui.engine.control import store as control_store
from chorus_tui.engine.control.parameters import FAST
from chorus_tui.engine.control.settings import ControlSettings
from chorus_tui.engine.data_folder import DataFolder
from chorus_tui.engine.execution.settings import DEFAULT_MEMORY_MB, ExecutionSettings, default_cpus
from chorus_tui.engine.journal.flow import MIB
from chorus_tui.engine.licensing.gate import Gate
from chorus_tui.engine.licensing.kaching import Account
from chorus_tui.engine.licensing.keeping import TokenFile
from chorus_tui.engine.mesh import network_key
from chorus_tui.engine.mesh.config import MeshConfig
from chorus_tui.engine.protocol.identity import Identity
from chorus_tui.engine.settings import Settings

LEASE = "lease_s"
"""The parameter of the mesh."""


def mesh_config(settings: Settings, folder: DataFolder, key: network_key.NetworkKey, stagger_s: float) -> MeshConfig:
    """Without a key of its own a peer listens and looks around on this machine only."""
    return MeshConfig(
        data_dir=folder.path, listen_host="127.0.0.1" if key.loopback_only else settings.p2p_host, p2p_port=settings.p2p_port,
        bootstrap=list(settings.bootstrap_peers), first_dial_s=stagger_s, network_key=key.key, loopback_only=key.loopback_only,
        mdns=settings.mdns_enabled, dht=settings.dht_enabled, dht_cache=settings.dht_cache_mb * MIB, dht_ttl=settings.dht_ttl_s,
        announce_addresses=list(settings.announce_addresses), agent_version=f"chorus-tui/{__version__}",
    )  # fmt: skip


def gate(settings: Settings, folder: DataFolder, identity: Identity, clock: Clock, entropy: Entropy) -> Gate:
    """Without a licence server there is nobody to ask: the id alone was checked."""
    account = None
    if settings.kaching_url:
        account = Account(
            settings.kaching_url, settings.license_id, settings.cluster_id, identity.peer_id,
            bytes.fromhex(settings.kaching_public_key), settings.kaching_timeout_s,
        )  # fmt: skip
    return Gate(account, TokenFile(folder.path), clock, entropy)


def control_settings(settings: Settings, folder: DataFolder, stagger_s: float) -> ControlSettings:
    """Who dials later looks for a mesh as long as anybody."""
    grace = settings.discovery_grace_s
    if grace is None:
        grace = 10.0 if settings.bootstrap_peers else 3.0
    parameters = dict(FAST) if settings.election_profile == "fast" else {}
    if settings.task_lease_s is not None:
        parameters[LEASE] = settings.task_lease_s
    return ControlSettings(
        grace_s=grace + stagger_s, expect=settings.election_expect, bootstrap=tuple(settings.bootstrap_peers), parameters=parameters,
        binding=control_store.binding(folder.path / "control.db"),
        ephemeral=settings.ephemeral == "true" or (settings.ephemeral == "auto" and folder.ephemeral()),
    )  # fmt: skip


def execution_settings(settings: Settings, owner: str) -> ExecutionSettings:
    """``owner`` is this peer's id: it stands on every sandbox."""
    return ExecutionSettings(
        owner=owner, docker_host=settings.docker_host, images=settings.images, registries=tuple(settings.image_registries),
        repository_hosts=tuple(settings.repository_hosts), sandbox_hosts=settings.sandbox_hosts,
        repository_credentials=settings.repository_credentials,
        repository_ca=settings.repository_ca, max_cpus=settings.sandbox_max_cpus or default_cpus(),
        max_memory_mb=settings.sandbox_max_memory_mb or DEFAULT_MEMORY_MB, warm=settings.sandbox_warm,
    )  # fmt: skip
