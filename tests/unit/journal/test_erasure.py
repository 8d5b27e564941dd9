"""Erasure: after a decision no byte of a body is left, nothing brings it back, and every chain still verifies."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.clock import SeededEntropy, SystemClock
from chorus_tui.engine.journal.database import InlineDatabase, SqliteDatabase, StoreError
from chorus_tui.engine.journal.erasure import BODY_ERASED
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.intake import Heard, readable
from chorus_tui.engine.journal.journal import FeedJournal
from chorus_tui.engine.journal.store import SCHEMA
from chorus_tui.engine.mesh.simulated import SimulatedNetwork
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.named import named_entry
from tests.unit.journal.test_journal import ME, OTHER, feed, journal


@dataclass
class Reasons:
    """A feature that keeps what peers said."""

    types = frozenset({"goodbye"})
    said: list[str] = field(default_factory=list)

    def apply(self, _entry: Entry, message: Any) -> None:
        self.said.append(message.reason)

    def reset(self) -> None:
        self.said.clear()


@dataclass(frozen=True)
class Decision:
    """As much of a control entry as the fold looks at."""

    data: dict[str, Any]
    type: str = BODY_ERASED


def erasing(entry: Entry) -> Decision:
    """The decision that names this entry."""
    h = entry.header
    return Decision({"author": h.author, "epoch": h.epoch, "seq": h.seq, "hash": entry.hash})


def bare(heard: Heard) -> Heard:
    """The same entry, its body withheld."""
    entry = heard.entry
    assert entry is not None
    return readable(Entry(entry.header, entry.sig, entry.hash, None, None))


async def follow(mine: FeedJournal) -> None:
    """What the journal's own task does after a decision."""
    async with mine.lock:
        await mine.follow_erasures()


def all_bytes(folder: Path) -> bytes:
    """Of every file of a folder."""
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def with_fold(
    *, database: InlineDatabase | None = None, decided: Decision | None = None
) -> tuple[FeedJournal, Reasons]:
    """A journal that is open; of a store that was used before, with what the control log says at the start."""
    mine, reasons = journal(database, seed=3 if decided else 2), Reasons()
    mine.fold(reasons)
    if decided:
        mine.erasures.apply(decided)
    await mine.open()
    return mine, reasons


async def test_a_body_goes_and_its_header_stays() -> None:
    """Store, features and the tail know nothing of the text any more; the chain verifies; the others' texts stay."""
    mine, reasons = await with_fold()
    entries = feed(3)
    await mine.accept(entries, OTHER.peer_id)
    mine.erasures.apply(erasing(entries[1].entry))
    await follow(mine)
    held = mine.get(*entries[1].entry.key)

    assert (held.body, held.hash) == (None, entries[1].entry.hash)
    assert reasons.said == ["x 0", "x 2"]
    assert (await mine.verify()).ok
    assert "x 1" not in str((await mine.export(None, 100)).lines)


@pytest.mark.parametrize("when", ["before", "parked", "again", "withheld", "after restart"])
async def test_an_erased_body_is_never_taken_in_again(when: str) -> None:
    """Whether the decision comes first, while the entry is parked, long before somebody brings the body once more, to who never had
    it, or in the life of the process before this one."""
    database = InlineDatabase(SCHEMA)
    mine, reasons = await with_fold(database=database)
    entries = feed(3)
    decided = erasing(entries[1].entry)
    if when == "parked":
        await mine.accept(entries[1:], OTHER.peer_id)
    elif when in {"again", "after restart"}:
        await mine.accept(entries, OTHER.peer_id)
    elif when == "withheld":
        await mine.accept([bare(heard) for heard in entries], OTHER.peer_id)
    mine.erasures.apply(decided)
    await follow(mine)
    if when == "after restart":
        mine, reasons = await with_fold(database=InlineDatabase(SCHEMA, database.image()), decided=decided)
    await mine.accept(entries, OTHER.peer_id)

    assert mine.get(*entries[1].entry.key).body is None
    assert reasons.said == ["x 0", "x 2"]
    assert mine.store.without_body(10) == []


async def test_a_body_that_was_only_withheld_is_taken_in_when_it_comes() -> None:
    """Nobody decided to erase it: a relay that withholds it cannot take it from this peer."""
    mine, reasons = await with_fold()
    entries = feed(2)
    await mine.accept([bare(heard) for heard in entries], OTHER.peer_id)
    assert len(mine.store.without_body(10)) == 2
    await mine.accept(entries, OTHER.peer_id)

    assert reasons.said == ["x 0", "x 1"]
    assert mine.store.without_body(10) == []


async def test_a_decision_that_names_another_hash_erases_nothing() -> None:
    """Number and hash must both be the entry's."""
    mine, reasons = await with_fold()
    (one,) = feed(1)
    await mine.accept([one], OTHER.peer_id)
    mine.erasures.apply(Decision({**erasing(one.entry).data, "hash": "0" * 64}))
    await follow(mine)

    assert (mine.get(*one.entry.key).body, reasons.said) == (one.entry.body, ["x 0"])


async def test_the_body_of_the_other_branch_of_a_fork_goes_too() -> None:
    """Evidence keeps its proof, the signed headers, without the text."""
    mine, _ = await with_fold()
    first, second = feed(1)[0], feed(1, words="y")[0]
    await mine.accept([first], OTHER.peer_id)
    await mine.accept([second], OTHER.peer_id)
    mine.erasures.apply(erasing(second.entry))
    await follow(mine)

    assert [entry.body for entry in mine.find(second.entry.hash)] == [None]
    assert mine.forks() == [first.entry.key]
    assert (await mine.verify()).ok


async def test_after_a_crash_before_the_disk_followed_it_follows() -> None:
    """A decision that is known at the start is followed before features get anything."""
    database = InlineDatabase(SCHEMA)
    mine = journal(database)
    await mine.open()
    (one,) = feed(1)
    await mine.accept([one], OTHER.peer_id)
    again, reasons = journal(InlineDatabase(SCHEMA, database.image()), seed=3), Reasons()
    again.fold(reasons)
    again.erasures.apply(erasing(one.entry))
    await again.open()

    assert (again.get(*one.entry.key).body, reasons.said) == (None, [])


async def test_no_byte_of_an_erased_text_is_left_in_any_file(tmp_path: Path) -> None:
    """Not in the database, its free pages or its log, for texts from a few bytes to many pages; the others are whole."""
    path = tmp_path / "feeds.db"
    database = SqliteDatabase.open(path, SCHEMA)
    mesh = SimulatedNetwork(SeededEntropy(1)).mesh(ME)
    mine = FeedJournal(ME, database, mesh, lambda v: v, SystemClock(), SeededEntropy(2), EventBus(), "test")
    await mine.open()
    said = [
        await mine.say("goodbye", {"reason": f"marker{n:03}.", "more": f"marker{n:03}." * (7 ** (n % 5))})
        for n in range(100)
    ]
    for entry in said[::3]:
        mine.erasures.apply(erasing(entry))
    await follow(mine)
    files = all_bytes(tmp_path)
    found = await mine.verify()
    database.close()

    left = {n for n in range(100) if f"marker{n:03}.".encode() in files}
    assert left == set(range(100)) - set(range(0, 100, 3))
    assert found.ok


async def test_a_log_that_another_program_reads_is_emptied_at_the_next_try(tmp_path: Path, monkeypatch) -> None:
    """The text is not called gone from the disk while a reader keeps the log; nothing is lost by trying again."""
    path = tmp_path / "feeds.db"
    database = SqliteDatabase.open(path, SCHEMA)
    database._writer.execute("PRAGMA busy_timeout=50")
    mesh = SimulatedNetwork(SeededEntropy(1)).mesh(ME)
    mine = FeedJournal(ME, database, mesh, lambda v: v, SystemClock(), SeededEntropy(2), EventBus(), "test")
    await mine.open()
    entry = await mine.say("goodbye", {"reason": "marker"})
    cursor = database._reader.execute("SELECT body FROM entries")
    cursor.fetchone()
    mine.erasures.apply(erasing(entry))
    with pytest.raises(StoreError, match="another program"):
        await follow(mine)
    cursor.close()
    await follow(mine)
    files = all_bytes(tmp_path)
    database.close()

    assert b"marker" not in files


@given(
    st.dictionaries(
        st.sampled_from(["author", "epoch", "seq", "hash"]), st.none() | st.integers() | st.text() | st.booleans()
    )
)
def test_only_data_of_the_right_kinds_name_an_entry(data: dict[str, Any]) -> None:
    """Whatever stands in a decision, it names one entry or none, and nobody fails on it."""
    named = named_entry(data)
    kinds = [type(data.get(name)) for name in ("author", "epoch", "seq", "hash")]

    assert (named is not None) == (kinds == [str, str, int, str])


async def test_what_is_decided_while_the_disk_erases_is_erased_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decision that comes while an earlier one is followed on the disk takes nobody's place: after it no body is left, and the
    file is scrubbed once more."""
    mine = journal()
    await mine.open()
    entries = feed(3)
    await mine.accept(entries, OTHER.peer_id)
    store, scrubbed = mine.store, 0
    real_erase, real_scrub = store.erase, store.scrub

    async def erase(*key: Any) -> Any:
        """The disk takes its time; meanwhile the next decision comes."""
        if key[2] == 0:
            mine.erasures.apply(erasing(entries[1].entry))
        return await real_erase(*key)

    async def scrub() -> None:
        nonlocal scrubbed
        scrubbed += 1
        if scrubbed == 1:
            mine.erasures.apply(erasing(entries[2].entry))
        await real_scrub()

    monkeypatch.setattr(store, "erase", erase)
    monkeypatch.setattr(store, "scrub", scrub)
    mine.erasures.apply(erasing(entries[0].entry))
    await follow(mine)
    await follow(mine)

    assert [mine.get(*heard.entry.key).body for heard in entries] == [None] * 3
    assert scrubbed == 2
