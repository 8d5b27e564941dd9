"""Connections of real nodes: loss and return of peers, redialling, the end."""

from __future__ import annotations

import socket

import pytest
import trio

from chorus_tui.engine.mesh import links
from chorus_tui.engine.mesh.hardening.yamux import cut
from chorus_tui.engine.mesh.interface import Unreachable
from tests.support.patience import PATIENCE

from .nodes import TOPIC, Freezer, Node, connections, echo, port_of, until, until_heard


async def test_five_peers_outlive_their_bootstrap_peer(tmp_path) -> None:
    """Peers that know one address only end fully connected, and stay so when that peer is gone."""
    async with trio.open_nursery() as nursery:
        hub = Node(1, tmp_path)
        place = (await hub.start(nursery)).partition("/p2p/")[0]
        others = [Node(n, tmp_path, bootstrap=[place]) for n in range(2, 7)]
        for node in others:
            nursery.start_soon(node.start, nursery)
        everybody = {node.peer_id for node in (hub, *others)}
        await until(lambda: all(node.linked_to() == everybody - {node.peer_id} for node in (hub, *others)), 20)
        await hub.stop()
        rest = everybody - {hub.peer_id}
        await until(lambda: all(node.linked_to() == rest - {node.peer_id} for node in others), 3)
        await until_heard(others[0], others[4], b"without the hub")
        # A restarted peer finds them from its own address book, though its bootstrap peer is gone.
        await others[0].stop()
        again = Node(2, tmp_path, bootstrap=[place])
        await again.start(nursery)
        await until(lambda: again.linked_to() == rest - {again.peer_id}, 10)

        assert again.mesh.problems()[0].startswith("bootstrap peer not reached")
        nursery.cancel_scope.cancel()


class ThreeBehindOneName(trio.abc.HostnameResolver):
    """What a Swarm's name server says of a service: the addresses of all its replicas, the asker's own first."""

    async def getaddrinfo(self, host, port, family=0, type=0, proto=0, flags=0):  # noqa: A002 - named so by trio
        if host in ("agents.test", b"agents.test"):
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{n}", int(port))) for n in (1, 2, 3)]
        return await trio.to_thread.run_sync(socket.getaddrinfo, host, port, family, type, proto, flags)

    async def getnameinfo(self, sockaddr, flags):
        return await trio.to_thread.run_sync(socket.getnameinfo, sockaddr, flags)


async def test_a_name_stands_for_several_peers(tmp_path) -> None:
    """One dial of a name reaches every peer behind it, though the first address is the dialler's own."""
    trio.socket.set_custom_hostname_resolver(ThreeBehindOneName())
    async with trio.open_nursery() as nursery:
        a = Node(1, tmp_path, listen_host="127.0.0.1")
        port = port_of(await a.start(nursery))
        name = f"/dns4/agents.test/tcp/{port}"
        others = [Node(n, tmp_path, listen_host=f"127.0.0.{n}", p2p_port=port) for n in (2, 3)]
        for node in others:
            await node.start(nursery)
        assert await a.mesh.connect(name) in {node.peer_id for node in others}
        assert a.linked_to() == {node.peer_id for node in others}
        assert await a.mesh.connect(f"{name}/p2p/{others[1].peer_id}") == others[1].peer_id
        for node in others:
            await node.stop()
        with pytest.raises(Unreachable, match="refused"):
            await a.mesh.connect(name)
        nursery.cancel_scope.cancel()


async def test_odd_addresses_end_nobody(tmp_path) -> None:
    """A member that states addresses which nobody can dial, and is then gone, costs others failed dials: those who heard it themselves, those
    who heard of it, and those who start again with what they kept."""
    odd = ["/dns4/nowhere.invalid/udp/5", "/dns4/nowhere.invalid", "/dns6/nowhere.invalid/tcp", "/p2p-circuit", "/"]
    async with trio.open_nursery() as nursery:
        hub = Node(1, tmp_path)
        place = await hub.start(nursery)
        strange = Node(2, tmp_path, bootstrap=[place])
        address = await strange.start(nursery)
        strange.mesh._book.state_own([*odd, address])
        other = Node(3, tmp_path, bootstrap=[place])
        await other.start(nursery)
        await until(lambda: strange.peer_id in other.linked_to())
        await strange.stop()
        before = other.mesh.counters.dials_failed
        await until(lambda: other.mesh.counters.dials_failed > before + 2)
        await other.stop()
        again = Node(3, tmp_path, bootstrap=[place])
        await again.start(nursery)
        await until(lambda: again.mesh.counters.dials_failed > 2)

        assert again.linked_to() == {hub.peer_id}
        with pytest.raises(Unreachable, match="not a multiaddr"):
            await again.mesh.connect(odd[0])
        nursery.cancel_scope.cancel()


async def test_both_dial_at_once(tmp_path) -> None:
    """Two peers that dial each other in the same moment end with a link that carries streams both ways."""
    async with trio.open_nursery() as nursery:
        a, b = Node(1, tmp_path), Node(2, tmp_path)
        for node in (a, b):
            node.mesh.serve("/t/echo/1", echo)
        places = await a.start(nursery), await b.start(nursery)
        async with trio.open_nursery() as dialling:
            dialling.start_soon(a.mesh.connect, places[1])
            dialling.start_soon(b.mesh.connect, places[0])
        for opener, server in ((a, b), (b, a)):
            stream = await opener.mesh.open(server.peer_id, "/t/echo/1")
            await stream.send(b"hello")
            assert await stream.receive() == b"hello"
        await until_heard(a, b, b"from a")
        await until_heard(b, a, b"from b")

        assert (a.linked_to(), b.linked_to()) == ({b.peer_id}, {a.peer_id})
        nursery.cancel_scope.cancel()


async def test_a_frozen_path_is_noticed_and_redialled(tmp_path) -> None:
    """A path that carries nothing without closing is suspect, then cut; when it carries again, peers meet again."""
    async with trio.open_nursery() as nursery:
        a = Node(1, tmp_path)
        freezer = Freezer(port_of(await a.start(nursery)))
        await nursery.start(freezer.run)
        b = Node(2, tmp_path, bootstrap=[f"/ip4/127.0.0.1/tcp/{freezer.port}/p2p/{a.peer_id}"])
        await a.mesh.forget(b.peer_id)  # else a dials b directly, past the proxy
        await b.start(nursery)
        await until_heard(a, b, b"before")
        link = b.mesh.links()[a.peer_id]
        freezer.freeze()
        await until(lambda: link.suspect, 4)
        await until(lambda: (b.peer_id, False) in a.changes and (a.peer_id, False) in b.changes, 8)
        freezer.thaw()
        await until_heard(a, b, b"after")
        await until_heard(b, a, b"back")
        nursery.cancel_scope.cancel()


def cut_links(node: Node, other: Node) -> None:
    """Close the sockets beneath all connections of ``node`` to ``other``."""
    for conn in connections(node, other):
        cut(conn.muxed_conn)


async def test_a_link_that_was_cut_stays_down_until_the_keeper_dials(tmp_path) -> None:
    """Neither a ping nor gossip that meets the end of its link makes a new one past the keeper's pause."""
    async with trio.open_nursery() as nursery:
        a, b = (Node(n, tmp_path, redial=(60, 60), ping_interval=0.05) for n in (1, 2))
        address = await a.start(nursery)
        await b.start(nursery)
        await b.mesh.connect(address)
        await until_heard(a, b, b"before")
        cut_links(b, a)
        await until(lambda: not a.mesh.links() and not b.mesh.links())
        for _ in range(20):
            await a.mesh.publish(TOPIC, b"to nobody")
            await trio.sleep(0.05)

        assert a.changes == [(b.peer_id, True), (b.peer_id, False)]
        assert b.changes == [(a.peer_id, True), (a.peer_id, False)]
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("redial", [(60, 60), (0, 0.001)], ids=["by hand", "by the keeper"])
async def test_a_link_that_is_back_at_once_carries_gossip(tmp_path, redial) -> None:
    """Cut by either side and made again before the library's queue heard of it, a link is not deaf."""
    async with trio.open_nursery() as nursery:
        a, b = Node(1, tmp_path, redial=redial), Node(2, tmp_path, redial=redial)
        address = await a.start(nursery)
        await b.start(nursery)
        await b.mesh.connect(address)
        for round_ in range(6):
            await until_heard(a, b, b"to b %d" % round_, seconds=5)
            await until_heard(b, a, b"to a %d" % round_, seconds=5)
            one, other = ((a, b), (b, a))[round_ % 2]
            old = connections(b, a)
            cut_links(one, other)
            await until(lambda old=old: not any(conn in old for conn in connections(b, a)))
            await b.mesh.connect(address)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("dialled", ["by the lost", "by the other"])
async def test_a_peer_that_is_back_before_its_end_was_seen_is_heard(tmp_path, monkeypatch, dialled) -> None:
    """When a peer's path dies without a word and it dials anew, its old connection is closed, whoever had made it, and
    the new one carries gossip both ways, long before a ping is missed."""
    monkeypatch.setattr(links, "DIAL_TAKES_S", 0.0)  # as if the first connection were old
    async with trio.open_nursery() as nursery:
        a, b = (Node(n, tmp_path, redial=(60, 60), ping_interval=60) for n in (1, 2))
        places = {node: await node.start(nursery) for node in (a, b)}
        first, second = (b, a) if dialled == "by the lost" else (a, b)
        freezer = Freezer(port_of(places[second]))
        await nursery.start(freezer.run)
        await first.mesh.connect(f"/ip4/127.0.0.1/tcp/{freezer.port}/p2p/{second.peer_id}")
        await until_heard(a, b, b"before")
        freezer.freeze()
        cut_links(b, a)
        await until(lambda: not b.mesh.links())
        await b.mesh.connect(places[a])
        await until_heard(a, b, b"after", seconds=5)
        await until_heard(b, a, b"back", seconds=5)

        assert len(connections(a, b)) == 1
        assert a.changes == [(b.peer_id, True)]
        nursery.cancel_scope.cancel()


async def test_a_restart_with_the_same_identity_loses_nothing(tmp_path) -> None:
    """Messages of a restarted node are not taken for those it sent before."""
    async with trio.open_nursery() as nursery:
        b = Node(2, tmp_path)
        address = await b.start(nursery)
        for round_ in range(2):
            a = Node(1, tmp_path, bootstrap=[address])
            await a.start(nursery)
            await until_heard(a, b, b"ready %d" % round_)
            for n in range(100):
                await a.mesh.publish(TOPIC, b"%d/%d" % (round_, n))
            wanted = {b"%d/%d" % (round_, n) for n in range(100)}
            await until(lambda wanted=wanted: wanted <= set(b.heard))
            await a.stop()
            await until(lambda: not b.mesh.links(), 3)
        nursery.cancel_scope.cancel()


async def test_forgetting_closes_and_stops_redialling(tmp_path) -> None:
    """A forgotten peer is disconnected and not dialled; connecting by hand takes it back."""
    async with trio.open_nursery() as nursery:
        a, b = Node(1, tmp_path), Node(2, tmp_path)
        address = await b.start(nursery)
        await a.start(nursery)
        await a.mesh.connect(address)
        await b.mesh.forget(a.peer_id)
        await a.mesh.forget(b.peer_id)
        await until(lambda: not a.mesh.links() and not b.mesh.links())
        await trio.sleep(1.5)
        assert a.changes == [(b.peer_id, True), (b.peer_id, False)]
        await a.mesh.connect(address)

        assert a.linked_to() == {b.peer_id}
        nursery.cancel_scope.cancel()


async def test_the_end_is_quick_and_peers_see_it(tmp_path) -> None:
    """A node that ends is gone from its peers within a second, even with a link that carries nothing any more."""
    async with trio.open_nursery() as nursery:
        a, b = Node(1, tmp_path), Node(2, tmp_path, ping_interval=60)
        freezer = Freezer(port_of(await a.start(nursery)))
        await nursery.start(freezer.run)
        c = Node(3, tmp_path, ping_interval=60)
        await b.start(nursery)
        await c.start(nursery)
        await c.mesh.connect(b.mesh.addresses()[0])
        await b.mesh.forget(a.peer_id)
        await b.mesh.connect(f"/ip4/127.0.0.1/tcp/{freezer.port}/p2p/{a.peer_id}")
        freezer.freeze()
        for _ in range(40):
            await b.mesh.publish(TOPIC, b"x" * 200_000)
        await trio.sleep(0.1)
        began = trio.current_time()
        await b.stop()
        assert trio.current_time() - began < 2 * PATIENCE
        await until(lambda: b.peer_id not in c.mesh.links(), 1)
        nursery.cancel_scope.cancel()
