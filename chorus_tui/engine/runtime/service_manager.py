"""Telling systemd how the engine is: the notification protocol of ``sd_notify(3)``, a datagram a word.

The rule it keeps: the manager is told only what has happened. READY is said after every door is open, STOPPING when the
drain begins. Without ``NOTIFY_SOCKET`` nothing is said, and a manager that does not listen stops no engine.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass

READY = "READY=1"
STOPPING = "STOPPING=1"


@dataclass(frozen=True, slots=True)
class ServiceManager:
    """Who started this process as a service. ``address`` is empty when nobody asked to be told."""

    address: str = ""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> ServiceManager:
        """The manager named in ``NOTIFY_SOCKET``: a path, or ``@`` and an abstract name."""
        return cls(environ.get("NOTIFY_SOCKET", ""))

    def tell(self, state: str, status: str) -> None:
        """Say ``state``, and ``status`` as the line that ``systemctl status`` shows. Never waits, never fails."""
        if not self.address.startswith(("/", "@")):
            return
        place = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as said:
            said.setblocking(False)
            said.sendto(f"{state}\nSTATUS={status}".encode(), place)
