"""Removing sandboxes nobody looks after any more. Labels decide, never names: see :func:`.profile.expired`.

A sandbox's volume goes with it. Only where somebody else removed the container alone it stays, labelled, for us.
"""

from __future__ import annotations

from chorus_tui.engine.execution.docker_api import DockerApi
from chorus_tui.engine.execution.profile import LABEL_DEADLINE, LABEL_RUN, expired


async def reap_expired(api: DockerApi, *, now: float, owner: str, run: str) -> int:
    """Remove sandboxes past their deadline, whoever made them, and those of this peer's earlier runs; how many."""
    count = 0
    for found in await api.list_labelled(LABEL_DEADLINE):
        if expired(found.get("Labels") or {}, now, owner=owner, run=run):
            await api.remove(found["Id"])
            count += 1
    for volume in await api.volumes_labelled(LABEL_DEADLINE):
        if expired(volume.get("Labels") or {}, now, owner=owner, run=run):
            await api.remove_volume(volume["Name"])
    return count


async def remove_run(api: DockerApi, run: str) -> None:
    """Remove every sandbox of one run of a peer."""
    for found in await api.list_labelled(f"{LABEL_RUN}={run}"):
        await api.remove(found["Id"])
    for volume in await api.volumes_labelled(f"{LABEL_RUN}={run}"):
        await api.remove_volume(volume["Name"])
