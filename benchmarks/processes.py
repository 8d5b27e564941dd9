"""What the kernel counts of a process."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path


def memory_mb(pid: int) -> float:
    """What the process takes by itself, shared pages in parts."""
    return _mb(Path(f"/proc/{pid}/smaps_rollup"), "Pss")


def resident_mb(pid: int) -> float:
    """What of it lies in memory, shared pages whole."""
    return _mb(Path(f"/proc/{pid}/status"), "VmRSS")


def _mb(file: Path, field: str) -> float:
    found = re.search(rf"{field}:\s+(\d+)", file.read_text())
    assert found is not None
    return round(int(found[1]) / 1024, 1)


def cpu_s(pid: int) -> float:
    """Seconds of CPU that it has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def segments(pid: int) -> dict[str, int]:
    """TCP segments in and out of each of its connections that stand."""
    told = subprocess.run(["ss", "-HOtinp", "state", "established"], check=True, capture_output=True, text=True).stdout
    found = {}
    for line in told.splitlines():
        if f"pid={pid}," in line:
            ends = " ".join(line.split()[2:4])
            found[ends] = sum(int(number) for number in re.findall(r"segs_(?:in|out):(\d+)", line))
    return found
