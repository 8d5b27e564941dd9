"""Finding peers on the local network by mDNS.

Service ``_chorus-peers._udp.local.``: the original's name, ``chorus-peer-discovery``, is longer than the 15 bytes that
DNS-SD allows, so it stands in TXT. There too: the peer id, a short hash of the network key, so that networks ignore
each other, and the addresses. The library's own listener is not used: it wants SRV and A records that other
implementations do not send, and blocks for 18 s on each peer without them.

The rule it keeps: a machine without multicast loses discovery, nothing else; it is said once and tried again.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import structlog
import trio
from zeroconf import (
    Error,
    InterfaceChoice,
    IPVersion,
    ServiceBrowser,
    ServiceInfo,
    ServiceStateChange,
    Zeroconf,
)

from chorus_tui.engine.protocol.identity import is_peer_id
from chorus_tui.engine.settings import MULTIADDR

log = structlog.get_logger(__name__)

SERVICE: Final = "_chorus-peers._udp.local."
ORIGINAL_NAME: Final = "chorus-peer-discovery"
MAX_ADDRESSES: Final = 6
RETRY_S: Final = 15.0

Heard = Callable[[str, list[str]], None]


class Discovery:
    """``addresses``: own ones. ``heard``: called in trio's thread with (peer id, addresses)."""

    def __init__(
        self, own_id: str, key: bytes | None, addresses: Callable[[], list[str]], heard: Heard, *, loopback_only: bool
    ) -> None:
        self._own_id = own_id
        self._network = network_hash(key)
        self._addresses = addresses
        self._heard = heard
        self._loopback_only = loopback_only
        self.problem: str | None = None

    async def run(self, port: int) -> None:
        """Announce and listen until cancelled."""
        while True:
            try:
                await self._announce(port)
            except (OSError, RuntimeError, Error) as error:
                reason = (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
                if self.problem is None:
                    log.warning("no discovery on the local network, trying again", reason=reason)
                self.problem = f"no discovery on the local network: {reason}; bootstrap peers still work"
            await trio.sleep(RETRY_S)

    async def _announce(self, port: int) -> None:
        token = trio.lowlevel.current_trio_token()
        zeroconf = await _in_thread(self._open)
        try:
            info = self._info(port)
            told = self._addresses()
            await _in_thread(self._start, zeroconf, info, token)
            self.problem = None
            while self._addresses() == told:  # noqa: ASYNC110 - a laptop's addresses change without an event
                await trio.sleep(RETRY_S)
        finally:
            with trio.move_on_after(0.8), trio.CancelScope(shield=True):
                await _in_thread(zeroconf.close)

    def _open(self) -> Zeroconf:
        interfaces: Any = ["127.0.0.1"] if self._loopback_only else InterfaceChoice.All
        return Zeroconf(interfaces=interfaces, ip_version=IPVersion.V4Only)

    def _start(self, zeroconf: Zeroconf, info: ServiceInfo, token: trio.lowlevel.TrioToken) -> None:
        # The browser first: registering probes for over a second, and who is there already need not wait for that.
        def changed(zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
            if state_change is not ServiceStateChange.Removed:
                self._read(zeroconf, service_type, name, token)

        ServiceBrowser(zeroconf, SERVICE, handlers=[changed])
        zeroconf.register_service(info, cooperating_responders=True)

    def _info(self, port: int) -> ServiceInfo:
        properties = {"v": "1", "name": ORIGINAL_NAME, "peer": self._own_id, "net": self._network}
        addresses = self._addresses()[:MAX_ADDRESSES]
        properties |= {f"a{n}": a.partition("/p2p/")[0] for n, a in enumerate(addresses)}
        hosts = [a.split("/")[2] for a in addresses if a.startswith("/ip4/")]
        return ServiceInfo(
            SERVICE,
            f"{self._own_id}.{SERVICE}",
            port=port,
            addresses=[socket.inet_aton(host) for host in hosts],
            properties=properties,
            server=f"{self._own_id[-16:].lower()}.local.",
        )

    def _read(self, zeroconf: Zeroconf, service_type: str, name: str, token: trio.lowlevel.TrioToken) -> None:
        # In zeroconf's thread: what came with the answer is in the cache; asking for more would block all discovery.
        info = ServiceInfo(service_type, name)
        info.load_from_cache(zeroconf)
        found = read_properties(info.properties, self._network)
        if found is not None and found[0] != self._own_id:
            try:
                token.run_sync_soon(self._heard, *found)
            except trio.RunFinishedError:
                log.debug("found a peer after the end", peer=found[0])


async def _in_thread(call: Callable[..., Any], *arguments: Any) -> Any:
    """Run something that blocks; cancelled, it is left to end by itself."""
    run: Any = trio.to_thread.run_sync
    return await run(partial(call, *arguments), abandon_on_cancel=True)


def network_hash(key: bytes | None) -> str:
    """Eight hex digits that tell networks apart, and tell nothing of the key."""
    return hashlib.sha256(b"chorus/discovery/1\0" + (key or b"open")).hexdigest()[:8]


def read_properties(properties: dict[bytes, bytes | None], network: str) -> tuple[str, list[str]] | None:
    """(peer id, addresses) of an announcement, or None when it is not of our network or makes no sense."""
    try:
        text = {key.decode(): (value or b"").decode() for key, value in properties.items()}
    except UnicodeDecodeError:
        return None
    peer_id = text.get("peer", "")
    if text.get("net") != network or not is_peer_id(peer_id):
        return None
    addresses = [text[key] for n in range(MAX_ADDRESSES) if (key := f"a{n}") in text]
    places = [a.partition("/p2p/")[0] for a in addresses if len(a) <= 200]
    dialled = [f"{place}/p2p/{peer_id}" for place in places if MULTIADDR.fullmatch(place)]
    return (peer_id, dialled) if dialled else None
