"""One journal: what it takes from others, what it makes of forks, gaps and hostile frames."""

from __future__ import annotations

import sqlite3

import pytest
import trio
import trio.testing

from chorus_tui.engine.clock import SeededEntropy, SystemClock
from chorus_tui.engine.journal import frames
from chorus_tui.engine.journal.database import InlineDatabase, StoreError
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.flow import Limits
from chorus_tui.engine.journal.intake import Heard, readable
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.journal.journal import FeedJournal
from chorus_tui.engine.journal.store import SCHEMA
from chorus_tui.engine.mesh.simulated import SimulatedNetwork
from chorus_tui.engine.protocol import envelope, topics
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.identity import Identity

ME, OTHER = Identity(bytes([1]) * 32), Identity(bytes([2]) * 32)


class FullDisk(InlineDatabase):
    """A database whose disk can be full."""

    full = False

    async def write(self, work):
        if self.full:
            raise StoreError("The disk is full")
        return await super().write(work)


def feed(count: int, *, words: str = "x", prev: str | None = None, start: int = 0) -> list[Heard]:
    """A stretch of one epoch of OTHER's feed."""
    made = []
    for seq in range(start, count):
        said = envelope.make("goodbye", OTHER.peer_id, {"reason": f"{words} {seq}"}, 1.0)
        entry = envelope.seal(said, topics.COORDINATION, OTHER, epoch="a" * 32, seq=seq, prev=prev, hlc="1:0:x")
        prev = entry.hash
        made.append(readable(entry))
    return made


def journal(
    database: InlineDatabase | None = None, redact=lambda value: value, seed: int = 2, limits: Limits | None = None
) -> FeedJournal:
    mesh = SimulatedNetwork(SeededEntropy(1)).mesh(ME)
    made = FeedJournal(
        ME,
        database or FullDisk(SCHEMA),
        mesh,
        redact,
        SystemClock(),
        SeededEntropy(seed),
        EventBus(),
        "test",
        limits=limits,
    )
    made.set_membership(lambda _peer: True)
    return made


async def test_entries_in_any_order_end_in_one_chain() -> None:
    """What comes after a gap is parked and follows as soon as the gap is closed."""
    mine = journal()
    await mine.open()
    entries = feed(5)
    for heard in reversed(entries):
        await mine.accept([heard], OTHER.peer_id)

    assert [mine.get(*heard.entry.key) is not None for heard in entries] == [True] * 5
    assert (await mine.verify()).ok


@pytest.mark.parametrize("together", [True, False])
async def test_a_fork_is_kept_as_evidence_and_the_first_stays(together: bool) -> None:
    """Two entries under one number are both kept, whether they come in one batch or in two."""
    mine = journal()
    await mine.open()
    first, second = feed(1)[0], feed(1, words="y")[0]
    for batch in [[first, second]] if together else [[first], [second]]:
        await mine.accept(batch, OTHER.peer_id)

    assert mine.forks() == [first.entry.key]
    assert mine.get(*first.entry.key) == first.entry


async def test_a_forked_feed_is_not_asked_for_again_and_again() -> None:
    """A longer branch of a fork is evidence, not a gap: it does not start replication anew each time."""
    mine = journal()
    await mine.open()
    await mine.accept(feed(2), OTHER.peer_id)
    await mine.accept(feed(6, words="y")[2:], OTHER.peer_id)

    assert mine.forks() == [(OTHER.peer_id, "a" * 32, 1)]
    assert mine.replication._due == set()


async def test_nothing_is_called_held_that_the_disk_refused() -> None:
    """A full disk leaves the heads where the disk is, and the same entries are taken later."""
    database = FullDisk(SCHEMA)
    mine = journal(database)
    await mine.open()
    database.full = True
    with pytest.raises(StoreError):
        await mine.accept(feed(3), OTHER.peer_id)
    assert OTHER.peer_id not in mine.chains.frontier()
    database.full = False

    assert await mine.accept(feed(3), OTHER.peer_id) == 3


async def test_a_crash_loses_only_what_was_not_synced() -> None:
    """After a crash the store holds exactly what was synced, verifies, and the new epoch commits to its head."""
    database = FullDisk(SCHEMA)
    mine = journal(database)
    await mine.open()
    kept = await mine.say("goodbye", {"reason": "kept"})
    database.hold()
    lost = await mine.say("goodbye", {"reason": "lost"})
    again = journal(FullDisk(SCHEMA, database.image()), seed=3)
    await again.open()

    assert (again.get(*kept.key), again.get(*lost.key)) == (kept, None)
    assert again.get(ME.peer_id, again.epoch, 0).header.prev == kept.hash
    assert (await again.verify()).ok


async def test_what_is_said_is_redacted_before_it_is_sealed() -> None:
    """The redactor's result is what the disk gets."""
    mine = journal(redact=lambda data: {key: str(value).replace("secret", "[gone]") for key, value in data.items()})
    await mine.open()
    entry = await mine.say("goodbye", {"reason": "secret"})

    assert mine.get(*entry.key).data == {"reason": "[gone]"}


async def test_a_message_with_too_many_keys_is_refused_alone() -> None:
    """A message that only breaks a bound together with its log fields is refused; one beside it is said."""
    mine = journal()
    await mine.open()
    outcome = []

    async def large() -> None:
        with pytest.raises(Refused):
            await mine.say("goodbye", {f"k{n}": 1 for n in range(1019)})

    async def small() -> None:
        outcome.append(await mine.say("goodbye", {"reason": "fine"}))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(large)
        nursery.start_soon(small)
    assert mine.get(*outcome[0].key) == outcome[0]


async def test_a_fold_that_raises_does_not_stop_the_others() -> None:
    """Each fold gets each entry of its types, after it is on disk."""
    seen = []

    class Bad:
        types = frozenset({"goodbye"})

        def apply(self, entry, message):
            raise ValueError("broken")

        def reset(self):
            seen.clear()

    class Good(Bad):
        def apply(self, entry, message):
            seen.append((mine.get(*entry.key) == entry, message.reason))

    mine = journal()
    mine.fold(Bad())
    mine.fold(Good())
    await mine.open()
    await mine.say("goodbye", {"reason": "x"})

    assert seen == [(True, "x")]


@pytest.mark.parametrize(
    "item", [None, [], {}, {"header": "\ud800", "sig": "", "body": None}, {"header": "[]", "sig": "", "body": "\ud800"}]
)
def test_a_hostile_item_is_a_wire_error(item: object) -> None:
    """Whatever a peer puts into a frame, it is refused with the one error that drops a stream, not the node."""
    with pytest.raises(WireError):
        frames.entry(item)


@pytest.mark.parametrize("marks", [1, {}, ["x"], ["x", True], ["x", 1.5], [1, 1], ["x", 1, 2]])
def test_what_was_heard_is_read_strictly(marks: object) -> None:
    """An epoch and a number, or nothing, as from a peer that counts no tellings."""
    assert frames.known({"kind": "sync"}) is None
    assert frames.known({"kind": "sync", "marks": ["x", 1]}) == ("x", 1)
    with pytest.raises(WireError):
        frames.known({"kind": "sync", "marks": marks})


@pytest.mark.parametrize(
    "marks", [1, {}, {"held": []}, {"held": {"x": 1}}, {"held": {}, "number": -1}, {"held": {}, "since": "x"}]
)
def test_what_is_told_again_is_read_strictly(marks: object) -> None:
    """As data of the message that it repeats, or nothing."""
    assert frames.marks({"kind": "end"}) is None
    assert frames.marks({"kind": "end", "marks": {"held": {"x": {"y": 2}}, "number": 3}}).since == 0
    with pytest.raises(WireError):
        frames.marks({"kind": "end", "marks": marks})


async def test_watermarks_of_many_feeds_fit_their_messages() -> None:
    """However many feeds are held, what they are told in stays within the bounds of a message."""
    mine = journal()
    await mine.open()
    mine.chains.heads |= {(Identity(n.to_bytes(32, "big")).peer_id, "b" * 32): (1, "c" * 64) for n in range(1500)}
    parts = mine.replication.tellings()
    for part in parts:
        await mine.whisper("watermarks", part)

    assert len({author for part in parts for author in part["held"]}) == 1501


async def test_what_is_held_is_told_with_the_epoch_that_is_spoken_in() -> None:
    """Also when an older one comes back from others after it began, as with a restored backup: what is said later counts from here."""
    mine = journal()
    await mine.open()
    said = envelope.make("goodbye", ME.peer_id, {"reason": "before"}, 1.0)
    old = envelope.seal(said, topics.COORDINATION, ME, epoch="a" * 32, seq=0, prev=None, hlc="1:0:x")
    await mine.accept([readable(old)], OTHER.peer_id)
    (telling,) = mine.replication.tellings()

    assert mine.held_of(ME.peer_id) == {"a" * 32: 1, mine.epoch: 1}
    assert telling["held"][ME.peer_id] == {mine.epoch: 1}


async def test_work_that_fails_undoes_itself_alone() -> None:
    """An exception in one work leaves the database as before it."""
    database = InlineDatabase(["CREATE TABLE t (x UNIQUE)"])
    await database.write(lambda c: c.execute("INSERT INTO t VALUES (1)"))
    with pytest.raises(sqlite3.IntegrityError):
        await database.write(lambda c: c.executemany("INSERT INTO t VALUES (?)", [(2,), (1,)]))

    assert database.read(lambda c: c.execute("SELECT x FROM t").fetchall()) == [(1,)]


class SlowDisk(InlineDatabase):
    """A database that writes when it is let."""

    def __init__(self, schema: list[str]) -> None:
        super().__init__(schema)
        self.may = trio.Event()
        self.may.set()
        self.asked = trio.Event()

    async def write(self, work):
        self.asked.set()
        await self.may.wait()
        return await super().write(work)


async def test_an_epoch_is_opened_after_whoever_is_speaking() -> None:
    """A message that is on its way to the disk when a new epoch is opened stands in the old one; the new one begins with its opening,
    and what is said then follows it: one chain, nothing said twice under one number."""
    disk = SlowDisk(SCHEMA)
    mine = journal(disk)
    await mine.open()
    before = mine.epoch
    disk.may, disk.asked = trio.Event(), trio.Event()
    said = []

    async def say(words: str) -> None:
        said.append(await mine.say("goodbye", {"reason": words}))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(say, "on its way")
        await disk.asked.wait()
        nursery.start_soon(mine.open_epoch, "a test")
        await trio.testing.wait_all_tasks_blocked()
        disk.may.set()
    after = await mine.say("goodbye", {"reason": "after"})

    assert said[0].header.epoch == before
    assert (after.header.epoch, after.header.seq) == (mine.epoch, 1)
    assert mine.get(ME.peer_id, mine.epoch, 0).type == "epoch_opened"
    assert mine.get(ME.peer_id, mine.epoch, 0).header.prev == said[0].hash
    assert (await mine.verify()).ok
