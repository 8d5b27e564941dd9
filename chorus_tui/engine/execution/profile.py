"""The sandbox as data: from a task's limits and an agent's settings to the engine's container description. Pure.

Every rule of the trust model's sandbox table stands here as one line or a few. What runs inside:

* ``/workspace/input`` holds the repository. It is an anonymous volume, so that it goes away with the container whatever
  happens to us; its files belong to root and the sandbox has no root, so nothing inside can change them.
* ``/workspace/data`` is the working directory, with a writable copy of the input; ``/workspace/output`` holds what is
  brought back; both and ``/tmp`` are in memory, sized, and count against the memory limit.
* The first process (the lifeline) runs under a user id of its own, so that the task cannot stop it. It ends, and with
  it everything, when our end of its standard input closes or when its own timer rings.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from chorus_tui.contract.models.task_spec import Limits
from chorus_tui.engine.execution.errors import ImageUnusable
from chorus_tui.engine.execution.settings import ExecutionSettings

INPUT = "/workspace/input"
DATA = "/workspace/data"
OUTPUT = "/workspace/output"

LABEL_TASK = "chorus.task"
LABEL_ATTEMPT = "chorus.attempt"
LABEL_OWNER = "chorus.owner"
LABEL_RUN = "chorus.run"
LABEL_DEADLINE = "chorus.deadline"

UID_BASE = 20_000
UID_PAIRS = 20_000

_MIB = 1 << 20
_MOST_VOLUMES = 16
_FORBIDDEN_VOLUMES = ("/proc", "/sys", "/dev", "/bin", "/sbin", "/usr", "/lib", "/lib64", "/etc", "/workspace")

LIFELINE = r"""
PATH=/usr/bin:/bin; export PATH
exec 3<&0
me=$$
arm() { { sleep "$1"; kill -9 "$me"; } & timer=$!; }
arm "$1"
while read -r seconds <&3; do kill -9 "$timer" 2>/dev/null; arm "$seconds"; done
exit 0
"""
"""Ends when its standard input does, or when its timer rings; a line with a number of seconds sets the timer anew.

POSIX sh only: the image may not be ours. A background job gets /dev/null as input unless told otherwise, hence 3.
"""

LIFELINE_MARGIN_S = 120
"""What a sandbox may live beyond its work: starting, copying the input, collecting."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """A task's limits after this agent's ceilings. ``folder_mb`` is the size of each writable folder."""

    memory_mb: int
    folder_mb: int
    shm_mb: int
    cpus: float
    pids: int
    output_mb: int
    log_mb: int


@dataclass(frozen=True, slots=True)
class Origin:
    """Who made a sandbox and for what: becomes its labels. ``deadline`` is unix time in seconds."""

    task_id: str
    attempt: int
    owner: str
    run: str
    deadline: int


def bounds(limits: Limits, settings: ExecutionSettings) -> Bounds:
    """The smaller of wish and ceiling; the writable folders together stay below three quarters of the memory."""
    memory = min(limits.memory_mb, settings.max_memory_mb)
    shm = max(1, min(64, memory // 16))
    return Bounds(
        memory_mb=memory,
        folder_mb=max(1, min(limits.disk_mb, (memory * 3 // 4 - shm) // 3)),
        shm_mb=shm,
        cpus=min(limits.cpus, settings.max_cpus),
        pids=min(limits.pids, settings.max_pids),
        output_mb=limits.output_mb,
        log_mb=limits.log_mb,
    )


def task_user(pair: int) -> str:
    """``uid:gid`` of the commands; each sandbox has ids of its own, since per-user limits are shared by id."""
    uid = UID_BASE + 2 * (pair % UID_PAIRS)
    return f"{uid}:{uid}"


def lifeline_user(pair: int) -> str:
    """``uid:gid`` of the lifeline, which the commands therefore cannot signal."""
    uid = UID_BASE + 2 * (pair % UID_PAIRS) + 1
    return f"{uid}:{uid}"


@cache
def seccomp_profile() -> str:
    """The allow-list of system calls, as JSON text."""
    return files("chorus_tui.engine.execution").joinpath("seccomp.json").read_text(encoding="utf-8")


def declared_volumes(image: dict[str, Any]) -> list[str]:
    """The image's VOLUME paths that need a sized tmpfs; raises :class:`ImageUnusable` where one cannot be had."""
    declared = sorted((image.get("Config") or {}).get("Volumes") or {})
    needed = [path for path in declared if path.rstrip("/") not in {INPUT, DATA, OUTPUT, "/tmp"}]  # noqa: S108 - a path in the sandbox
    for path in needed:
        parts = path.split("/")
        forbidden = any(path == place or path.startswith(place + "/") for place in _FORBIDDEN_VOLUMES)
        if not path.startswith("/") or path == "/" or ".." in parts or ":" in path or forbidden:
            raise ImageUnusable(f"the image declares a volume at {path}, where none is allowed", reason="image_volumes")
    if len(needed) > _MOST_VOLUMES:
        raise ImageUnusable(f"the image declares more than {_MOST_VOLUMES} volumes", reason="image_volumes")
    return needed


def _tmpfs(image: dict[str, Any], limits: Bounds, user: str) -> dict[str, str]:
    uid, _, gid = user.partition(":")

    def options(size_kb: int, inodes: int) -> str:
        # uid, gid and mode are said outright: else a folder that exists in the image passes on its own mode.
        return f"rw,exec,nosuid,nodev,size={size_kb}k,mode=0700,uid={uid},gid={gid},nr_inodes={inodes}"

    folder = limits.folder_mb * 1024
    mounts = {
        DATA: options(folder, 262_144),
        OUTPUT: options(folder, 65_536),
        "/tmp": options(folder, 65_536),  # noqa: S108 - a path in the sandbox
    }
    volumes = declared_volumes(image)
    for path in volumes:
        # All of them together get an eighth of the memory; with the folders' three quarters it stays below the limit.
        mounts[path] = options(max(64, limits.memory_mb * 1024 // 8 // len(volumes)), 16_384)
    return mounts


def container(
    image_id: str, image: dict[str, Any], limits: Bounds, origin: Origin, *, pair: int, lifetime_s: int
) -> dict[str, Any]:
    """The body of the engine's create call. ``lifetime_s`` is when the sandbox ends by itself at the latest."""
    memory = limits.memory_mb * _MIB
    return {
        "Image": image_id,
        "Entrypoint": ["/bin/sh", "-c", LIFELINE, "lifeline", str(lifetime_s)],
        "Cmd": [],
        "User": lifeline_user(pair),
        "WorkingDir": DATA,
        "Hostname": "sandbox",
        "Env": ["HOME=/tmp", "LANG=C.UTF-8"],
        "Healthcheck": {"Test": ["NONE"]},
        "AttachStdin": True,
        "OpenStdin": True,
        "StdinOnce": True,
        "Tty": False,
        "NetworkDisabled": True,
        "Labels": labels(origin),
        "HostConfig": {
            "NetworkMode": "none",
            "ReadonlyRootfs": True,
            "Tmpfs": _tmpfs(image, limits, task_user(pair)),
            # No name: so it goes with the container. Labels: so the reaper finds it where somebody removed only that.
            "Mounts": [{"Type": "volume", "Target": INPUT, "VolumeOptions": {"Labels": labels(origin)}}],
            "ShmSize": limits.shm_mb * _MIB,
            "AutoRemove": True,
            "RestartPolicy": {"Name": "no"},
            "Init": True,
            "Privileged": False,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges", f"seccomp={seccomp_profile()}"],
            "IpcMode": "private",
            "CgroupnsMode": "private",
            "Memory": memory,
            "MemorySwap": memory,
            "NanoCpus": int(limits.cpus * 1e9),
            # A tenth of the default weight: where the machine is busy, heartbeats come first.
            "CpuShares": 102,
            "OomScoreAdj": 500,
            "PidsLimit": limits.pids,
            "Ulimits": [
                {"Name": "nofile", "Soft": 1024, "Hard": 1024},
                {"Name": "core", "Soft": 0, "Hard": 0},
            ],
            # Commands run by exec, whose output comes to us alone; the lifeline says nothing.
            "LogConfig": {"Type": "none", "Config": {}},
        },
    }


def labels(origin: Origin) -> dict[str, str]:
    """What the reaper goes by."""
    return {
        LABEL_TASK: origin.task_id,
        LABEL_ATTEMPT: str(origin.attempt),
        LABEL_OWNER: origin.owner,
        LABEL_RUN: origin.run,
        LABEL_DEADLINE: str(origin.deadline),
    }


def expired(labelled: dict[str, str], now: float, *, owner: str, run: str) -> bool:
    """Whether a labelled sandbox is to be removed: past its deadline, or left by an earlier run of this very peer."""
    try:
        deadline = int(labelled[LABEL_DEADLINE])
        int(labelled[LABEL_ATTEMPT])
    except (KeyError, ValueError):
        return False
    if LABEL_TASK not in labelled or LABEL_OWNER not in labelled or LABEL_RUN not in labelled:
        return False
    return now > deadline or (labelled[LABEL_OWNER] == owner and labelled[LABEL_RUN] != run)
