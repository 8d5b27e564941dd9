"""A list that goes on says so, and how to see the rest."""

from __future__ import annotations

import click
import pytest

from chorus_tui.cli.main import cli
from chorus_tui.cli.session import Session, page_options
from chorus_tui.contract.models.decisions import DecisionList
from chorus_tui.contract.models.tokens import TokenList

PAGED = ["task list", "decide list", "patch list", "collab list", "hmmm rooms", "ucxl list", "blobs list"]


@click.command()
@page_options(100, "Rows")
def paged() -> None:
    """With the options."""


@click.command()
def plain() -> None:
    """Without."""


@pytest.mark.parametrize(
    ("command", "cursor", "said"),
    [
        (paged, "c-17", "There are more: --cursor c-17"),
        (plain, "c-17", "There are more than are shown here"),
        (paged, None, None),
        (plain, None, None),
    ],
)
def test_no_list_ends_silently_before_its_end(command, cursor, said, capsys):
    """Whatever is printed of it; the last page says nothing."""
    with click.Context(command):
        Session(client=None, json=False).show(DecisionList(decisions=[], next=cursor), lambda _answer: None)  # type: ignore[arg-type]

    out = capsys.readouterr().out
    assert (said in out) if said else not out


def test_programs_get_the_cursor_as_it_is(capsys):
    """With --json the answer has it, and no words stand beside."""
    with click.Context(plain):
        Session(client=None, json=True).show(TokenList(tokens=[], next="c-17"), lambda _answer: None)  # type: ignore[arg-type]

    assert capsys.readouterr().out == '{"next":"c-17","tokens":[]}\n'


@pytest.mark.parametrize("words", PAGED)
def test_what_shows_fewer_than_the_engine_gives_at_once_is_paged(words):
    """These lists are long in use: their commands take where to go on."""
    command: click.Command = cli
    for word in words.split():
        command = command.get_command(click.Context(command), word)  # type: ignore[attr-defined]

    assert {"limit", "cursor"} <= {option.name for option in command.params}
