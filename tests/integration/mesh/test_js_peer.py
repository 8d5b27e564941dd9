"""An independent implementation in our mesh: js-libp2p with the same network key."""

from __future__ import annotations

import trio

from tests.js.peer import js_peer

from .nodes import KEY, TOPIC, Node, until


async def test_a_js_peer_joins_talks_and_is_validated(tmp_path) -> None:
    """A js-libp2p peer with the key passes the private network, Noise and Yamux, gets our signed messages, reaches
    us with its own, and what our validator refuses of it goes no further.
    """
    async with trio.open_nursery() as nursery:
        a = Node(1, tmp_path)
        address = await a.start(nursery)
        b = Node(2, tmp_path, bootstrap=[address])
        await b.start(nursery)
        async with js_peer(address, KEY, [TOPIC]) as js:
            me = await js.event("ready", seconds=60)
            await js.event("connected", peer=a.peer_id)
            await js.event("subscribed", peer=a.peer_id)
            with trio.fail_after(60):
                while not any(e["event"] == "message" for e in js.events):
                    await a.mesh.publish(TOPIC, b"from python")
                    await trio.sleep(0.2)
            message = await js.event("message")
            assert (message["from"], message["signed"], message["data"]) == (a.peer_id, True, "from python")
            await js.publish(TOPIC, "from js")
            await until(lambda: b"from js" in a.heard and b"from js" in b.heard)
            link = a.mesh.links()[me["peer"]]
            await until(lambda: link.latency_ms is not None)
            for n in range(100):
                await b.mesh.publish(TOPIC, b"%d" % n)
            for n in range(100):
                await js.event("message", data=str(n), **{"from": b.peer_id})

            assert not link.suspect
        await until(lambda: me["peer"] not in a.mesh.links())
        nursery.cancel_scope.cancel()


async def test_a_js_peer_with_another_key_stays_out(tmp_path) -> None:
    """A js-libp2p peer with a wrong network key, or none, never connects."""
    async with trio.open_nursery() as nursery:
        a = Node(1, tmp_path)
        address = await a.start(nursery)
        for key in (bytes(32), None):
            async with js_peer(address, key, [TOPIC]) as js:
                await js.event("error", seconds=60)

        assert a.changes == []
        nursery.cancel_scope.cancel()
