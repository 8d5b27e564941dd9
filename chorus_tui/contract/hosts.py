"""Hosts a sandbox may be let out to: how one is written, and when two are the same. Pure.

A host is taken as it stands, but for upper case: no wildcard, no trailing dot, no way of writing an address but the usual
one, no letters beyond ASCII. What people approve is then what is reached, and two that look alike are not the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

HTTPS = 443
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
# A last part that is a number makes an address of it for many resolvers: 127.1, 0x7f000001, 2130706433.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_LONGEST = 253


@dataclass(frozen=True, slots=True)
class Target:
    """A host (a name in small letters, or an address in its shortest form) and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def target(text: str, *, port: int | None = HTTPS) -> Target:
    """Read ``host``, ``host:port`` or the same with ``[IPv6]``; ``port`` is what counts where none is given.

    Raises ValueError in words; with ``port`` None also where none is given.
    """
    if not text.isascii():
        raise ValueError(f"write it in ASCII{_in_ascii(text)}")
    if text.startswith("["):
        inside, closed, rest = text[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise ValueError("an IPv6 address stands in brackets, such as [2001:db8::1]:443")
        return Target(_ipv6(inside), _port(rest[1:] if rest else None, port))
    host, colon, given = text.partition(":")
    return Target(_name(host.lower()), _port(given if colon else None, port))


def _in_ascii(text: str) -> str:
    try:
        return f": {text.encode('idna').decode('ascii')}"
    except UnicodeError:
        return ""


def _port(given: str | None, default: int | None) -> int:
    if given is None:
        if default is None:
            raise ValueError("the port is missing")
        return default
    if not _PORT.fullmatch(given) or int(given) > 65535:
        raise ValueError("a port is a number from 1 to 65535")
    return int(given)


def _ipv6(text: str) -> str:
    try:
        address = IPv6Address(text)
    except ValueError:
        raise ValueError("what stands in brackets is no IPv6 address") from None
    if address.scope_id is not None:
        raise ValueError("an address with a zone is no host for others")
    return str(address)


def _name(host: str) -> str:
    parts = host.split(".")
    if _NUMBER.fullmatch(parts[-1]):
        try:
            return str(IPv4Address(host))
        except ValueError:
            raise ValueError("it ends like an address and is none; write four numbers with dots") from None
    if len(host) > _LONGEST or not all(_LABEL.fullmatch(part) for part in parts):
        raise ValueError(
            "no host name; write letters, digits, '-' and dots between, without scheme, path, user or wildcard"
        )
    return host
