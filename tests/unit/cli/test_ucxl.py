"""What the command line makes of its arguments about content, before the engine is asked to write."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import click
import pytest

from chorus_tui.cli.ucxl import _entries

PLACE = "ucxl://ana:developer@shop:api/*^/notes/plan.md"
FIRST, SECOND, THIRD = "ab12" + "0" * 60, "ab13" + "0" * 60, "cd" * 32


class Session:
    """Answers with a history of three versions, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def ask(self, operation: str, request: Any) -> Any:
        self.asked.append((operation, request.address))
        return SimpleNamespace(versions=[SimpleNamespace(entry=entry) for entry in (FIRST, SECOND, THIRD)])


async def test_an_entry_is_meant_by_its_first_digits() -> None:
    """As the history prints them, in any case of letters; whole ones beside them stay as they are, known or not."""
    session: Any = Session()

    assert await _entries(session, PLACE, (FIRST[:12], "CD", SECOND, "e" * 64)) == [FIRST, THIRD, SECOND, "e" * 64]
    assert session.asked == [("ucxl.history", PLACE)]


async def test_whole_entries_are_not_looked_up() -> None:
    """Nor is anything when none is named."""
    session: Any = Session()

    assert await _entries(session, PLACE, (FIRST, "e" * 64)) == [FIRST, "e" * 64]
    assert await _entries(session, PLACE, ()) == []
    assert session.asked == []


@pytest.mark.parametrize(
    ("beginning", "why"), [("ab1", "2 versions begin so"), ("ef", "no version begins so"), ("", "no version")]
)
async def test_what_begins_no_entry_or_several_is_refused(beginning: str, why: str) -> None:
    """Nothing is guessed: the error says what to do."""
    session: Any = Session()
    with pytest.raises(click.UsageError, match=why):
        await _entries(session, PLACE, (beginning,))
