"""``chorus-tui shhh …``: what was found, what is taken for a secret, what is held because of one."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chorus_tui.cli.session import Exit, Session, engine_command
from chorus_tui.contract.counting import many

if TYPE_CHECKING:
    from chorus_tui.contract.models.shhh import (
        Audit,
        HeldFile,
        HeldFiles,
        Replayed,
        RuleTable,
        ScanFile,
        Scanned,
        ShhhStats,
    )


@click.group()
def shhh() -> None:
    """Secrets: what was found and redacted, by which rules, and which files are held. Shows no secret."""


@shhh.command()
@click.option("--limit", type=click.IntRange(1, 2000), default=100, show_default=True, help="Records at most.")
@click.option("--rule", default="", help="Only of this rule.")
@click.option("--door", default="", help="Only at this door, such as feed, answer, log, blob.")
@engine_command
async def audit(session: Session, limit: int, rule: str, door: str) -> None:
    """What was found, the newest first: rule, severity, door, place, keyed hash, how often."""
    from chorus_tui.contract.models.shhh import ReadAudit

    session.show(await session.ask("shhh.audit", ReadAudit(limit=limit, rule=rule, door=door)), _print_audit)


@shhh.command()
@engine_command
async def rules(session: Session) -> None:
    """What is taken for a secret, and how grave each is."""
    session.show(await session.ask("shhh.rules"), _print_rules)


@shhh.command()
@engine_command
async def stats(session: Session) -> None:
    """How much was found since the engine started."""
    session.show(await session.ask("shhh.stats"), _print_stats)


@shhh.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@engine_command
async def scan(session: Session, file: Path) -> int:
    """Look for secrets in FILE, also in archives. Exit code 1: something was found, or may be in what
    could not be looked at. The file is not kept."""
    answer: Scanned = await session.ask("shhh.scan", _given(file))
    session.show(answer, _print_scanned)
    return Exit.FAILED if answer.found or answer.bomb or answer.cut else Exit.OK


def _given(file: Path) -> ScanFile:
    from chorus_tui.contract.models.shhh import MOST_SCANNED, ScanFile

    if file.stat().st_size > MOST_SCANNED:
        raise click.BadParameter(f"larger than {MOST_SCANNED >> 20} MiB", param_hint="FILE")
    return ScanFile(name=file.name[:512], data=base64.b64encode(file.read_bytes()).decode())


@shhh.command()
@engine_command
async def replay(session: Session) -> None:
    """Read the rules file anew, and look with the rules at everything stored here."""
    session.show(await session.ask("shhh.replay"), _print_replayed)


@shhh.command()
@engine_command
async def held(session: Session) -> None:
    """Files that go nowhere until somebody releases them."""
    session.show(await session.ask("shhh.held"), _print_held)


@shhh.command()
@click.argument("digest", metavar="HEX")
@engine_command
async def release(session: Session, digest: str) -> None:
    """Let a held file go to others, with what is in it. HEX is its digest or the beginning."""
    from chorus_tui.contract.models.shhh import ReleaseFile

    session.show(await session.ask("shhh.release", ReleaseFile(digest=digest)), _print_released)


# ── printing ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _print_audit(answer: Audit) -> None:
    from chorus_tui.cli.plain import moment, say, table

    if not answer.records:
        say("Nothing was found.")
        return
    rows = [
        (one.rule, one.severity, one.door, one.place, one.hash, str(one.count), moment(one.last))
        for one in answer.records
    ]
    table(("rule", "severity", "door", "place", "hash", "times", "last"), rows)


def _print_rules(answer: RuleTable) -> None:
    from chorus_tui.cli.plain import say, table

    table(
        ("rule", "severity", "found", "tags"),
        [(one.name, one.severity, str(one.hits), ", ".join([*one.tags, *(["yours"] if one.custom else [])])) for one in answer.rules],
    )  # fmt: skip
    say(f"{many(len(answer.rules), 'rule')}{f', yours from {answer.file}' if answer.file else ''}")
    for name, meaning in answer.severities.items():
        say(f"  {name}{' (refused)' if name in answer.denied else ''}: {meaning}")


def _print_stats(answer: ShhhStats) -> None:
    from chorus_tui.cli.plain import say, table

    rows = [("rule", name, str(count)) for name, count in sorted(answer.by_rule.items(), key=lambda one: -one[1])]
    rows += [("door", name, str(count)) for name, count in sorted(answer.by_door.items(), key=lambda one: -one[1])]
    if rows:
        table(("by", "name", "found"), rows)
    say(f"{answer.findings} found since the start, {many(answer.held, 'file')} held, {answer.released} released")


def _print_scanned(answer: Scanned) -> None:
    from chorus_tui.cli.plain import say, table

    if answer.found:
        table(
            ("rule", "severity", "where", "hash"),
            [(one.rule, one.severity, one.where, one.hash) for one in answer.found],
        )
    elif not answer.bomb:
        say("Nothing was found.")
    if answer.bomb:
        say("It unpacks to many times its size, and was not looked through.")
    if answer.cut:
        say(f"Not all of it could be looked at: {answer.why_cut}. As a file of the mesh it would be held.")


def _print_replayed(answer: Replayed) -> None:
    from chorus_tui.cli.plain import say, table

    if answer.entries:
        rows = [(one.author_name or one.author, str(one.seq), one.type, ", ".join(one.rules)) for one in answer.entries]
        table(("author", "seq", "type", "rules"), rows)
    say(
        f"Something was found in {answer.found_entries} of {many(answer.entries_read, 'entry', 'entries')}; "
        "it is redacted wherever they are shown"
    )
    say(f"Held: {len(answer.held)} of {many(answer.blobs_read, 'file')}")


def _print_held(answer: HeldFiles) -> None:
    from chorus_tui.cli.plain import moment, say, table

    if not answer.held:
        say("No file is held.")
        return
    rows = [(one.digest.removeprefix("sha256:")[:16], moment(one.since), one.why, _places(one)) for one in answer.held]
    table(("file", "since", "why", "where"), rows)
    say("'chorus-tui shhh release HEX' lets one go.")


def _places(one: HeldFile) -> str:
    return ", ".join(place.where for place in one.found[:3]) + (" …" if len(one.found) > 3 else "")


def _print_released(answer: HeldFile) -> None:
    from chorus_tui.cli.plain import say

    say(f"Released: {answer.digest}; it goes to others as any file.")
