"""What a journal looks up when it opens: the newest entries, without going through all others."""

from __future__ import annotations

import trio
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.journal.database import InlineDatabase
from chorus_tui.engine.journal.store import SCHEMA, FeedStore
from chorus_tui.engine.protocol import envelope, topics
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.identity import Identity

AUTHORS = [Identity(bytes([number]) * 32) for number in (1, 2, 3)]
EPOCHS = ["a" * 32, "5" * 32, "f" * 32]
TYPES = ["goodbye", "epoch_opened"]
SPOKEN = st.lists(st.tuples(st.sampled_from(AUTHORS), st.sampled_from(EPOCHS), st.sampled_from(TYPES)), max_size=12)


def spoken(turns: list[tuple[Identity, str, str]]) -> list[Entry]:
    """The feeds in order of arrival, those of all authors and epochs mingled."""
    made: list[Entry] = []
    for author, epoch, type_ in turns:
        before = [entry for entry in made if entry.key[:2] == (author.peer_id, epoch)]
        data = {"reason": "x" * len(made)} if type_ == "goodbye" else {"version": "1"}
        said = envelope.make(type_, author.peer_id, data, 1.0)
        prev = before[-1].hash if before else None
        made.append(
            envelope.seal(said, topics.COORDINATION, author, epoch=epoch, seq=len(before), prev=prev, hlc="1:0:x")
        )
    return made


@given(SPOKEN)
def test_the_heads_are_those_that_a_look_at_every_entry_finds(turns: list[tuple[Identity, str, str]]) -> None:
    """Heads of all epochs, the newest entry of an author, the bytes an author said under a type: as counted by hand."""
    entries, store = spoken(turns), FeedStore(InlineDatabase(SCHEMA))
    trio.run(store.add, [(entry, "") for entry in entries])

    heads = {entry.key[:2]: (entry.key[2] + 1, entry.hash) for entry in entries}
    assert dict(store.chains().heads) == heads
    for author in AUTHORS:
        own = [entry for entry in entries if entry.header.author == author.peer_id]
        assert store.last_own(author.peer_id) == (own[-1] if own else None)
        for type_ in TYPES:
            said = sum(len(entry.body or b"") for entry in own if entry.header.type == type_)
            assert store.bytes_of(author.peer_id, [type_]) == said


def steps(store: FeedStore) -> int:
    """Steps of SQLite's machine, in hundreds, that opening takes."""
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += 1
        return 0

    database = store._db
    database.read(lambda connection: connection.set_progress_handler(count, 100))
    store.chains()
    store.last_own(AUTHORS[0].peer_id)
    database.read(lambda connection: connection.set_progress_handler(None, 0))
    return counted


def test_opening_does_not_go_through_the_entries_of_an_epoch() -> None:
    """A thousand entries more in an epoch cost not even a step of the database for each ten of them."""
    few, many = (FeedStore(InlineDatabase(SCHEMA)) for _ in range(2))
    trio.run(few.add, [(entry, "") for entry in spoken([(AUTHORS[0], EPOCHS[0], "epoch_opened")] * 10)])
    trio.run(many.add, [(entry, "") for entry in spoken([(AUTHORS[0], EPOCHS[0], "epoch_opened")] * 1010)])

    assert 100 * (steps(many) - steps(few)) < 100
