"""What a line of the plain portal means: the words of the ``:`` prompt and of the command line, in one language. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from chorus_tui.commands.table import COMMANDS, parse

OWN: Final = {
    "help": "help WORD: what can be said; of a word, all about it",
    "watch": "watch SECONDS: what happens, as it happens; without a number until enter is pressed",
    "quit": "quit: leave",
}
"""Words that only the plain portal has."""
GOODBYES: Final = frozenset({"bye", "exit", "q"})
NEXT: Final[dict[str, tuple[str, ...]]] = {
    "status": ("inbox", "tasks", "peers", "watch"),
    "peers": ("connect ADDRESS", "members", "invite"),
    "task list": ("task show ID", "announce", "watch"),
    "task show": ("task output ID", "task artifacts ID", "task cancel ID"),
    "task announce": ("task wait ID", "task show ID", "watch"),
    "hmmm rooms": ("hmmm show --help", "hmmm send --help"),
    "inbox list": ("inbox answer ITEM CHOICE", "decide", "tasks"),
    "decide list": ("decide show ID", "decide vote ID CHOICE", "propose"),
    "decide propose": ("decide show ID", "decide vote ID CHOICE"),
    "patch list": ("patch show ID", "patch review --help"),
    "collab list": ("collab --help",),
    "ucxl list": ("ucxl get ADDRESS", "ucxl search TEXT"),
    "web show": ("web start", "web invite", "web stop"),
}
"""After an answer: what is often wanted then."""
ANYWAY: Final = ("status", "help")
QUESTIONS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "task announce": (("--title", "Title of the task"), ("--command", "Command that runs in the sandbox")),
    "decide propose": (("--title", "What is decided, in a line"), ("--description", "What it is about, and why")),
}
"""Commands that are asked for piece by piece when they come without anything: option, question."""
OPENS: Final = {"collab": "show", "decide": "show", "patch": "show", "task": "show", "ucxl": "get"}
"""What a word means with an id or an address after it."""
_SUBCOMMAND = re.compile(r"-.*|[a-z][a-z-]*")
DESTRUCTIVE: Final = frozenset(
    {
        "collab end", "decide withdraw", "journal erase", "members remove", "patch withdraw", "peers ban", "peers block", "stop",
        "task cancel", "task stop", "token revoke", "ucxl rm", "web stop",
    }
)  # fmt: skip
"""Asked about first."""


@dataclass(frozen=True, slots=True)
class Line:
    """``words`` is the command line without its program's name; ``own`` one of :data:`OWN` instead; ``fault`` why it is neither."""

    words: tuple[str, ...] = ()
    own: str = ""
    rest: str = ""
    fault: str = ""

    @property
    def name(self) -> str:
        """The command and its subcommand, as the tables above have them."""
        first = [word for word in self.words[:2] if not word.startswith("-")]
        return self.words[0] if first and first[0] in ("stop", "connect", "invite") else " ".join(first)


def read(text: str, commands: Collection[str]) -> Line:
    """The meaning of a line; ``commands`` are the names of the command line's own."""
    try:
        words = tuple(shlex.split(text.strip().removeprefix(":").removeprefix("chorus-tui ")))
    except ValueError:
        return Line(fault="A quotation mark is open. Close it, or put \\ before it.")
    if not words:
        return Line()
    first, rest = words[0].lower(), words[1:]
    first = "quit" if first in GOODBYES else first
    if first in OWN:
        return Line(own=first, rest=" ".join(rest))
    opened = _opened(first, rest)
    if opened or (rest and first in commands):
        return Line(words=opened or (first, *rest))
    return _by_table(first, rest, commands)


def _opened(first: str, rest: tuple[str, ...]) -> tuple[str, ...]:
    """What the prompt's words mean with something after them, on the command line."""
    if first == "decide" and rest == ("new",):
        return ("decide", "propose")
    if first == "ssh" and not rest:
        return ("web", "show")  # alone it would serve, and the conversation would wait for its end
    if rest and first in OPENS and not _SUBCOMMAND.fullmatch(rest[0]):
        return (first, OPENS[first], *rest)
    return ()


def _by_table(first: str, rest: tuple[str, ...], commands: Collection[str]) -> Line:
    """A word of the prompt, whole or as it unmistakably begins; else a command of the command line alone."""
    found, _ = parse(first)
    if found is not None and found.word in OWN:
        return Line(own=found.word)
    if found is not None and found.cli:
        twin = tuple(part for part in found.cli.split()[1:] if part.islower())
        return Line(words=(*twin, *rest))
    if first in commands:
        return Line(words=(first,))
    return Line(fault=f"No command {first!r}. Say help for those there are.")


def after(line: Line) -> str:
    """What can be done next, in a line."""
    found = NEXT.get(line.name, ())
    return f"Next: {', '.join((*found, *(word for word in ANYWAY if word not in found)))}"


def overview() -> list[str]:
    """What can be said, a line each."""
    shown = []
    for one in COMMANDS:
        asks = " ".join(one.cli.split()[1:]) in QUESTIONS
        if one.cli and one.word not in OWN:
            shown.append(f"{one.word}: {f'{one.title}; you are asked for what it needs' if asks else one.help}")
    return [
        *shown,
        *OWN.values(),
        "Every command of chorus-tui works here as well: task show ID, hmmm send --help, and so on.",
    ]
