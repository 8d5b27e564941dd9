"""Pings between real nodes: one stream for many, and none lost when the other side ends it."""

from __future__ import annotations

from typing import Any

import libp2p.host.ping as library
import pytest
import trio

from chorus_tui.engine.mesh import keeper, ping
from tests.integration.mesh.nodes import TOPIC, Node, until


class Opened:
    """Counts the ping streams that a node opens."""

    def __init__(self, node: Node) -> None:
        self.count = 0
        self._host: Any = node.mesh._host
        self._open = self._host.new_stream
        self._host.new_stream = self._counted

    async def _counted(self, peer_id: Any, protocols: list[Any], *rest: Any, **options: Any) -> Any:
        self.count += ping.PROTOCOL in protocols
        return await self._open(peer_id, protocols, *rest, **options)


async def pinged(node: Node, times: int) -> None:
    """Wait until ``node`` has had that many more answers."""
    before = node.mesh.counters.pings.count
    await until(lambda: node.mesh.counters.pings.count >= before + times)


@pytest.mark.parametrize(
    ("silence_s", "afresh_s", "fewest", "most", "every_s"),
    [(10.0, 60.0, 1, 1, 0.2), (0.5, 60.0, 4, 12, 1.0), (10.0, 0.0, 4, 12, 0.2)],
    ids=["kept", "the other side ends a silent one", "opened anew in time"],
)
async def test_a_ping_stream_is_kept_and_its_end_costs_no_ping(
    tmp_path, monkeypatch, silence_s, afresh_s, fewest, most, every_s
):
    """Many pings share a stream. When it has ended, by them or by us, the same ping goes over a new one: no link is suspected."""
    monkeypatch.setattr(library, "RESP_TIMEOUT", silence_s)
    monkeypatch.setattr(ping, "AFRESH_S", afresh_s)
    async with trio.open_nursery() as nursery:
        a, b = Node(1, tmp_path, ping_interval=every_s), Node(2, tmp_path, ping_interval=60)
        address = await b.start(nursery)
        await a.start(nursery)
        opened = Opened(a)
        await a.mesh.connect(address)
        await pinged(a, 5)

        assert fewest <= opened.count <= most
        assert a.mesh.counters.pings_lost == 0
        assert not a.mesh.links()[b.peer_id].suspect
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("measured_s", "fewest", "most"), [(100.0, 0, 1), (1.2, 2, 5)], ids=["not asked", "measured now and then"]
)
async def test_who_is_heard_is_not_asked_whether_it_lives(tmp_path, monkeypatch, measured_s, fewest, most):
    """Four seconds of talk where silence is a second: no ping, but for a moment in which this machine was busy; and one whenever the
    link is to be measured."""
    monkeypatch.setattr(keeper, "MEASURED_S", measured_s)
    async with trio.open_nursery() as nursery:
        a, b = (Node(n, tmp_path, ping_interval=1.0) for n in (1, 2))
        address = await b.start(nursery)
        await a.start(nursery)
        await a.mesh.connect(address)
        pings = [node.mesh.counters.pings for node in (a, b)]
        await until(lambda: all(ping.count for ping in pings))
        before = [ping.count for ping in pings]
        for n in range(40):
            for node in (a, b):
                await node.mesh.publish(TOPIC, b"%d" % n)
            await trio.sleep(0.1)

        assert all(fewest <= ping.count - was <= most for ping, was in zip(pings, before, strict=True))
        nursery.cancel_scope.cancel()
