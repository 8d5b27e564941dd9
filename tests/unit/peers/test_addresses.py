"""What is typed to be dialled."""

from __future__ import annotations

import pytest

from chorus_tui.engine.peers.addresses import fault
from chorus_tui.engine.protocol.identity import Identity

PEER = Identity(b"\x01" * 32).peer_id
PLACE = "/ip4/192.0.2.1/tcp/9000"


@pytest.mark.parametrize("address", [PLACE, f"{PLACE}/p2p/{PEER}"])
def test_an_address_is_dialled_with_and_without_a_peer_id(address: str) -> None:
    """Nothing is held against it."""
    assert fault(address) == ""


@pytest.mark.parametrize("peer_id", ["", "12D3KooWxxxx", PEER[:-1], f"{PEER}x", f"{PEER}/p2p/{PEER}", "0" * 52])
def test_a_peer_id_that_can_be_none_is_refused_before_anything_is_dialled(peer_id: str) -> None:
    """Cut, made up or doubled: the words name the part of the address that is wrong."""
    assert "/p2p/ is no peer id" in fault(f"{PLACE}/p2p/{peer_id}")


@pytest.mark.parametrize("address", ["", "over there", "192.0.2.1:9000", PEER])
def test_what_is_no_multiaddr_is_told_how_one_looks(address: str) -> None:
    """With an example."""
    assert "/ip4/192.0.2.1/tcp/9000" in fault(address)
