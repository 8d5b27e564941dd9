"""What the command line makes of its arguments about content, before the engine is asked to write."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import click
import pytest

from chorus_tui.cli.ucxl import _entries, _print_record
from chorus_tui.contract.models.ucxl import RECORD_TYPE

PLACE = "ucxl://ana:developer@shop:api/*^/notes/plan.md"
FIRST, SECOND, THIRD = "ab12" + "0" * 60, "ab13" + "0" * 60, "cd" * 32


class Session:
    """Answers with a history of three versions, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def ask(self, operation: str, request: Any = None) -> Any:
        if operation == "peers.list":
            return SimpleNamespace(peers=[SimpleNamespace(peer_id="12D3KooWAda", name="ada\x1b[2J")])
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


async def test_a_record_is_printed_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal, with names, and without a sign that the terminal would obey; any other content is left to be printed as it is."""
    session: Any = Session()
    said = {
        "title": "Use \x1b[31mPostgreSQL",
        "tally": {"approve": 1},
        "votes": [{"by": "12D3KooWAda", "choice": "approve"}],
        "new\x07": 1,
    }
    data = json.dumps({"record": said, "signed_by": "12D3KooWAda", "sig": "00"}).encode()
    record: Any = SimpleNamespace(version=SimpleNamespace(media_type=RECORD_TYPE, place=PLACE))
    other: Any = SimpleNamespace(version=SimpleNamespace(media_type="application/json", place=PLACE))

    assert await _print_record(session, record, data)
    printed = capsys.readouterr().out
    assert "question   Use ␛[31mPostgreSQL" in printed
    assert "vote       approve  ada␛[2J (…3KooWAda)" in printed
    assert "new␇       1" in printed
    assert "\x1b" not in printed
    assert not await _print_record(session, other, data)
    assert not await _print_record(session, record, b"\xff[")
    assert capsys.readouterr().out == ""
