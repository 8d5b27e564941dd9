"""Whether what somebody typed can be the address of a peer. Pure."""

from __future__ import annotations

from chorus_tui.engine.protocol.identity import is_peer_id


def fault(address: str) -> str:
    """What is wrong with it, in words; empty for one that can be dialled, with or without ``/p2p/<id>``."""
    if not address.startswith("/"):
        return "not a multiaddr, such as /ip4/192.0.2.1/tcp/9000; status shows each peer's own"
    _, named, peer_id = address.partition("/p2p/")
    if named and not is_peer_id(peer_id):
        return "what stands after /p2p/ is no peer id; take it whole from that peer's status, or leave /p2p/ and it out"
    return ""
