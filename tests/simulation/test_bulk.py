"""A newcomer fetches a long history: each entry once, from whoever can bring it, whatever happens on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from unittest.mock import patch

import pytest
import trio

from chorus_tui.engine.clock import SeededEntropy
from chorus_tui.engine.journal import frames
from chorus_tui.engine.journal.fetching import STALL_S
from chorus_tui.engine.journal.journal import FeedJournal
from chorus_tui.engine.mesh.simulated import SimulatedNetwork
from tests.simulation.test_replication import journals, lines
from tests.unit.journal.test_vouching import WRONG

LONG = 1200


async def talk(journal: FeedJournal, count: int) -> None:
    """Say many things with few syncs."""
    for _ in range(count // 100):
        async with trio.open_nursery() as nursery:
            for number in range(100):
                nursery.start_soon(journal.say, "goodbye", {"reason": f"{number}"})


async def until(what: str, condition: Callable[[], bool], seconds: float = 300.0) -> None:
    with trio.move_on_after(seconds):
        while not condition():
            await trio.sleep(0.5)
        return
    raise AssertionError(f"not in time: {what}")


async def grown(network: SimulatedNetwork, made: list[FeedJournal]) -> list[str]:
    """The last one is cut off while the others come to hold a long history of the first."""
    ids = [journal.me.peer_id for journal in made]
    network.isolate(ids[-1])
    await trio.sleep(20)
    await talk(made[0], LONG)
    await until("all others hold it", lambda: all(journal.count() >= LONG for journal in made[:-1]))
    await trio.sleep(60)
    return ids


async def test_a_newcomer_takes_each_entry_once(autojump_clock) -> None:
    """Three members could each bring it all, on six streams; it comes once, and all end equal."""
    network = SimulatedNetwork(SeededEntropy(5))
    came: Counter[tuple[str, str, int]] = Counter()
    async with journals(network, 4) as made:
        await grown(network, made)
        newcomer = made[-1]
        accept = newcomer.accept

        async def counted(batch, source):
            came.update(heard.entry.key for heard in batch)
            return await accept(batch, source)

        with patch.object(newcomer, "accept", counted):
            network.heal()
            await until("the newcomer holds all", lambda: newcomer.count() >= LONG + 4)
        await trio.sleep(90)
        exports = [await lines(journal) for journal in made]
        twice = sum(count - 1 for count in came.values())

        assert len(came) >= LONG
        assert twice < 50
        assert all(export == exports[0] for export in exports)


async def test_a_cut_in_the_middle_loses_nothing(autojump_clock) -> None:
    """The one that brings it is gone half-way: what came is kept, and another goes on from there."""
    network = SimulatedNetwork(SeededEntropy(6))
    async with journals(network, 3) as made:
        ids = await grown(network, made)
        newcomer = made[-1]
        accept, gone = newcomer.accept, []

        async def cut_half_way(batch, source):
            new = await accept(batch, source)
            if not gone and newcomer.count() > LONG // 3:
                gone.append((source, newcomer.count()))
                network.cut(ids[2], source)
            return new

        with patch.object(newcomer, "accept", cut_half_way):
            network.heal()
            await until("all of it came", lambda: newcomer.count() >= LONG + 3)

        assert gone[0][1] < LONG
        assert network.is_cut(ids[2], gone[0][0])
        assert (await newcomer.verify()).ok


@pytest.mark.parametrize("wrong_at", [1, 255])
async def test_a_relay_that_damages_signatures_delays_only_them(autojump_clock, wrong_at: int) -> None:
    """One member spoils signatures of what it passes on, also the last of a frame: all the text comes, nothing else does, and
    the right signatures come from another member."""
    network = SimulatedNetwork(SeededEntropy(8))
    async with journals(network, 3) as made:
        ids = await grown(network, made)
        author, relay, newcomer = made
        spoil = "UPDATE entries SET sig = ? WHERE author = ? AND seq % 701 = ?"
        await relay.store._db.write(lambda c: c.execute(spoil, (WRONG, ids[0], wrong_at)))
        network.heal(ids[1], ids[2])
        await until("all the text came", lambda: newcomer.count() >= LONG + 3)
        await until("it is known to be doubtful", lambda: not newcomer.signatures.unchecked())
        known = newcomer.signatures.garbled()
        network.heal()
        await until("the signatures are right", lambda: not newcomer.signatures.garbled())

        assert known == len(range(wrong_at, LONG, 701))
        assert (await newcomer.verify()).ok
        assert await lines(newcomer) == await lines(author)


async def test_a_member_that_brings_drop_by_drop_delays_and_does_not_stop(autojump_clock) -> None:
    """One took the turn and brings an entry now and then; its turn ends, and another brings the rest."""
    network = SimulatedNetwork(SeededEntropy(8))
    async with journals(network, 3) as made:
        ids = await grown(network, made)
        relay, newcomer = made[1], made[2]
        stretch, send_entries = relay.store.range, frames.send_entries

        async def slowly(stream, rows):
            if len(rows) == 1:
                await trio.sleep(20)
            await send_entries(stream, rows)

        with (
            patch.object(relay.store, "range", lambda *where: stretch(*where)[:1]),
            patch.object(frames, "send_entries", slowly),
        ):
            network.heal(ids[1], ids[2])
            await trio.sleep(30)
            claimed = newcomer.replication.brings(ids[0])
            network.heal()
            await until("all of it came", lambda: newcomer.count() >= LONG + 3, STALL_S + 60)

        assert claimed
