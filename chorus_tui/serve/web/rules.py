"""What the browser portal lets in, and what it says about itself. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from chorus_tui.contract.sites import known_host, same_site

SIZES: Final = ((10, 500), (4, 300))
"""Columns and lines that a terminal may have, from and to."""
LINKS: Final = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class Limits:
    """``sessions``: tabs at once. ``message``: bytes of one message of a browser. The others are seconds: without a key, and of one
    visit, after which its cookie and its token are void."""

    sessions: int = 8
    message: int = 256 * 1024
    idle_s: float = 4 * 3600.0
    visit_s: float = 12 * 3600.0

    @property
    def connections(self) -> int:
        """At once, half of them from one address: all may come through one tunnel, and each tab needs one."""
        return 64 + 2 * self.sessions


@dataclass(frozen=True, slots=True)
class Said:
    """What a browser says. ``kind``: keys, size, focus, blur, ping."""

    kind: str
    text: str = ""
    size: tuple[int, int] = (0, 0)
    ping: Any = None


def refused(host: str | None, origin: str | None, allowed: frozenset[str], *, wanted: bool) -> str:
    """Why a request is refused, in words; empty when it may pass. ``wanted``: it must have an Origin."""
    if not known_host(host, allowed):
        return "This Host is not served here. Use the address that chorus-tui printed."
    if origin is None:
        return "A browser says from which page it asks; this request does not." if wanted else ""
    return "" if same_site(origin, host) else "Requests from other sites are refused."


def headers(host: str) -> dict[str, str]:
    """Of every answer. A page may load and reach this host alone; styles also stand in the page, because the terminal makes some."""
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self'; "
        f"connect-src 'self' ws://{host} wss://{host}; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy, "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY", "Cache-Control": "no-store", "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }  # fmt: skip


def read(text: str) -> Said | None:
    """A message of textual-serve's script; None when it is none. Raises nothing, whatever it holds."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, list) or not said:
        return None
    kind, data = said[0], said[1] if len(said) > 1 else None
    match kind:
        case "stdin" if isinstance(data, str):
            # Half of a pair is no character: it could not be sent on.
            return Said("keys", text=data.encode("utf-8", "replace").decode())
        case "resize" if isinstance(data, dict):
            return Said("size", size=size(data.get("width"), data.get("height")))
        case "focus" | "blur":
            return Said(str(kind))
        case "ping":
            return Said("ping", ping=data)
    return None


def size(width: object, height: object) -> tuple[int, int]:
    """A terminal's size that can be had, whatever was asked for."""
    (least_wide, most_wide), (least_high, most_high) = SIZES
    return _within(width, 80, least_wide, most_wide), _within(height, 24, least_high, most_high)


def _within(value: object, default: int, least: int, most: int) -> int:
    try:
        number = int(str(value))
    except ValueError:
        return default
    return max(least, min(most, number))


def may_open(url: object) -> bool:
    """Whether a link of the portal may be opened in the guest's browser: a page of the web, nothing that runs."""
    return isinstance(url, str) and url.lower().startswith(LINKS)
