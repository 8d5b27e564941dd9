"""Looks at ports, at who holds them, and at what mDNS needs."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

from chorus_tui.engine.runtime.doctor.rules import PortSeen

MDNS = ("224.0.0.251", 5353)
_LISTENS = "0A"
_UP, _LOOPBACK, _MULTICAST = 0x1, 0x8, 0x1000


def look_at_port(variable: str, host: str, port: int, engine_pid: int | None) -> PortSeen:
    """By binding it for a moment. ``engine_pid``: the engine of the data folder, if one runs."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError:
        return PortSeen(variable, host, port, free=False, problem="this is no address of this machine")
    with socket.socket(family, kind, protocol) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(place)
            trial.listen(1)
        except OSError as error:
            holder = _holder(port)
            if holder is None:
                taken = error.errno == 98
                return PortSeen(
                    variable, host, port, free=False, problem="" if taken else (error.strerror or str(error)).lower()
                )
            pid, name = holder
            return PortSeen(variable, host, port, free=False, holder=f"{name} (process {pid})", ours=pid == engine_pid)
    return PortSeen(variable, host, port, free=True)


def _holder(port: int) -> tuple[int, str] | None:
    """Process and name of who listens on a TCP port; None when it is not to be seen, as with another user's."""
    wanted = {f"socket:[{inode}]" for inode in _listening(port)}
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if any(str(handle.readlink()) in wanted for handle in (process / "fd").iterdir()):
                return int(process.name), (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            continue  # it has ended, or is another user's
    return None


def _listening(port: int) -> set[str]:
    found = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = Path("/proc/net", table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(fields[9])
    return found


def multicast_interfaces() -> list[str]:
    """Interfaces that are up, reach others and carry multicast."""
    found = []
    for _, name in socket.if_nameindex():
        try:
            flags = int(Path("/sys/class/net", name, "flags").read_text(encoding="ascii"), 16)
        except (OSError, ValueError):
            continue
        if flags & _UP and flags & _MULTICAST and not flags & _LOOPBACK:
            found.append(name)
    return found


def mdns_problem() -> str:
    """Why UDP 5353 cannot be shared here; empty when it can."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        try:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            trial.bind(("", MDNS[1]))
            member = struct.pack("4s4s", socket.inet_aton(MDNS[0]), socket.inet_aton("0.0.0.0"))  # noqa: S104 - any interface
            trial.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        except OSError as error:
            return f"UDP port {MDNS[1]} cannot be shared: {(error.strerror or str(error)).lower()}"
    return ""
