"""The simulated disk keeps what it synced, in order, and nothing that it did not say."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from chorus_tui.engine.clock import SeededEntropy
from chorus_tui.engine.journal.database import StoreError
from chorus_tui.engine.journal.simulated_database import PowerLost, SimulatedDatabase

SCHEMA = ["CREATE TABLE t (n INTEGER PRIMARY KEY)"]


def opened(image: bytes | None = None) -> SimulatedDatabase:
    return SimulatedDatabase(SCHEMA, image, SeededEntropy(1))


def insert(n: int):
    return lambda c: c.execute("INSERT INTO t VALUES (?)", (n,)).rowcount


def rows(database: SimulatedDatabase) -> list[int]:
    return [n for (n,) in database.read(lambda c: c.execute("SELECT n FROM t ORDER BY n").fetchall())]


async def test_nobody_sees_what_is_not_synced(autojump_clock):
    """A write is visible when it returns and not before; the crash image has it from then on."""
    database = opened()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(database.write, insert(1))
        await trio.testing.wait_all_tasks_blocked()
        assert rows(database) == []
        assert rows(opened(database.image())) == []

    assert rows(opened(database.image())) == [1]


@pytest.mark.parametrize("kept", [0, 1, 2, 3])
async def test_a_crash_keeps_a_prefix_of_what_was_on_its_way(autojump_clock, kept):
    """Of three writes on their way the first ``kept`` survive; no caller goes on."""
    database, went_on = opened(), []

    async def write(n: int) -> None:
        await database.write(insert(n))
        went_on.append(n)

    async with trio.open_nursery() as nursery:
        for n in (1, 2, 3):
            nursery.start_soon(write, n)
            await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        image = database.crash(kept)

    assert rows(opened(image)) == [1, 2, 3][:kept]
    assert went_on == []


async def test_what_was_handed_over_happens(autojump_clock):
    """A caller that is cancelled while the disk writes does not undo the write."""
    database = opened()
    with trio.move_on_after(0.0001):
        await database.write(insert(1))

    assert rows(database) == [1]


async def test_a_failing_work_is_undone_alone(autojump_clock):
    """Its error reaches its caller; those beside it are kept."""
    database = opened()
    await database.write(insert(1))
    with pytest.raises(StoreError):
        await database.write(lambda c: c.execute("INSERT INTO nowhere VALUES (1)"))
    await database.write(insert(2))

    assert rows(database) == [1, 2]


async def test_a_crash_ends_what_waits_under_a_shield(autojump_clock):
    """A caller that may not be cancelled is told that the power is gone, by what no handler of errors catches."""
    database = opened()

    async def write() -> None:
        with trio.CancelScope(shield=True), pytest.raises(PowerLost):
            await database.write(insert(1))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(write)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        database.crash(0)

    assert not issubclass(PowerLost, Exception)
