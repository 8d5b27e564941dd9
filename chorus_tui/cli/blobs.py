"""``chorus-tui blobs …``: the files that tasks and records name, by their hash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chorus_tui.cli.session import Session, engine_command

if TYPE_CHECKING:
    from chorus_tui.contract.models.blobs import BlobHolders, BlobList, BlobStats


@click.group()
def blobs() -> None:
    """Files by their hash: artifacts, logs, repositories."""


@blobs.command("list")
@engine_command
async def list_(session: Session) -> None:
    """What is on this disk, and what of it stays whatever the room."""
    session.show(await session.ask("blobs.list"), _print_list)


@blobs.command()
@engine_command
async def stats(session: Session) -> None:
    """How much room blobs take here."""
    session.show(await session.ask("blobs.stats"), _print_stats)


@blobs.command()
@click.argument("digest")
@engine_command
async def holders(session: Session, digest: str) -> None:
    """Which members in reach hold DIGEST (sha256:…) now."""
    from chorus_tui.contract.models.blobs import NameBlob

    session.show(await session.ask("blobs.holders", NameBlob(digest=digest)), _print_holders)


@blobs.command()
@click.argument("digest")
@engine_command
async def pin(session: Session, digest: str) -> None:
    """Keep DIGEST (sha256:…) here whatever the room; it is fetched when it is not here."""
    await _pin(session, digest, keep=True)


@blobs.command()
@click.argument("digest")
@engine_command
async def unpin(session: Session, digest: str) -> None:
    """Let DIGEST (sha256:…) go again when room is short and others hold it."""
    await _pin(session, digest, keep=False)


async def _pin(session: Session, digest: str, *, keep: bool) -> None:
    from chorus_tui.contract.models.blobs import PinBlob

    session.show(await session.ask("blobs.pin", PinBlob(digest=digest, keep=keep)), _print_stats)


def _print_list(answer: BlobList) -> None:
    from chorus_tui.cli.plain import moment, say, size, table

    if not answer.blobs and not answer.missing:
        say("No blobs here. Tasks make them: artifacts, logs, repositories.")
        return
    rows = [(blob.digest, size(blob.size), moment(blob.used), blob.kept or "may go") for blob in answer.blobs]
    rows += [(digest, "", "", "kept, but no member in reach holds it") for digest in answer.missing]
    table(("digest", "size", "used", "kept for"), rows)
    _print_stats(answer.stats)


def _print_stats(answer: BlobStats) -> None:
    from chorus_tui.cli.plain import say, size

    limit = f" of {size(answer.quota)}" if answer.quota else ", no limit"
    say(
        f"{answer.count} blobs, {size(answer.bytes)}{limit}; {answer.kept} kept whatever the room, {size(answer.kept_bytes)}"
    )
    if answer.missing:
        say(f"{answer.missing} to be kept here are not here yet: no member in reach holds them")


def _print_holders(answer: BlobHolders) -> None:
    from chorus_tui.cli.plain import clean, say

    who = [*(["this peer"] if answer.here else []), *answer.names]
    say(f"held by: {clean(', '.join(who))}" if who else "No member in reach holds it.")
    say(f"kept for all by: {clean(', '.join(answer.should)) or 'nobody'}")
