"""``chorus-tui blobs``: files by their hash, as this engine holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chorus_tui.cli.session import Session, engine_command, page_options

if TYPE_CHECKING:
    from chorus_tui.contract.models.blobs import BlobHolders, BlobList, BlobRow, BlobStats

_DIGEST = click.argument("digest", metavar="sha256:HEX")


@click.group()
def blobs() -> None:
    """Files by their hash: what is held here, why, and who else holds it."""


@blobs.command("list")
@page_options(100, "Blobs")
@engine_command
async def list_(session: Session, limit: int, cursor: str | None) -> None:
    """What is held here, last used first."""
    from chorus_tui.contract.models.blobs import ListBlobs

    session.show(await session.ask("blobs.list", ListBlobs(limit=limit, cursor=cursor)), _print_list)


@blobs.command()
@engine_command
async def stats(session: Session) -> None:
    """How much is held, how much of it is pinned, what is missing."""
    session.show(await session.ask("blobs.stats"), _print_stats)


@blobs.command()
@_DIGEST
@engine_command
async def holders(session: Session, digest: str) -> None:
    """Who holds a blob now: each member in reach reads its copy and answers."""
    from chorus_tui.contract.models.blobs import BlobRef

    session.show(await session.ask("blobs.holders", BlobRef(digest=digest)), _print_holders)


@blobs.command()
@_DIGEST
@engine_command
async def pin(session: Session, digest: str) -> None:
    """Keep a blob here whatever happens; it is fetched when it is not here."""
    from chorus_tui.contract.models.blobs import BlobRef

    session.show(await session.ask("blobs.pin", BlobRef(digest=digest)), _print_row)


@blobs.command()
@_DIGEST
@engine_command
async def unpin(session: Session, digest: str) -> None:
    """Take a pin set by hand away. What the mesh keeps here stays."""
    from chorus_tui.contract.models.blobs import BlobRef

    session.show(await session.ask("blobs.unpin", BlobRef(digest=digest)), _print_row)


def _print_list(answer: BlobList) -> None:
    from chorus_tui.cli.plain import moment, say, size, table

    if not answer.blobs:
        say("No blob is held here.")
        return
    rows = [(blob.digest, size(blob.size), moment(blob.used_at), _reason(blob)) for blob in answer.blobs]
    table(("digest", "size", "last used", "kept because"), rows)
    if len(answer.blobs) < answer.total:
        say(f"{len(answer.blobs)} of {answer.total}")


def _print_stats(answer: BlobStats) -> None:
    from chorus_tui.cli.plain import pairs, size

    pairs(
        [
            ("held", f"{_count(answer.blobs)}, {size(answer.bytes)} of {size(answer.quota)}"),
            ("pinned", f"{_count(answer.pinned)}, {size(answer.pinned_bytes)}"),
            (
                "missing",
                f"{_count(answer.missing)} to be kept here, held by no member in reach" if answer.missing else "none",
            ),
        ]
    )


def _print_holders(answer: BlobHolders) -> None:
    from chorus_tui.cli.plain import say

    say("It is held here." if answer.held_here else "It is not held here.")
    say(f"{len(answer.holders)} of {answer.asked} other members in reach hold it now.")
    for peer_id in answer.holders:
        say(f"  {answer.names.get(peer_id, '')} {peer_id}".rstrip())


def _print_row(blob: BlobRow) -> None:
    from chorus_tui.cli.plain import say, size

    say(f"{blob.digest}  {size(blob.size)}  {_reason(blob)}")


def _reason(blob: BlobRow) -> str:
    if not blob.pinned:
        return "nothing; it may go when two others hold it"
    more = f" and {len(blob.pinned) - 1} more" if len(blob.pinned) > 1 else ""
    return f"{blob.pinned[0]}{more}"


def _count(number: int) -> str:
    """``1 blob``, ``2 blobs``."""
    return f"{number} blob{'s' * (number != 1)}"
