"""Journals on a simulated network end with the same history, whatever the network did."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from chorus_tui.engine.clock import SeededEntropy, SystemClock
from chorus_tui.engine.journal.database import InlineDatabase
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.journal import FeedJournal
from chorus_tui.engine.journal.store import SCHEMA
from chorus_tui.engine.mesh.simulated import SimulatedMesh, SimulatedNetwork
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.identity import Identity


@asynccontextmanager
async def journals(network: SimulatedNetwork, count: int, every_s: float = 30.0) -> AsyncIterator[list[FeedJournal]]:
    """``count`` running journals, all members of each other, that replicate without an occasion ``every_s``."""
    async with trio.open_nursery() as nursery:
        made = []
        for number in range(count):
            identity = Identity(SeededEntropy(f"peer {number}").bytes(32))
            mesh: SimulatedMesh = network.mesh(identity)
            journal = FeedJournal(
                identity,
                InlineDatabase(SCHEMA),
                mesh,
                lambda value: value,
                SystemClock(),
                SeededEntropy(number),
                EventBus(),
                "test",
                replicate_every_s=every_s,
            )
            journal.set_membership(lambda _peer: True)
            await nursery.start(mesh.run)
            for topic in (topics.COORDINATION, topics.META):
                await mesh.join(topic)
            await journal.open()
            await nursery.start(journal.run)
            made.append(journal)
        yield made
        nursery.cancel_scope.cancel()


async def lines(journal: FeedJournal) -> set[str]:
    return set((await journal.export(None, 2000)).lines)


async def test_all_end_with_the_same_feeds_through_loss_and_a_cut(autojump_clock):
    """Five journals speak through 20 % loss and a partition; after healing their exports are equal and verify."""
    network = SimulatedNetwork(SeededEntropy(7))
    network.loss = 0.2
    async with journals(network, 5) as made:
        await trio.sleep(5)
        ids = [journal.me.peer_id for journal in made]
        for a in ids[:2]:
            for b in ids[2:]:
                network.cut(a, b)
        for round_ in range(20):
            for journal in made:
                await journal.say("goodbye", {"reason": f"round {round_}"})
            await trio.sleep(0.5)
        network.heal()
        network.loss = 0.0
        await trio.sleep(150)

        exports = [await lines(journal) for journal in made]

        assert [len(export) for export in exports] == [5 * 21] * 5
        assert all(export == exports[0] for export in exports)
        for journal in made:
            assert (await journal.verify()).ok


async def test_delivery_counts_only_what_was_confirmed(autojump_clock):
    """An entry said alone is stored, not sent; after peers have replicated it, it is held by them."""
    network = SimulatedNetwork(SeededEntropy(3))
    async with journals(network, 3) as made:
        ids = [journal.me.peer_id for journal in made]
        await trio.sleep(3)
        network.cut(ids[0], ids[1])
        network.cut(ids[0], ids[2])
        await trio.sleep(60)
        entry = await made[0].say("goodbye", {"reason": "alone"})
        alone = made[0].delivery(entry)
        network.heal()
        await trio.sleep(120)
        later = made[0].delivery(entry)

        assert (alone.held_by, alone.received_by) == (0, [])
        assert later.held_by == 2
        assert await made[0].deliver(entry, ids[1])
        assert made[0].delivery(entry).received_by == [ids[1]]


async def test_a_lost_telling_of_what_is_held_is_made_up_for_after_the_next(autojump_clock):
    """The next telling has only what changed since; whoever sees the gap asks, and is told all again."""
    network = SimulatedNetwork(SeededEntropy(5))
    async with journals(network, 2, every_s=600.0) as (mine, other):
        await trio.sleep(13)
        entry = await mine.say("goodbye", {"reason": "before"})
        await trio.sleep(4)
        network.loss = 1.0
        await trio.sleep(6)
        network.loss = 0.0
        lost = mine.knew(other.me.peer_id, entry.key)
        await other.say("goodbye", {"reason": "after"})
        await trio.sleep(6)
        unknown = mine.knew(other.me.peer_id, entry.key)
        await trio.sleep(3)

        assert (lost, unknown) == (False, False)
        assert mine.knew(other.me.peer_id, entry.key)


async def test_whoever_comes_later_is_told_all_at_once(autojump_clock):
    """On a new link replication brings what was told before, though nobody has said anything since."""
    network = SimulatedNetwork(SeededEntropy(6))
    async with journals(network, 3) as made:
        first, second, late = made
        for journal in (first, second):
            network.cut(journal.me.peer_id, late.me.peer_id)
        entry = await first.say("goodbye", {"reason": "early"})
        await trio.sleep(100)
        before = late.knew(second.me.peer_id, entry.key)
        network.heal()
        with trio.fail_after(30):
            while not late.knew(second.me.peer_id, entry.key):
                await trio.sleep(0.5)

        assert not before
