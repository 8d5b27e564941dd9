"""What a sandbox uses, out of the engine's statistics and the tools inside. Pure.

The numbers come from a place a hostile task may have a hand in: they are shown, never believed, and what is no number
counts as nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from chorus_tui.contract.models.task_result import Figures

_MIB = 1 << 20
_USED = re.compile(r"^\S+ +\d+ +(\d{1,12}) +\d+ +\d+% ", re.MULTILINE)


def cpu_percent(sample: Mapping[str, Any]) -> float | None:
    """Percent of one core since the sample before it, which the engine sends along; None in the first one."""
    now, before = sample.get("cpu_stats") or {}, sample.get("precpu_stats") or {}
    if not before.get("system_cpu_usage"):
        return None
    used = _number(now, "cpu_usage", "total_usage") - _number(before, "cpu_usage", "total_usage")
    passed = _number(now, "system_cpu_usage") - _number(before, "system_cpu_usage")
    cores = _number(now, "online_cpus") or 1.0
    return round(100 * cores * max(0.0, used) / passed, 1) if passed > 0 else None


def memory_mb(sample: Mapping[str, Any]) -> float:
    """MiB it holds, its files in memory among them; what the kernel may take back at once is not counted."""
    memory = sample.get("memory_stats") or {}
    stats = memory.get("stats") or {}
    idle = _number(stats, "total_inactive_file") or _number(stats, "inactive_file")
    return round(max(0.0, _number(memory, "usage") - idle) / _MIB, 1)


def disk_mb(table: str) -> float:
    """MiB in all folders of a ``df -Pk``."""
    return round(sum(int(used) for used in _USED.findall(table)) / 1024, 1)


def highest(one: Figures | None, other: Figures) -> Figures:
    """The larger of each."""
    if one is None:
        return other
    return Figures(
        cpu_percent=max(one.cpu_percent, other.cpu_percent),
        memory_mb=max(one.memory_mb, other.memory_mb),
        disk_mb=max(one.disk_mb, other.disk_mb),
    )


def mib_of(count: bytes) -> float | None:
    """Bytes in digits, as MiB; None for anything else."""
    return round(int(count) / _MIB, 1) if count.isdigit() and len(count) <= 18 else None


def _number(said: Mapping[str, Any], *path: str) -> float:
    value: Any = said
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return float(value) if isinstance(value, int | float) else 0.0
