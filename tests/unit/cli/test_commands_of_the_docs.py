"""Every command that README and docs/ tell people to type exists, with its options and its arguments. No engine is asked."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from chorus_tui.cli.main import cli

ROOT = Path(__file__).parents[3]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "ARCHITECTURE.md", *(ROOT / "docs").glob("*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = {"", "sh"}
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
REST = {"…", "..."}
"""What stands for more of the same."""


class Wrong(Exception):
    """What a page says does not go. The text says why."""


def segments(line: str) -> Iterator[list[str]]:
    """The commands of one line of shell, each as its words."""
    words: list[str] = []
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split, lexer.commenters = True, "#"
    for word in lexer:
        if word and set(word) <= set("|&;"):
            yield words
            words = []
        else:
            words.append(word)
    yield words


def ours(words: list[str]) -> list[str] | None:
    """What follows ``chorus-tui``; None when the command is another one. What is redirected does not count."""
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    if not words or words[0] != "chorus-tui":
        return None
    cut = next((at for at, word in enumerate(words) if set(word) <= set("<>")), len(words))
    return words[1:cut]


def typed(page: Path) -> list[tuple[str, list[str]]]:
    """Commands of the shell blocks: the line, and the words after the program's name."""
    found = []
    for language, block in FENCE.findall(page.read_text(encoding="utf-8")):
        if language not in SHELL:
            continue
        for line in block.replace("\\\n", " ").splitlines():
            if "chorus-tui" not in line:
                continue
            found += [(line.strip(), words) for each in segments(line) if (words := ours(each)) is not None]
    return found


def named(page: Path) -> list[tuple[str, list[str]]]:
    """Commands inside sentences: ``chorus-tui X``, or the name of a group and what it is to do."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    found = []
    for span in SPAN.findall(text):
        if "<" in span or span.count("'") % 2 or span.count('"') % 2:
            continue  # the form of something said, not a command
        words = shlex.split(span)
        if words[:1] == ["chorus-tui"]:
            found.append((span, words[1:]))
        elif (
            len(words) > 1
            and isinstance(cli.get_command(click.Context(cli), words[0]), click.Group)
            and re.fullmatch("[a-z][a-z-]*", words[1])
        ):
            found.append((span, words))
    return found


def found(words: list[str], *, whole: bool) -> tuple[click.Command, click.Context, list[str]]:
    """The command that the first words name, and the other words. Raises :class:`Wrong`."""
    command: click.Command = cli
    context = click.Context(cli, info_name="chorus-tui")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        named = command.get_command(context, words[0])
        if named is None:
            if command.invoke_without_command and not whole:
                break  # the group answers by itself; what follows is the sentence
            raise Wrong(f"{command.name or 'chorus-tui'} has no command {words[0]!r}")
        command, context, words = named, click.Context(named, info_name=words[0], parent=context), words[1:]
    return command, context, words


def check(words: list[str], *, whole: bool) -> None:
    """Raises :class:`Wrong` unless click takes these words; ``whole``: with all that is required, as somebody types it."""
    command, context, words = found([word for word in words if word not in REST], whole=whole)
    try:
        _, left, _ = command.make_parser(context).parse_args(list(words))
    except click.NoSuchOption as error:
        raise Wrong(str(error)) from error
    except click.BadOptionUsage as error:
        if whole:
            raise Wrong(str(error)) from error
        return  # a sentence may name an option without its value
    if isinstance(command, click.Group):
        return
    if left:
        raise Wrong(f"too much: {' '.join(left)}")
    needed = [one.name for one in command.params if isinstance(one, click.Argument) and one.required]
    if whole and needed and all(word.startswith("-") for word in words):
        raise Wrong(f"{command.name} needs {needed[0]}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_tells_to_type_can_be_typed(page):
    """In blocks of shell as they stand there; in sentences by the names and options they have."""
    wrong = []
    for text, words, whole in [*((*one, True) for one in typed(page)), *((*one, False) for one in named(page))]:
        try:
            check(words, whole=whole)
        except Wrong as error:
            wrong.append(f"{text}: {error}")

    assert wrong == []


@pytest.mark.parametrize(
    "line",
    [
        "chorus-tui nothing",
        "chorus-tui task shew ID",
        "chorus-tui task list --staate x",
        "chorus-tui task show",
        "chorus-tui status me",
    ],
)
def test_what_does_not_go_is_seen(line):
    """A command, a command of a group, an option that is not there; an argument that lacks; one too much."""
    with pytest.raises(Wrong):
        check(line.split()[1:], whole=True)


def test_there_is_something_to_look_at():
    """The pages are found, and so are the commands in them."""
    assert sum(len(typed(page)) for page in PAGES) > 100
