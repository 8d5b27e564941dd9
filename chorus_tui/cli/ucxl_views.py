"""Content under addresses as the command line prints it."""

from __future__ import annotations

from chorus_tui.cli.plain import clean, moment, say, size, table
from chorus_tui.contract.models.ucxl import (
    Diff,
    History,
    Hits,
    NavigationStep,
    PlaceList,
    Put,
    Sources,
    Tree,
    VersionRow,
)
from chorus_tui.telling import ucxl as words


def print_written(answer: Put) -> None:
    """That a version was written, or removed."""
    say(clean(words.written(answer)))


def print_history(answer: History) -> None:
    """All versions."""
    say(answer.place)
    table(("version", "at", "by", "state", "readable by", "what is new", "entry"), map(_version_line, answer.versions))


def _version_line(row: VersionRow) -> tuple[object, ...]:
    return (
        row.n,
        moment(row.at),
        words.author(row),
        words.state(row),
        words.readers(row),
        row.description,
        row.entry[:12],
    )


def print_diff(answer: Diff) -> None:
    """What differs, line by line."""
    if answer.note:
        say(clean(answer.note))
    for line in answer.lines:
        say(clean(line))
    if answer.cut:
        say("… more lines are left out")


def print_hits(answer: Hits) -> None:
    """What was found."""
    for hit in answer.hits:
        say(clean(f"{hit.row.place}{f'  {hit.line}: {hit.snippet.strip()}' if hit.line else ''}"))
    if not answer.hits:
        say("Nothing found.")
    if answer.cut:
        say(f"Left out: {answer.cut}")


def print_places(answer: PlaceList) -> None:
    """What there is."""
    if not answer.places:
        say("Nothing has been written yet; 'chorus-tui ucxl put ADDRESS FILE' does.")
        return
    rows = [
        (
            row.place, row.versions, "removed" if row.tombstone else size(row.size), "sealed" if row.sealed else "",
            f"{row.siblings + 1} newest" if row.siblings else "", row.author_name, moment(row.at),
        )
        for row in answer.places
    ]  # fmt: skip
    table(("address", "versions", "size", "", "", "by", "at"), rows)


def print_tree(answer: Tree) -> None:
    """One level."""
    if not answer.children:
        say("Nothing is there.")
        return
    table(("", "name", "below", "content"), [(one.kind, one.name, one.places, one.place) for one in answer.children])


def print_step(answer: NavigationStep) -> None:
    """Where a step came to."""
    say(clean(words.stepped(answer)))
    if answer.success and answer.version is not None:
        say(clean(answer.version.address))


def print_sources(answer: Sources) -> None:
    """Who holds a version."""
    say(clean(f"Version {answer.version.n} of {answer.version.place}: {words.held(answer)}"))
