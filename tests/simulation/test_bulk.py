"""Long feeds between several peers: brought once, whatever is cut, and mended where they were garbled."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio

from chorus_tui.engine.clock import SeededEntropy
from chorus_tui.engine.journal import frames
from chorus_tui.engine.journal.intake import Heard
from chorus_tui.engine.journal.journal import FeedJournal
from chorus_tui.engine.journal.replication import MANY
from chorus_tui.engine.mesh.simulated import SimulatedNetwork
from tests.simulation.test_replication import journals

LONG = 5 * MANY


@pytest.fixture
def came(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many entries came in each frame, of all peers."""
    counts: list[int] = []
    real = frames.heard_range

    async def counting(items: list[object]) -> list[Heard]:
        counts.append(len(items))
        return await real(items)

    monkeypatch.setattr(frames, "heard_range", counting)
    return counts


async def long_feed(peer: FeedJournal) -> None:
    """Say a lot at once."""
    async with trio.open_nursery() as nursery:
        for number in range(LONG):
            nursery.start_soon(peer.say, "goodbye", {"reason": f"word {number}"})


async def until(condition: Callable[[], object], *, every: float = 0.5) -> None:
    with trio.fail_after(300):
        while not condition():
            await trio.sleep(every)


def isolated() -> SimulatedNetwork:
    network = SimulatedNetwork(SeededEntropy(5))
    network.discovery = False
    return network


async def test_several_holders_bring_a_long_feed_once(autojump_clock, came) -> None:
    """Linked to two peers that hold the same, a fresh one takes it from one of them; the other adds what is new."""
    network = isolated()
    async with journals(network, 3) as (fresh, one, two):
        network.isolate(fresh.me.peer_id)
        network.link(network.running(one.me.peer_id), network.running(two.me.peer_id))
        await long_feed(one)
        await until(lambda: two.count() >= LONG)
        await trio.sleep(60)
        assert sum(came) < 1.2 * LONG  # both ends of one link began an exchange: the second brings nothing once more
        came.clear()
        network.heal()
        network.connect_all()
        await until(lambda: fresh.count() >= LONG)
        await trio.sleep(60)

        assert sum(came) < 1.2 * LONG
        assert fresh.chains.frontier() == one.chains.frontier() == two.chains.frontier()


async def test_a_cut_range_goes_on_where_it_stopped(autojump_clock, came) -> None:
    """Whatever frame a cut comes after, what came before it is kept, and no entry is brought a third time."""
    network = isolated()
    async with journals(network, 2) as (fresh, one):
        network.isolate(fresh.me.peer_id)
        await long_feed(one)
        network.heal()
        network.connect_all()
        await until(lambda: fresh.count() > LONG // 3, every=0.002)
        network.isolate(fresh.me.peer_id)
        network.unlink(fresh.me.peer_id, one.me.peer_id)
        await trio.sleep(60)
        held = fresh.count()
        assert held < LONG
        came.clear()
        network.heal()
        network.connect_all()
        await until(lambda: fresh.count() >= LONG)

        assert sum(came) < 1.2 * (LONG - held) + 256
        while await fresh.signatures.check_some():
            pass
        assert (await fresh.verify()).ok


async def test_garbled_signatures_are_mended_by_the_author(autojump_clock, monkeypatch) -> None:
    """A peer on the way that spoils signatures is found out, and the right ones come from their author."""
    network = isolated()
    async with journals(network, 3) as (fresh, author, spoiler):
        network.isolate(fresh.me.peer_id)
        network.link(network.running(author.me.peer_id), network.running(spoiler.me.peer_id))
        await long_feed(author)
        await until(lambda: spoiler.count() >= LONG)
        good = spoiler.store.range

        def spoilt(*where):
            rows = good(*where)
            return [(header, "0" * 128 if at % 50 == 7 else sig, body) for at, (header, sig, body) in enumerate(rows)]

        monkeypatch.setattr(spoiler.store, "range", spoilt)
        network.heal(fresh.me.peer_id, spoiler.me.peer_id)
        network.link(network.running(fresh.me.peer_id), network.running(spoiler.me.peer_id))
        await until(lambda: fresh.count() >= LONG and fresh.store.unchecked() is None)
        wrong = len(fresh.store.garbled(1000))
        assert wrong > 10
        network.heal()
        network.connect_all()
        await until(lambda: not fresh.store.garbled(1))

        assert (await fresh.verify()).ok
