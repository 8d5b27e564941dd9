"""Which addresses to tell others: announced ones first, then those of the interfaces listened on."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

import ifaddr


def advertised(host: str, port: int, peer_id: str, announced: Iterable[str]) -> list[str]:
    """Multiaddrs with ``/p2p/<id>``, best first.

    A wildcard ``host`` becomes the addresses of all interfaces, loopback last; listening on loopback advertises
    loopback only.
    """
    found = [f"{address.rstrip('/').partition('/p2p/')[0]}/p2p/{peer_id}" for address in announced]
    hosts = _expanded(ipaddress.ip_address(host))
    found += [f"/ip{address.version}/{address}/tcp/{port}/p2p/{peer_id}" for address in hosts]
    return list(dict.fromkeys(found))


def _expanded(
    host: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    if not host.is_unspecified:
        return [host]
    addresses = []
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            text = ip.ip if isinstance(ip.ip, str) else ip.ip[0]
            address = ipaddress.ip_address(text.partition("%")[0])
            if address.version == host.version and not address.is_link_local:
                addresses.append(address)
    return sorted(addresses, key=lambda a: (a.is_loopback, not a.is_private, int(a)))
