"""The DHT on real nodes: what it says it keeps is kept, under our protocol, by members only, within its bounds."""

from __future__ import annotations

import hashlib
from pathlib import Path

import trio
from libp2p.peer.id import ID

from chorus_tui.engine.mesh.dht import A_RECORD, LARGEST, Dht, key_of
from chorus_tui.engine.mesh.hardening.kad import PROTOCOL
from tests.integration.mesh.nodes import Node, until

VALUE = b"what was decided\n" * 40


def digest(value: bytes) -> str:
    return f"sha256:{hashlib.sha256(value).hexdigest()}"


async def mesh_of(count: int, folder: Path, nursery: trio.Nursery, **options) -> list[Node]:
    """Nodes 1 to ``count``, all linked, all in each other's routing tables."""
    nodes: list[Node] = []
    for number in range(1, count + 1):
        node = Node(number, folder, dht=True, **options)
        address = await node.start(nursery)
        for other in nodes:
            await other.mesh.connect(address)
        nodes.append(node)
    await until(lambda: all(len(node.linked_to()) == count - 1 for node in nodes))
    for node in nodes:
        await dht(node)._tend()
    assert all(dht(node).known == count - 1 for node in nodes)
    return nodes


def dht(node: Node) -> Dht:
    assert node.mesh.values is not None
    return node.mesh.values


async def test_a_value_outlives_its_author_and_a_newcomer_finds_it(tmp_path):
    """Put by one and confirmed by all others; its author and another holder are gone for good; a node that came later has it."""
    async with trio.open_nursery() as nursery:
        first, *others = await mesh_of(4, tmp_path, nursery)
        assert await dht(first).put(VALUE) == 3
        await first.stop()
        await others[0].stop()
        late = Node(9, tmp_path, dht=True)
        address = await late.start(nursery)
        await others[1].mesh.connect(address)
        await until(lambda: len(late.linked_to()) >= 1)
        await dht(late)._tend()
        assert await dht(late).get(digest(VALUE)) == VALUE
        assert await dht(late).get(digest(b"never put")) is None
        assert (dht(late).gets.queries, dht(late).hits, dht(late).gets.failures) == (2, 0, 1)
        assert await dht(others[1]).get(digest(VALUE)) == VALUE
        assert (dht(others[1]).gets.queries, dht(others[1]).hits, dht(others[1]).gets.took.count) == (1, 1, 1)
        nursery.cancel_scope.cancel()


async def test_what_is_put_says_how_many_really_hold_it(tmp_path):
    """Alone: nobody. Too large: nobody, and nothing is stored. Put again: the same holders confirm again."""
    async with trio.open_nursery() as nursery:
        (alone,) = await mesh_of(1, tmp_path / "alone", nursery)
        assert await dht(alone).put(VALUE) == 0
        await alone.stop()
        one, other = await mesh_of(2, tmp_path / "two", nursery)
        assert await dht(one).put(bytes(LARGEST + 1)) == 0
        assert await dht(one).put(VALUE) == 1
        assert await dht(one).put(VALUE) == 1
        assert await dht(other).get(digest(bytes(LARGEST + 1))) is None
        assert (dht(alone).puts.queries, dht(alone).puts.failures) == (1, 1)
        assert (dht(one).puts.queries, dht(one).puts.failures, dht(other).holding[0]) == (2, 0, 1)
        nursery.cancel_scope.cancel()


async def test_a_value_that_is_not_its_hash_is_taken_by_nobody_and_believed_by_nobody(tmp_path):
    """A member that stores something else under a key is refused; one that answers with something else is not believed."""
    async with trio.open_nursery() as nursery:
        liar, honest = await mesh_of(2, tmp_path, nursery)
        key = key_of(digest(VALUE)).encode()
        store = dht(liar)._kad.value_store
        assert not await store._store_at_peer(ID.from_string(honest.peer_id), key, b"something else")
        assert dht(honest)._kad.value_store.get(key) is None
        store.put(key, b"something else")
        assert await dht(honest).get(digest(VALUE)) is None
        assert dht(honest)._kad.value_store.get(key) is None
        nursery.cancel_scope.cancel()


async def test_it_speaks_a_protocol_of_our_own(tmp_path):
    """Neither asked nor answered under the name of other Kademlia networks."""
    async with trio.open_nursery() as nursery:
        one, _ = await mesh_of(2, tmp_path, nursery)
        served = {str(protocol) for protocol in one.mesh._host.get_mux().get_protocols()}
        assert str(PROTOCOL) == "/chorus/kad/1.0.0"
        assert str(PROTOCOL) in served
        assert not any("/ipfs/kad" in protocol for protocol in served)
        nursery.cancel_scope.cancel()


async def test_who_is_no_member_stores_nothing(tmp_path):
    """The gate that stands before every protocol stands before this one."""
    async with trio.open_nursery() as nursery:
        stranger, member = await mesh_of(2, tmp_path, nursery)
        member.mesh.set_gate(lambda _peer, _protocol: False)
        assert await dht(stranger).put(VALUE) == 0
        assert dht(member)._kad.value_store.get(key_of(digest(VALUE)).encode()) is None
        nursery.cancel_scope.cancel()


async def test_the_cache_is_bounded_in_bytes(tmp_path):
    """However many values come, what is held stays within the bound, and the longest held goes first; tiny ones count too."""
    async with trio.open_nursery() as nursery:
        one, other = await mesh_of(2, tmp_path, nursery, dht_cache=13_000)
        values = [bytes([n]) * 3_000 for n in range(6)]
        for value in values:
            await dht(one).put(value)
        held = dht(other)._kad.value_store
        assert held.held <= 13_000
        assert [key_of(digest(value)).encode() in held.store for value in values] == [False] * 3 + [True] * 3
        for n in range(20):
            await dht(one).put(bytes([n]))
        assert len(held.store) == 13_000 // (A_RECORD + 1)
        assert held.held == sum(len(record.value) + A_RECORD for record, _ in held.store.values())
        nursery.cancel_scope.cancel()


async def test_what_nobody_puts_anew_goes_and_its_author_puts_it_anew_in_time(tmp_path):
    """After its time to live a value of somebody who left is gone; that of somebody who stays was put anew at a third of it."""
    async with trio.open_nursery() as nursery:
        stays, leaves, holds = await mesh_of(3, tmp_path, nursery, dht_ttl=10.0)
        other = b"of somebody who left"
        await dht(stays).put(VALUE)
        await dht(leaves).put(other)
        await leaves.stop()
        held = dht(holds)._kad.value_store
        mine, theirs = (key_of(digest(value)).encode() for value in (VALUE, other))
        first = held.store[mine][1]
        while held.has(theirs):
            await trio.sleep(0.3)
            await dht(stays)._tend()
        assert held.has(mine)
        assert held.store[mine][1] > first
        nursery.cancel_scope.cancel()
