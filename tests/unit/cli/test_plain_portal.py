"""The plain portal's language: what a line means, and that it is said in words alone."""

from __future__ import annotations

import unicodedata

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from chorus_tui.cli import plain
from chorus_tui.cli.main import COMMANDS, cli
from chorus_tui.cli.session import Session
from chorus_tui.commands import lines, table
from chorus_tui.commands.lines import Line
from chorus_tui.telling.spoken import quoted, spoken, unquoted


@pytest.mark.parametrize(
    ("typed", "meaning"),
    [
        ("status", Line(words=("status",))),
        ("  :tasks ", Line(words=("task", "list"))),
        ("TASKS", Line(words=("task", "list"))),
        ("tasks --state failed", Line(words=("task", "list", "--state", "failed"))),
        ("chorus-tui task show 01AB", Line(words=("task", "show", "01AB"))),
        ("task 01AB", Line(words=("task", "show", "01AB"))),
        ("decide new", Line(words=("decide", "propose"))),
        (
            "decide vote 01AB yes --reason 'too big'",
            Line(words=("decide", "vote", "01AB", "yes", "--reason", "too big")),
        ),
        ("ucxl ucxl://any:any@any:any/a", Line(words=("ucxl", "get", "ucxl://any:any@any:any/a"))),
        ("connect /ip4/127.0.0.1/tcp/1", Line(words=("connect", "/ip4/127.0.0.1/tcp/1"))),
        ("members", Line(words=("members",))),
        ("ssh", Line(words=("web", "show"))),
        ("watch 5", Line(own="watch", rest="5")),
        ("exit", Line(own="quit")),
        ("", Line()),
    ],
)
def test_words_of_the_prompt_and_of_the_command_line_are_one_language(typed: str, meaning: Line) -> None:
    """Both are understood, in small or large letters; an id after a word opens it."""
    assert lines.read(typed, COMMANDS) == meaning


@pytest.mark.parametrize("typed", ["nonsense", "say 'open", "--headless", "theme"])
def test_what_is_not_understood_is_told_with_the_way_out(typed: str) -> None:
    """Nothing is run; no option of the program itself can be given."""
    line = lines.read(typed, COMMANDS)

    assert line.fault
    assert not line.words


@given(st.text())
def test_no_line_is_too_strange(typed: str) -> None:
    """Whatever a pipe holds has a meaning or a fault, and never begins with an option of the program."""
    line = lines.read(typed, COMMANDS)

    assert not line.words or line.words[0] in COMMANDS


def test_every_word_of_the_table_but_the_look_has_a_meaning() -> None:
    """A command that is added to the portal is there in plain mode too; only a colour has no words."""
    dumb = [one.word for one in table.COMMANDS if lines.read(one.word, COMMANDS).fault]

    assert dumb == ["theme"]


def test_what_is_offered_and_asked_about_exists() -> None:
    """Each command of the tables is one of the command line's."""
    named = {
        *lines.NEXT,
        *lines.QUESTIONS,
        *lines.DESTRUCTIVE,
        *(f"{word} {what}" for word, what in lines.OPENS.items()),
    }
    for name in sorted(named):
        command: click.Command | None = cli
        for word in name.split():
            assert isinstance(command, click.Group), name
            command = command.get_command(click.Context(command), word)
            assert command is not None, name


@given(st.text())
def test_only_words_are_said(text: str) -> None:
    """No picture, no box, no sign that a voice would spell out; saying it twice changes nothing."""
    said = spoken(text)

    assert not [one for one in said if unicodedata.category(one) == "So" or 0x2500 <= ord(one) < 0x25A0]
    assert spoken(said) == said or said.startswith("attention: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("⚠ no peer", "warning: no peer"),
        ("👑 Following ada", "Following ada"),
        ("✓ done · 3 of 4 → ada …", "ok: done, 3 of 4 to ada ..."),
        ("! peers: degraded", "attention: peers: degraded"),
        ("    return x  # kept", "    return x  # kept"),
        ("Zoë, naïve, 日本", "Zoë, naïve, 日本"),
    ],
)
def test_signs_become_words(text: str, said: str) -> None:
    """What they mean is kept; text without signs stays as it is."""
    assert spoken(text) == said


def test_a_table_is_said_row_by_row(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Its place, then name and value of each column that has one; facts without columns."""
    monkeypatch.setattr(plain, "_spoken", [True])
    plain.table(("peer", "state", "role"), [("ada", "connected", ""), ("ben", "lost", "reviewer")])
    plain.pairs([("peer", "ada"), ("since", "today")])

    said = [
        "1 of 2: peer ada, state connected",
        "2 of 2: peer ben, state lost, role reviewer",
        "peer: ada",
        "since: today",
    ]
    assert capsys.readouterr().out.splitlines() == said


class Said(BaseModel):
    """An answer of an engine: texts of others, alone, in lists and in mappings."""

    title: str
    words: list[str] = []
    by: dict[str, str] = {}


STRANGE = st.text(st.sampled_from("a b^`~'!✓✗→…·─│👑\ufe0f\u00ad\u200d¨№  \u00a0,é\u0301\u212b"))


@pytest.mark.parametrize(
    "text", ["plan.md ✓ ok", "ucxl://ana:dev@shop:api/*^/notes", "! no", "a → b · c — d …", "  two  spaces ✓"]
)
def test_what_others_wrote_is_said_as_they_wrote_it(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows, facts and lines of an answer hold the text itself; the sign of ours beside it becomes a word."""
    monkeypatch.setattr(plain, "_spoken", [True])

    def show(answer: Said) -> None:
        plain.table(("title", "by"), [(answer.title, answer.by["ana"])])
        plain.pairs([("title", f"✓ {answer.title}")])
        plain.say(plain.clean(f"⚠ see {answer.words[0]}|"))

    Session(None, json=False).show(Said(title=text, words=[text], by={"ana": text}), show)  # type: ignore[arg-type]

    said = [f"1 of 1: title {text}, by {text}", f"title: ok: {text.lstrip(' ')}", f"warning: see {text}|"]
    assert capsys.readouterr().out.split("\n")[:-1] == said


@given(STRANGE | st.text())
def test_a_quoted_text_comes_back_whole(text: str) -> None:
    """Whatever it holds, but for what steers the writing and for private signs, which could stand for another."""
    kept = "".join(one for one in text if unicodedata.category(one) not in {"Cf", "Co"} or one == "\u00ad")

    assert unquoted(spoken(quoted(kept))) == kept
    assert plain.clean(unquoted(spoken(plain.clean(quoted("\U000f202e"))))) == "\ufffd"


@pytest.mark.parametrize("plane", [0, 0xF0000, 0x100000])
def test_nobody_smuggles_past_the_cleaning(plane: int) -> None:
    """No character, quoted or not, becomes one that a terminal obeys when the quoting is undone."""
    for code in range(plane, plane + 0x10000):
        for text in (chr(code), quoted(chr(code))):
            said = unquoted(spoken(plain.clean(text)))

            assert plain.clean(said) == said, hex(code)


def test_an_address_in_a_line_of_ours_keeps_its_signs() -> None:
    """ASCII is never a picture: the moment of an address, a quote of a shell."""
    assert (
        spoken("→ chorus-tui ucxl get 'ucxl://any:any@any:any/*^/a' `x`")
        == "to chorus-tui ucxl get 'ucxl://any:any@any:any/*^/a' `x`"
    )
