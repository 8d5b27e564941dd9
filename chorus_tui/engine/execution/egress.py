"""What may leave a sandbox: the request for a way out, and the rules it has to pass. Pure, without I/O.

A task with allowed hosts says ``CONNECT host:port`` as to any proxy. Only a host that the task names *and* the agent's
settings list passes, by exact comparison. A name that leads to an address of this machine or of its own networks
does not pass: else whoever owns a name decides what of ours is reached. The addresses that were checked are the ones
that are connected to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from chorus_tui.contract.hosts import Target, target
from chorus_tui.engine.execution.errors import HostNotAllowed

HEAD_BYTES = 8192
TOTAL_BYTES = 256 << 20
"""What one task may carry in and out together."""

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"

_CONNECT = re.compile(rb"CONNECT ([!-~]{1,300}) HTTP/1\.[01]")
_OTHER = re.compile(rb"[A-Z]{1,20} [!-~]+ HTTP/1\.[01]")
_REASONS = {
    400: "Bad Request", 403: "Forbidden", 405: "Method Not Allowed", 408: "Request Timeout", 429: "Too Many Requests",
    431: "Request Header Fields Too Large", 502: "Bad Gateway",
}  # fmt: skip
_NAT64 = IPv6Network("64:ff9b::/96")
_UNICAST = IPv6Network("2000::/3")
# Inner services of clouds at addresses that the library takes for any other, and what it does not know of yet.
_INWARD = tuple(map(ip_network, ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "3fff::/20")))

Address = IPv4Address | IPv6Address


class Refused(Exception):
    """No way out: an HTTP status for the client and a sentence for people. ``where`` is empty where nothing was read."""

    def __init__(self, status: int, why: str, where: str = "") -> None:
        super().__init__(why)
        self.status = status
        self.where = where

    def answer(self) -> bytes:
        """What the client is told; the connection ends with it."""
        body = f"{self}\n".encode()
        allow = "Allow: CONNECT\r\n" if self.status == 405 else ""
        head = (
            f"HTTP/1.1 {self.status} {_REASONS[self.status]}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"{allow}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        return head.encode("ascii") + body


class HeadReader:
    """Feed it bytes as they come until it gives the target. ``rest`` is what came behind the head."""

    def __init__(self) -> None:
        self.rest = b""
        self._head = bytearray()

    def feed(self, data: bytes) -> Target | None:
        """None while the head is not whole; raises :class:`Refused` for anything but a ``CONNECT host:port``."""
        searched = max(0, len(self._head) - 3)
        self._head += data
        end = self._head.find(b"\r\n\r\n", searched)
        if end > HEAD_BYTES or (end < 0 and len(self._head) > HEAD_BYTES):
            raise Refused(431, f"a request's head has at most {HEAD_BYTES} bytes")
        if end < 0:
            return None
        self.rest = bytes(self._head[end + 4 :])
        return _asked(bytes(self._head[:end]).partition(b"\r\n")[0])


def _asked(line: bytes) -> Target:
    said = _CONNECT.fullmatch(line)
    if said is None:
        if _OTHER.fullmatch(line):
            raise Refused(405, "only CONNECT host:port leads out of a sandbox: use https")
        raise Refused(400, "this is no HTTP request")
    try:
        return target(said[1].decode("ascii"), port=None)
    except ValueError as error:
        raise Refused(403, f"the host asked for is not usable: {error}") from None


@dataclass(frozen=True, slots=True)
class Gate:
    """Who may be reached: what the task ``asked`` for, as far as the agent's settings have it ``listed``."""

    asked: frozenset[Target]
    listed: frozenset[Target]

    def check(self, where: Target) -> None:
        """Raises :class:`Refused` unless exactly this host and port may be reached."""
        if where not in self.asked or where not in self.listed:
            raise Refused(403, "it is not among the task's allowed_hosts", str(where))

    def passing(self, where: Target, found: Iterable[str]) -> list[Address]:
        """Of the addresses ``found`` for a host those that may be connected to, in their order.

        Raises :class:`Refused` when none is left.
        """
        addresses = [ip_address(one) for one in dict.fromkeys(found) if "%" not in one]
        kept = [one for one in addresses if public(one) or Target(str(one), where.port) in self.listed]
        if not kept:
            raise Refused(403, "its name leads to this machine, a network of its own, or nowhere", str(where))
        return kept


def gate(asked: Iterable[str], listed: Iterable[str]) -> Gate:
    """The gate of a task. Raises :class:`HostNotAllowed` when it asks for what settings do not list."""
    wanted, known = frozenset(map(target, asked)), frozenset(map(target, listed))
    missing = ", ".join(sorted(str(one) for one in wanted - known))
    if missing:
        raise HostNotAllowed(
            f"allowed_hosts: this agent lets no task out to {missing}; its operator may list it in CHORUS_SANDBOX_HOSTS"
        )
    return Gate(wanted, known)


def public(address: Address) -> bool:
    """Whether an address belongs to the internet at large, also when it stands within another one."""
    if not address.is_global or address.is_multicast:
        return False
    if any(address in network for network in _INWARD):
        return False
    if isinstance(address, IPv4Address):
        return True
    return (address in _UNICAST or address in _NAT64) and all(public(one) for one in _within(address))


def _within(address: IPv6Address) -> list[IPv4Address]:
    """IPv4 addresses that traffic to this one may end up at."""
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in found if one is not None]


class Allowance:
    """Bytes a task may still carry. ``used`` counts what was carried."""

    def __init__(self, total: int = TOTAL_BYTES) -> None:
        self.used = 0
        self._total = total

    @property
    def spent(self) -> bool:
        """Whether nothing is left."""
        return self.used >= self._total

    def take(self, count: int) -> bool:
        """Count a piece; False when it does not fit, and then nothing does any more."""
        fits = self.used + count <= self._total
        self.used = self.used + count if fits else self._total
        return fits
