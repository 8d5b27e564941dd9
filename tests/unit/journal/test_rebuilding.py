"""``journal rebuild``: what proves itself stays, all else is made from it or dropped with a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from chorus_tui.engine.journal.database import InlineDatabase
from chorus_tui.engine.journal.journal import FeedJournal
from chorus_tui.engine.journal.rebuilding import rebuild
from chorus_tui.engine.journal.store import SCHEMA
from tests.unit.journal.test_erasure import Reasons, erasing, follow
from tests.unit.journal.test_journal import OTHER, feed, journal

ALL = (
    "SELECT author, epoch, seq, hash, header, sig, body, type, hlc_ms, problem FROM entries ORDER BY author, epoch, seq"
)
ENTRY = "author = ? AND seq = ?"


async def filled() -> InlineDatabase:
    """Seven entries of one author, one of them erased, and this peer's own epoch."""
    database = InlineDatabase(SCHEMA)
    mine = journal(database)
    await mine.open()
    entries = feed(7)
    await mine.accept(entries, OTHER.peer_id)
    mine.erasures.apply(erasing(entries[1].entry))
    await follow(mine)
    return database


async def reopened(database: InlineDatabase) -> tuple[FeedJournal, Reasons]:
    mine, reasons = journal(InlineDatabase(SCHEMA, database.image()), seed=5), Reasons()
    mine.fold(reasons)
    await mine.open()
    return mine, reasons


async def test_a_sound_journal_stays_byte_for_byte() -> None:
    """Nothing is changed where nothing is wrong, erased bodies included."""
    database = await filled()
    before = database.read(lambda c: c.execute(ALL).fetchall())
    found = await rebuild(database)

    assert (found.ok, found.entries, found.corrected, found.problems) == (True, 8, 0, [])
    assert database.read(lambda c: c.execute(ALL).fetchall()) == before


@pytest.mark.parametrize("damage", ["hash = 'x'", "type = 'task_claim'", "hlc_ms = 9", "problem = 'nonsense'"])
async def test_what_is_derived_is_made_anew(damage: str) -> None:
    """A wrong column is set right from the signed header; features then get the entry as before."""
    database = await filled()
    before = database.read(lambda c: c.execute(ALL).fetchall())
    database.apply(lambda c: c.execute(f"UPDATE entries SET {damage} WHERE {ENTRY}", (OTHER.peer_id, 3)))
    found = await rebuild(database)

    assert (found.ok, found.corrected, found.entries_dropped, found.bodies_dropped) == (False, 1, 0, 0)
    assert database.read(lambda c: c.execute(ALL).fetchall()) == before
    assert (await reopened(database))[1].said == [f"x {n}" for n in (0, 2, 3, 4, 5, 6)]


async def test_a_damaged_body_goes_alone_and_comes_again() -> None:
    """The header and all that follows stay; what a member brings fills the place."""
    database = await filled()
    database.apply(lambda c: c.execute(f"UPDATE entries SET body = 'bad' WHERE {ENTRY}", (OTHER.peer_id, 3)))
    found = await rebuild(database)
    mine, reasons = await reopened(database)

    assert (found.ok, found.bodies_dropped, found.entries_dropped, found.entries) == (False, 1, 0, 8)
    assert "1 " not in reasons.said
    assert mine.store.without_body(9) == [feed(7)[3].entry.key]
    await mine.accept(feed(7), OTHER.peer_id)
    assert (await mine.verify()).ok
    assert sorted(reasons.said) == [f"x {n}" for n in (0, 2, 3, 4, 5, 6)]


@pytest.mark.parametrize(
    "damage", ["sig = replace(sig, 'a', 'b')", "header = 'bad'", "header = replace(header, 'goodbye', 'farewell')"]
)
async def test_an_entry_that_does_not_verify_goes_with_all_after_it_and_comes_again(damage: str) -> None:
    """A chain cannot be believed beyond a break; the break is named; members bring the rest."""
    database = await filled()
    database.apply(lambda c: c.execute(f"UPDATE entries SET {damage} WHERE {ENTRY}", (OTHER.peer_id, 3)))
    found = await rebuild(database)
    mine, reasons = await reopened(database)

    assert (found.ok, found.entries_dropped, found.entries) == (False, 4, 4)
    assert len(found.problems) == 1
    assert f"{'a' * 8}:3" in found.problems[0]
    assert (await mine.verify()).ok
    assert reasons.said == ["x 0", "x 2"]
    assert await mine.accept(feed(7), OTHER.peer_id) == 4
    assert (await mine.verify()).ok


def test_the_command_refuses_a_folder_without_a_journal(tmp_path: Path, capsys) -> None:
    """It makes nothing, and names the folder and the option."""
    import argparse

    from chorus_tui.engine.runtime import offline

    code = offline.run(argparse.Namespace(action="rebuild", kind="agent", data_dir=str(tmp_path / "none"), json=False))

    assert code == 1
    assert "--data-dir" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


async def test_a_well_signed_entry_of_another_branch_is_no_part_of_the_chain() -> None:
    """Signatures alone do not make a chain: what does not follow goes, with all after it."""
    database = await filled()
    other = feed(7, words="y")[3].entry
    values = (other.header.encode(), other.sig, other.body, other.hash, OTHER.peer_id, 3)
    database.apply(
        lambda c: c.execute(f"UPDATE entries SET header = ?, sig = ?, body = ?, hash = ? WHERE {ENTRY}", values)
    )
    found = await rebuild(database)

    assert (found.entries_dropped, found.entries) == (4, 4)
    assert "does not follow" in found.problems[0]
