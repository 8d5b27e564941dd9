"""``chorus-tui journal``: what was said and decided, as this engine holds it."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from chorus_tui.cli.session import Exit, Session, Target, complain, engine_command, with_options
from chorus_tui.contract.counting import many

if TYPE_CHECKING:
    from chorus_tui.contract.models.journal import (
        Delivery,
        FleetingLog,
        ForkList,
        JournalEntry,
        JournalPage,
        JournalStats,
        Verification,
    )

EXPORTED = "journal.jsonl"
MOST_ABOUT = 160
"""Characters of the sentence that tells an entry."""


@click.group()
def journal() -> None:
    """Read, verify and export what was said and decided."""


@journal.command()
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Entries at most.")
@click.option("--type", "type_", help="Only this message type.")
@click.option("--author", help="Only this author's (peer id).")
@click.option("--since", metavar="TIME", help="From then on: back from now (90s, 10m, 2h, 3d), or RFC 3339.")
@click.option("--until", metavar="TIME", help="Only before then, written likewise.")
@click.option(
    "--fleeting", is_flag=True, help="What was heard and is kept in no feed: progress, availability, heartbeats."
)
@engine_command
async def tail(
    session: Session,
    limit: int,
    type_: str | None,
    author: str | None,
    since: str | None,
    until: str | None,
    *,
    fleeting: bool,
) -> None:
    """The newest entries, oldest of them first."""
    from chorus_tui.contract.models.journal import TailJournal

    asked = TailJournal(limit=limit, type=type_, author=author, since=since, until=until)
    if fleeting:
        session.show(await session.ask("journal.fleeting", asked), _print_fleeting)
    else:
        session.show(await session.ask("journal.tail", asked), _print_page)


def _print_fleeting(log: FleetingLog) -> None:
    from chorus_tui.cli.plain import moment, table

    rows = [
        (moment(one.at), one.author_name or one.author[-8:], one.type, one.log_type, one.topic) for one in log.messages
    ]
    table(("heard", "author", "type", "log type", "topic"), rows)


@journal.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False))
@with_options
def verify(*, file: str | None, as_json: bool, **options: str | None) -> None:
    """Check every signature and chain: those held here, or those of an exported FILE, which needs no engine.

    Exit code 1: something is wrong. Forks are shown with both hashes; they are no fault of who holds the evidence.
    """
    if file is not None:
        _without_engine("verify", *(["--json"] if as_json else []), "--", file)
    _verify_held(as_json=as_json, **options)


@engine_command
async def _verify_held(session: Session) -> int:
    answer: Verification = await session.ask("journal.verify")
    session.show(answer, _print_verification)
    return Exit.OK if answer.ok else Exit.FAILED


@journal.command()
@engine_command
async def stats(session: Session) -> None:
    """Entries and bytes by author and type; what waits, was erased or forked; how much more this peer may say."""
    session.show(await session.ask("journal.stats"), _print_stats)


@journal.command()
@engine_command
async def forks(session: Session) -> None:
    """Authors that said two different things under one number, with both branches."""
    session.show(await session.ask("journal.forks"), _print_forks)


@journal.command()
@click.argument("author")
@click.argument("epoch")
@click.argument("seq", type=int)
@click.option("--keep", required=True, metavar="HASH", help="The branch that counts: its hash, or first digits.")
@engine_command
async def resolve(session: Session, author: str, epoch: str, seq: int, keep: str) -> None:
    """Decide which branch of a fork counts, as 'journal forks' names them. Needs a master."""
    from chorus_tui.cli.election import print_decided
    from chorus_tui.contract.models.journal import ResolveFork

    request = ResolveFork(author=author, epoch=epoch, seq=seq, keep=keep)
    session.show(await session.ask("journal.resolve", request), print_decided)


@journal.command()
@click.argument("hash_", metavar="HASH")
@click.confirmation_option("--yes", prompt="Nobody can bring the text back. Erase it on every peer?")
@engine_command
async def erase(session: Session, hash_: str) -> None:
    """Erase what an entry said, on every peer; that it was said stays. Its author or a master may."""
    from chorus_tui.cli.election import print_decided
    from chorus_tui.contract.models.journal import EraseBody

    session.show(await session.ask("journal.erase", EraseBody(hash=hash_)), print_decided)


@journal.command()
@click.option("--kind", type=click.Choice(["agent", "human"]), default="agent", show_default=True, help="Whose folder.")
@click.option("--data-dir", metavar="DIR", help="The peer's data folder (CHORUS_DATA_DIR).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def rebuild(outer: Target, *, kind: str, data_dir: str | None, as_json: bool) -> None:
    """With the engine stopped: verify every entry, drop what does not verify, and make all that is derived anew.

    Exit code 1: something was damaged, or an engine runs on the folder.
    """
    meant = Target(data_dir).over(outer).data_dir
    folder = ["--data-dir", meant] if meant else []
    _without_engine("rebuild", f"--kind={kind}", *folder, *(["--json"] if as_json else []))


def _without_engine(*arguments: str) -> None:
    """The engine's own module does it, in the place of this process."""
    sys.stdout.flush()
    # -P: no module is taken from the folder we stand in.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "chorus_tui.engine", "journal", *arguments])  # noqa: S606 - our own interpreter


@journal.command()
@click.option(
    "--to", type=click.Path(), metavar="FILE|DIR", help=f"Write to this file, or to {EXPORTED} in this folder."
)
@engine_command
async def export(session: Session, to: str | None) -> None:
    """Feeds, control logs with their certificates, and evidence of forks, one JSON object a line.

    'journal verify FILE' checks it on any machine.
    """
    if to is None:
        await _export(session, sys.stdout)
        return
    target = _target(to)
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with partial.open("w", encoding="utf-8") as file:
            count = await _export(session, file)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    if session.json:
        click.echo(json.dumps({"file": str(target), "lines": count}))
    else:
        complain(f"{many(count, 'line')} written to {target}")


def _target(to: str) -> Path:
    return Path(to) / EXPORTED if Path(to).is_dir() else Path(to)


async def _export(session: Session, file: IO[str]) -> int:
    from chorus_tui.contract.harmless import as_json
    from chorus_tui.contract.models.journal import ExportJournal, ExportPage

    after, count, digest = None, 0, hashlib.sha256()
    while True:
        page: ExportPage = await session.ask("journal.export", ExportJournal(after=after))
        for line in page.lines:
            # Written exactly as signed, except where a person reads it.
            file.write(f"{as_json(line) if file.isatty() else line}\n")
            digest.update(f"{line}\n".encode())
        count += len(page.lines)
        if page.next is None:
            break
        after = page.next
    end = {"kind": "end", "lines": count, "sha256": digest.hexdigest()}
    file.write(f"{json.dumps(end, sort_keys=True)}\n")
    return count


def _print_page(page: JournalPage) -> None:
    from chorus_tui.cli.plain import moment, say, table

    if not page.entries:
        say("The journal holds no such entry.")
        return
    names = {entry.author: entry.author_name for entry in page.entries if entry.author_name}
    rows = [
        (
            moment(entry.at),
            entry.author_name or entry.author,
            entry.seq,
            entry.type,
            entry.log_type,
            _about(entry, names)[:MOST_ABOUT],
            _delivered(entry.delivery),
        )
        for entry in page.entries
    ]
    table(("at", "author", "seq", "type", "log type", "about", "delivery"), rows)


def _about(entry: JournalEntry, names: dict[str, str]) -> str:
    from chorus_tui.telling.entries import sentence

    return entry.problem or (sentence(entry.type, entry.body, names) if entry.body is not None else "erased")


def _signatures(answer: JournalStats) -> str:
    open_ = [
        f"{answer.unchecked} still to be checked; a later one covers them" if answer.unchecked else "",
        f"{answer.garbled} wrong, asked for" if answer.garbled else "",
    ]
    return ", ".join(filter(None, open_)) or "all checked"


def _print_stats(answer: JournalStats) -> None:
    from chorus_tui.cli.plain import pairs, say, size, table

    pairs(
        [
            ("held", f"{many(answer.entries, 'entry', 'entries')}, {size(answer.bytes)}"),
            ("erased", answer.erased),
            ("withheld", f"{answer.withheld}, asked for" if answer.withheld else 0),
            ("unreadable", answer.unreadable),
            ("signatures", _signatures(answer)),
            ("parked", answer.parked),
            ("forks", f"{answer.forks} open, {answer.evidence} pieces of evidence"),
            ("blobs", f"{many(answer.blobs.blobs, 'file')}, {size(answer.blobs.bytes)}" if answer.blobs else ""),
            ("own flow", f"{answer.opened_last_minute} of {answer.openings_per_minute} openings within a minute"),
            ("", f"{size(answer.opened_bytes)} of {size(answer.openings_bytes)} in total"),
        ]
    )
    say()
    by_author = [(a.author_name or a.author, a.entries, size(a.bytes), a.erased) for a in answer.by_author]
    table(("author", "entries", "size", "erased"), by_author)
    say()
    by_type = [(t.type, t.log_type, t.entries, size(t.bytes), t.erased) for t in answer.by_type]
    table(("type", "log type", "entries", "size", "erased"), by_type)


def _print_forks(answer: ForkList) -> None:
    from chorus_tui.cli.plain import moment, say, table

    if not answer.forks:
        say("No fork: nobody said two different things under one number.")
        return
    rows = [
        (
            fork.author_name or fork.author,
            fork.epoch,
            fork.seq,
            branch.hash,
            branch.type,
            moment(branch.at),
            "held" if branch.held else "",
        )
        for fork in answer.forks
        for branch in fork.branches
    ]
    table(("author", "epoch", "number", "branch", "type", "at", ""), rows)


def _delivered(delivery: Delivery | None) -> str:
    if delivery is None:
        return ""
    steps = [name for name, holds in (("stored", delivery.stored), ("sent", delivery.sent)) if holds]
    if delivery.held_by:
        steps.append(f"held by {delivery.held_by}")
    if delivery.received_by:
        steps.append(f"received by {len(delivery.received_by)}")
    return ", ".join(steps)


def _print_verification(answer: Verification) -> None:
    from chorus_tui.cli.plain import clean, say

    word = "All well" if answer.ok else many(len(answer.problems), "problem")
    feeds, entries = many(answer.feeds, "feed"), many(answer.entries, "entry", "entries")
    say(f"{word}: {feeds}, {entries}, {many(answer.control_entries, 'control entry', 'control entries')}")
    for problem in [*answer.problems, *answer.forks]:
        say(f"  {clean(problem)}")
