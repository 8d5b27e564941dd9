"""From which pages a browser may ask: the Host and Origin that a foreign web page cannot forge. Pure.

A page of another site can make a browser send requests here, and can rebind its own name to this machine's address. It can change
neither the Host that its own name gives nor the Origin that the browser adds.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit


def known_host(host: str | None, allowed: Collection[str]) -> bool:
    """Whether a Host header is none that a public site could have: an address, a name without a dot, or one of ``allowed``."""
    name = _name(f"//{host or ''}")
    return _is_address(name) or (bool(name) and "." not in name) or name in allowed


def same_site(origin: str, host: str | None) -> bool:
    """Whether an Origin header is that of the site which the Host header names."""
    return origin.partition("://")[2].lower() == (host or "").lower()


def _name(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
