"""``chorus-tui collab …``: write a text together."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from chorus_tui.cli.session import Session, Target, connect, engine_command, page_options, run, with_options
from chorus_tui.contract.counting import many

if TYPE_CHECKING:
    from chorus_tui.contract.models.collab import CollabList, CollabView, Edited


@click.group()
def collab() -> None:
    """Write a text together: people, agents, programs. SESSIONs may be shortened to their beginning."""


@collab.command("list")
@click.option("--open", "which", flag_value="open", help="Only those that go on.")
@click.option("--ended", "which", flag_value="ended", help="Only those that have ended.")
@page_options(200, "Texts")
@engine_command
async def list_(session: Session, which: str | None, **page: Any) -> None:
    """Open ones first, then the newest."""
    from chorus_tui.contract.models.collab import ListCollabs

    request = ListCollabs.model_validate({"which": which or "all", **page})
    session.show(await session.ask("collab.list", request), _print_list)


@collab.command()
@click.option("--title", required=True, help="What it is about, in a line.")
@click.option("--purpose", default="", help="What it is for.")
@click.option("--base", default="", metavar="ADDRESS", help="Begin with the content of this UCXL address.")
@click.option("--text", default="", help="Begin with this text; '-' reads it from standard input.")
@click.option(
    "--invite", "invited", multiple=True, metavar="MEMBER", help="By name or peer id; repeat. Nobody named: all."
)
@click.option("--role", "roles", multiple=True, metavar="ROLE", help="Everybody of this role; repeat.")
@engine_command
async def new(session: Session, text: str, **fields: object) -> None:
    """Begin one; prints its id."""
    from chorus_tui.contract.models.collab import NewCollab

    given = sys.stdin.read() if text == "-" else text
    lists = {name: list(fields.pop(name)) for name in ("invited", "roles")}  # type: ignore[call-overload]
    request = NewCollab.model_validate({**fields, **lists, "text": given})
    session.show(await session.ask("collab.new", request), _print_id)


@collab.command()
@click.argument("name", metavar="SESSION")
@with_options
@click.pass_context
def join(
    context: click.Context, /, name: str, data_dir: str | None, attach: str | None, token_file: str | None, *, as_json: bool,
) -> None:  # fmt: skip
    """Take part. On a terminal the portal opens at the text; else it is told to the others, and 'edit' and 'chat' write."""
    target = Target(data_dir, attach, token_file).over(context.find_object(Target) or Target())
    found = ""

    async def work() -> None:
        nonlocal found
        from chorus_tui.contract.models.collab import JoinCollab

        client = await connect(target)
        try:
            joined: Any = await client.call("collab.join", JoinCollab(session=name))
        finally:
            await client.close()
        found = joined.view.row.session
        if as_json or not _on_terminal():
            Session(client, as_json).show(joined.view, _print_view)

    code = run(work, as_json=as_json)
    if not code and not as_json and _on_terminal():
        from chorus_tui.cli.main import open_portal

        code = open_portal(target, first="collab", opening=found)
    context.exit(code)


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


@collab.command()
@click.argument("name", metavar="SESSION")
@click.option("--text", "only_text", is_flag=True, help="The text alone, as it is.")
@engine_command
async def show(session: Session, name: str, *, only_text: bool) -> None:
    """Who takes part, the text, the chat."""
    from chorus_tui.cli.plain import clean
    from chorus_tui.contract.models.collab import SessionRef

    view = await session.ask("collab.show", SessionRef(session=name))
    if only_text and not session.json:
        # As it is for programs; a terminal would obey what others wrote.
        sys.stdout.write(clean(view.text, lines=True) if sys.stdout.isatty() else view.text)
        return
    session.show(view, _print_view)


@collab.command()
@click.argument("name", metavar="SESSION")
@click.option("--find", default="", help="A passage exactly as it stands; with --replace.")
@click.option("--replace", default="", help="What stands in its place.")
@click.option("--everywhere", is_flag=True, help="All places, not only the first.")
@click.option("--append", default=None, help="Put this at the end; '-' reads it from standard input.")
@engine_command
async def edit(
    session: Session, name: str, find: str, replace: str, append: str | None, *, everywhere: bool
) -> int | None:
    """Change the text. Exit code 1 when what was to be found is not there."""
    from chorus_tui.contract.models.collab import EditCollab, TextEdit

    if (append is None) == (not find):
        raise click.UsageError("Give --find and --replace, or --append.")
    more = sys.stdin.read() if append == "-" else append
    one = (
        TextEdit(at=-1, insert=more)
        if more is not None
        else TextEdit(find=find, replace=replace, everywhere=everywhere)
    )
    answer = await session.ask("collab.edit", EditCollab(session=name, edits=[one]))
    session.show(answer, _print_edited)
    return 0 if answer.applied else 1


@collab.command()
@click.argument("name", metavar="SESSION")
@click.argument("text")
@engine_command
async def chat(session: Session, name: str, text: str) -> None:
    """Say something beside the text; @name asks an agent to answer or to edit."""
    from chorus_tui.contract.models.collab import ChatInCollab

    session.show(await session.ask("collab.chat", ChatInCollab(session=name, text=text)), _print_chat)


@collab.command()
@click.argument("name", metavar="SESSION")
@click.option("--member", "invited", multiple=True, metavar="MEMBER", help="By name or peer id; repeat.")
@click.option("--role", "roles", multiple=True, metavar="ROLE", help="Everybody of this role; repeat.")
@click.option("--all", "open_", is_flag=True, help="Everybody.")
@engine_command
async def invite(session: Session, name: str, invited: tuple[str, ...], roles: tuple[str, ...], *, open_: bool) -> None:
    """Invite more to a text that you began."""
    from chorus_tui.contract.models.collab import InviteToCollab

    request = InviteToCollab(session=name, invited=list(invited), roles=list(roles), open=open_)
    session.show(await session.ask("collab.invite", request), _print_view)


@collab.command()
@click.argument("name", metavar="SESSION")
@click.option(
    "--as", "outcome", type=click.Choice(["ucxl", "patch", "nothing"]), required=True, help="What its text becomes."
)
@click.option("--address", default="", help="Where the text goes. Default: where it began.")
@click.option("--title", default="", help="Of the patch, or of the version.")
@engine_command
async def end(session: Session, name: str, **fields: object) -> None:
    """End a text that you began; a master ends any. There is no going back."""
    from chorus_tui.contract.models.collab import EndCollab

    request = EndCollab.model_validate({"session": name, **fields})
    session.show(await session.ask("collab.end", request), _print_ended)


# ── printing ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _print_list(answer: CollabList) -> None:
    from chorus_tui.cli.plain import moment, say, table
    from chorus_tui.telling import collab as words

    if not answer.collabs:
        say("No text is shared; 'chorus-tui collab new --title …' begins one.")
        return
    rows = [
        (row.session, words.state(row), row.title, row.owner_name, row.people, moment(row.last_at), words.ended(row))
        for row in answer.collabs
    ]
    table(("session", "state", "title", "by", "there", "last", "became"), rows)


def _print_id(view: CollabView) -> None:
    from chorus_tui.cli.plain import say

    say(view.row.session)


def _print_view(view: CollabView) -> None:
    from chorus_tui.cli.plain import clean, moment, pairs, say
    from chorus_tui.telling import collab as words

    pairs(
        [
            ("session", view.row.session),
            ("title", view.row.title),
            ("purpose", view.purpose),
            ("state", words.ended(view.row) or words.state(view.row)),
            ("begun by", f"{view.row.owner_name}, {moment(view.row.since)}"),
            ("begins with", view.base),
            ("may write", "everybody" if view.open else ", ".join([*view.roles, "those invited"])),
            ("who", ", ".join(words.participant(one, view.text) for one in view.participants)),
            ("yours", words.saved(is_saved=view.saved, held_by=view.held_by)),
        ]
    )
    for warning in words.warnings(view):
        say(f"⚠ {warning}")
    say()
    say(clean(view.text, lines=True))
    if view.chat:
        say()
        _print_chat(view)


def _print_chat(view: CollabView) -> None:
    from chorus_tui.cli.plain import clean, moment, say
    from chorus_tui.telling.hmmm import delivered

    for line in view.chat[-20:]:
        say(
            clean(
                f"{moment(line.at)}  {line.author_name} ({line.kind}, {delivered(line.delivery)}): {line.text}",
                lines=True,
            )
        )


def _print_edited(answer: Edited) -> None:
    from chorus_tui.cli.plain import clean, say

    say(f"{many(answer.applied, 'edit')} made; the text has {many(answer.length, 'character')}")
    if answer.redacted:
        say("⚠ A secret was taken out of what you wrote; see the marker in the text")
    for why in answer.not_applicable:
        say(f"✗ {clean(why)}")


def _print_ended(view: CollabView) -> None:
    from chorus_tui.cli.plain import clean, say
    from chorus_tui.telling import collab as words

    say(clean(words.ended(view.row)))
