"""The one table of what can be done from anywhere."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """A word of the ``:`` prompt and an entry of the palette. ``action`` is one of the app's; ``cli`` its twin."""

    word: str
    title: str
    help: str
    action: str
    cli: str = ""


COMMANDS: tuple[Command, ...] = (
    Command("help", "Help", "Commands, keys, glossary, first steps", "show('help')", "chorus-tui --help"),
    Command("status", "Status", "Me, the mesh, its admin, health, what happens", "show('status')", "chorus-tui status"),
    Command("peers", "Peers", "Who is there and how well they are reached", "show('peers')", "chorus-tui peers"),
    Command("tasks", "Tasks", "The board; announce, watch, cancel", "show('tasks')", "chorus-tui task list"),
    Command("hmmm", "HMMM", "Rooms: discuss, propose, object, ask", "show('hmmm')", "chorus-tui hmmm rooms"),
    Command(
        "inbox", "Inbox", "What waits for you: approvals, votes, questions", "show('inbox')", "chorus-tui inbox list"
    ),
    Command(
        "collab",
        "Shared texts",
        "Write a text together; 'collab SESSION' opens one",
        "show('collab')",
        "chorus-tui collab list",
    ),
    Command(
        "decide",
        "Decisions",
        "Votes, open and closed; 'decide new' opens the form",
        "show('decide')",
        "chorus-tui decide list",
    ),
    Command(
        "patch",
        "Patches",
        "Changes: review, submit, apply; 'patch new', 'patch ID'",
        "show('patch')",
        "chorus-tui patch list",
    ),
    Command(
        "ucxl",
        "UCXL",
        "Content under addresses; 'ucxl ADDRESS' opens one",
        "show('ucxl')",
        "chorus-tui ucxl list",
    ),
    Command(
        "journal",
        "Journal",
        "What each peer said, entry by entry; verify it",
        "show('journal')",
        "chorus-tui journal tail",
    ),
    Command(
        "web",
        "Web",
        "Serve the portal in browsers and over SSH; who is connected",
        "show('web')",
        "chorus-tui web show",
    ),
    Command("propose", "Put something to the vote", "Open the form", "propose", "chorus-tui decide propose"),
    Command("announce", "Announce a task", "Open the form", "announce", "chorus-tui task announce"),
    Command(
        "connect",
        "Connect to a peer",
        "connect ADDRESS: dial a peer by its multiaddr",
        "connect",
        "chorus-tui connect ADDRESS",
    ),
    Command("theme", "Change theme", "Colours of the portal", "change_theme"),
    Command("quit", "Leave", "Leave the portal; its engine stops later by itself", "quit"),
)
BY_WORD = {command.word: command for command in COMMANDS}


def parse(text: str) -> tuple[Command | None, str]:
    """The command that a line of the prompt names, or that it begins unmistakably, and the rest of the line."""
    word, _, rest = text.strip().removeprefix(":").strip().partition(" ")
    if word in BY_WORD:
        return BY_WORD[word], rest.strip()
    near = [command for command in COMMANDS if word and command.word.startswith(word)]
    return (near[0], rest.strip()) if len(near) == 1 else (None, rest.strip())
