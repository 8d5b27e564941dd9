"""What an operator may set for the execution room; read from the environment by the engine's settings, never here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_MEMORY_MB = 2048
DEFAULT_SOCKET = "unix:///var/run/docker.sock"


def default_cpus() -> float:
    """All cores but one: a busy task must not starve this peer's heartbeats."""
    return float(max(1, (os.cpu_count() or 2) - 1))


@dataclass(frozen=True, slots=True)
class ExecutionSettings:
    """Bounds and places. A task's own limits can only lower these, never raise them."""

    owner: str
    """This peer's id: the label by which it knows its own sandboxes, also those of an earlier run."""

    docker_host: str = DEFAULT_SOCKET
    """DOCKER_HOST; ``unix://`` only."""

    images: Mapping[str, str] = field(default_factory=dict)
    """CHORUS_IMAGES: language to image, over the table in :mod:`.images`."""

    registries: tuple[str, ...] = ("docker.io",)
    """CHORUS_IMAGE_REGISTRIES: hosts (``ghcr.io``) or host and namespace (``docker.io/library``) images may be pulled
    from. An image that is on the machine already may always be used."""

    repository_hosts: tuple[str, ...] = ("github.com", "gitlab.com", "codeberg.org")
    """CHORUS_REPOSITORY_HOSTS: hosts repositories may be cloned from, by https."""

    repository_credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    """CHORUS_REPOSITORY_CREDENTIALS: host to token, or to ``user:token``; goes to that host alone."""

    repository_ca: str = ""
    """CHORUS_REPOSITORY_CA: certificates (PEM) of authorities besides the system's."""

    max_cpus: float = field(default_factory=default_cpus)
    """CPUs of all sandboxes of this agent in sum."""

    max_memory_mb: int = DEFAULT_MEMORY_MB
    """Memory of one sandbox at most, MiB."""

    sandbox_hosts: tuple[str, ...] = ()
    """CHORUS_SANDBOX_HOSTS: hosts (``host``, ``host:port``) a task may be let out to, when people agreed."""

    warm: int = 0
    """CHORUS_SANDBOX_WARM: how many sandboxes wait started for the next tasks; 0: none."""

    max_pids: int = 256
    max_image_mb: int = 8192
    max_repository_mb: int = 512
    pull_timeout_s: float = 600
    clone_timeout_s: float = 300

    scratch: Path | None = None
    """Where private temporary folders are made; None: the system's temporary folder."""
