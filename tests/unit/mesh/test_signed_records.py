"""The signed record of a peer's addresses that comes with its first frame."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.envelope import seal_record
from libp2p.peer.id import ID
from libp2p.peer.peer_record import PeerRecord
from libp2p.peer.peerstore import PeerStore
from libp2p.pubsub.pb import rpc_pb2
from multiaddr import Multiaddr

from chorus_tui.engine.mesh.hardening import records

OURS, THEIRS = create_new_key_pair(b"\x01" * 32), create_new_key_pair(b"\x02" * 32)
PEER = ID.from_pubkey(OURS.public_key)
NEW, OLD = Multiaddr("/ip4/127.0.0.1/tcp/2"), Multiaddr("/ip4/127.0.0.1/tcp/1")


def hello(seq: int, address: Multiaddr, *, keys=OURS, of: ID = PEER) -> rpc_pb2.RPC:
    """A frame with a record of this number, signed by ``keys``."""
    return rpc_pb2.RPC(senderRecord=seal_record(PeerRecord(of, [address], seq), keys.private_key).marshal_envelope())


@pytest.fixture
def host():
    """A host that knows a record of the peer, from a connection that has ended."""
    store = PeerStore()
    one = SimpleNamespace(get_peerstore=lambda: store)
    assert records.consume(hello(2000, NEW), one, PEER)
    records.forget(one, PEER)
    return one


def test_a_record_of_a_clock_that_was_set_back_costs_nothing_but_itself(host):
    """A right record that is older than the known one is not used, and its frame counts."""
    assert records.consume(hello(1000, OLD), host, PEER)
    assert host.get_peerstore().addrs(PEER) == [NEW]


@pytest.mark.parametrize(
    "frame",
    [
        hello(3000, OLD, keys=THEIRS),
        hello(1000, OLD, keys=THEIRS),
        hello(3000, OLD, keys=THEIRS, of=ID.from_pubkey(THEIRS.public_key)),
        rpc_pb2.RPC(senderRecord=hello(3000, OLD).senderRecord[:-1] + b"\x00"),
        rpc_pb2.RPC(senderRecord=b"\xff\xfe"),
    ],
    ids=["forged", "forged and older", "somebody else's", "broken signature", "junk"],
)
def test_a_record_that_is_not_the_peers_own_drops_the_frame(host, frame):
    """Signed by another key, of another peer, or broken: refused, and the known addresses stay."""
    assert not records.consume(frame, host, PEER)
    assert host.get_peerstore().addrs(PEER) == [NEW]
