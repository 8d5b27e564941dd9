"""``chorus-tui token …``: who else may ask this engine over its API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chorus_tui.cli.session import Session, engine_command

if TYPE_CHECKING:
    from chorus_tui.contract.models.tokens import TokenList, TokenMade, TokenRow


@click.group()
def token() -> None:
    """Tokens of the API: make, list, revoke."""


@token.command()
@click.option("--scope", type=click.Choice(["read", "operate", "admin"]), required=True, help="What it may do.")
@click.option("--name", default="", help="Who or what it is for.")
@click.option("--person", default="", metavar="NAME", help="Who acts with it; that name is in what is done.")
@click.option(
    "--folder", type=click.Path(resolve_path=True), metavar="FOLDER",
    help="Folder of this machine whose repositories tasks may be announced with. Default: none.",
)  # fmt: skip
@click.option(
    "--expires", default="", metavar="TIME", help="From now (90s, 10m, 2h, 30d), or RFC 3339. Default: never."
)
@engine_command
async def new(session: Session, scope: str, name: str, person: str, folder: str | None, expires: str) -> None:
    """Make a token; prints it, this once."""
    from chorus_tui.contract.models.tokens import NewToken

    asked = {"scope": scope, "name": name, "person": person, "folder": folder or "", "expires": expires}
    request = NewToken.model_validate(asked)
    session.show(await session.ask("tokens.new", request), _print_made)


@token.command("list")
@engine_command
async def list_(session: Session) -> None:
    """Every token by its id, with its scope, expiry and last use."""
    session.show(await session.ask("tokens.list"), _print_list)


@token.command()
@click.argument("token_id")
@engine_command
async def revoke(session: Session, token_id: str) -> None:
    """Void the token TOKEN_ID (or the beginning of it) at once."""
    from chorus_tui.contract.models.tokens import RevokeToken

    session.show(await session.ask("tokens.revoke", RevokeToken(token_id=token_id)), _print_revoked)


def _print_made(answer: TokenMade) -> None:
    """The token alone on stdout, so that a script can keep it; the rest is for people."""
    from chorus_tui.cli.plain import moment, say

    until = f"until {moment(answer.expires_at)}" if answer.expires_at else "until it is revoked"
    click.echo(f"Scope {answer.scope}, {until}; id {answer.token_id}. It is not shown again.", err=True)
    say(answer.token)


def _print_list(answer: TokenList) -> None:
    from chorus_tui.cli.plain import moment, table

    rows = [
        (
            row.token_id,
            row.scope,
            "expired" if row.expired else moment(row.expires_at) if row.expires_at else "never",
            moment(row.last_used_at) if row.last_used_at else "never",
            row.person,
            row.name,
            row.folder,
        )
        for row in answer.tokens
    ]
    table(("token", "scope", "expires", "last used", "person", "name", "folder"), rows)


def _print_revoked(answer: TokenRow) -> None:
    from chorus_tui.cli.plain import clean, say

    say(f"Revoked {answer.token_id} ({answer.scope}{f', {clean(answer.name)}' if answer.name else ''})")
