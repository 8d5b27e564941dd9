"""``chorus-tui web …``: the portal in a browser."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from chorus_tui.cli.session import Exit, Session, Target, complain, engine_command, run

if TYPE_CHECKING:
    from pathlib import Path

    from chorus_tui.client.socket_client import SocketClient
    from chorus_tui.contract.models.portals import PortalList, PortalUrl, ServedPortal
    from chorus_tui.serve.web.rules import Limits

SCOPES = ["read", "operate", "admin"]


@click.group(invoke_without_command=True)
@click.option(
    "--host",
    envvar="CHORUS_WEB_HOST",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on (CHORUS_WEB_HOST).",
)
@click.option(
    "--port", envvar="CHORUS_WEB_PORT", type=click.IntRange(0, 65535), default=8090, show_default=True,
    help="Port; 0 takes any free one (CHORUS_WEB_PORT).",
)  # fmt: skip
@click.option("--scope", type=click.Choice(SCOPES), default="operate", show_default=True, help="What guests may do.")
@click.option(
    "--root",
    envvar="CHORUS_SERVE_ROOT",
    default="",
    metavar="FOLDER",
    help="Folder guests may open (CHORUS_SERVE_ROOT).",
)
@click.option("--tabs", type=click.IntRange(1, 100), default=8, show_default=True, help="Tabs at once.")
@click.option(
    "--idle", type=click.FloatRange(0.01, 10_000), default=240.0, show_default=True, help="Minutes without a key."
)
@click.option("--url", "another", is_flag=True, help="Print another one-time URL of the portal that runs, and end.")
@click.option("--data-dir", metavar="DIR", help="Serve the engine of this data folder (CHORUS_DATA_DIR).")
@click.pass_context
def web(
    context: click.Context,
    *,
    host: str,
    port: int,
    scope: str,
    root: str,
    tabs: int,
    idle: float,
    another: bool,
    data_dir: str | None,
) -> None:
    """Serve the portal to browsers, until ctrl+c; prints a one-time URL.

    Who opens the URL is in, once; each tab is a portal of its own. Files of this machine are out of reach without --root.
    """
    target = Target(data_dir).over(context.find_object(Target) or Target())
    if context.invoked_subcommand is not None:
        context.obj = target
        return
    if target.attach:
        raise click.UsageError("The portal is served where its engine runs: 'chorus-tui web' takes no --attach.")
    if another:
        context.exit(_another(target))
    from chorus_tui.serve.web.rules import Limits

    context.exit(run(lambda: _serve(target, host, port, scope, root, Limits(sessions=tabs, idle_s=60 * idle))))


@web.command()
@engine_command
async def show(session: Session) -> None:
    """What is served, in browsers and over SSH, and who is connected."""
    session.show(await session.ask("web.show"), _print_list)


@web.command()
@click.argument("kind", type=click.Choice(["web", "ssh"]), default="web")
@click.option("--host", default="", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 takes any free one.")
@click.option("--scope", type=click.Choice(SCOPES), help="What guests may do; of web only.")
@engine_command
async def start(session: Session, kind: str, host: str, port: int | None, scope: str | None) -> None:
    """Let the engine serve the portal beside it, until 'stop' or its own end. KIND: web, or ssh."""
    from chorus_tui.contract.models.portals import StartPortal

    request = StartPortal.model_validate({"kind": kind, "host": host, "port": port, "scope": scope})
    session.show(await session.ask("web.start", request), _print_started)


@web.command()
@click.argument("kind", type=click.Choice(["web", "ssh"]), default="web")
@engine_command
async def stop(session: Session, kind: str) -> None:
    """Stop serving it; whoever is connected is told. KIND: web, or ssh."""
    from chorus_tui.contract.models.portals import PortalRef

    session.show(await session.ask("web.stop", PortalRef.model_validate({"kind": kind})), _print_stopped)


@web.command()
@click.option("--person", default="", metavar="NAME", help="Who acts with it; that name is in what is done.")
@engine_command
async def invite(session: Session, person: str) -> None:
    """Print a one-time URL of the portal for browsers."""
    from chorus_tui.contract.models.portals import InvitePerson

    session.show(await session.ask("web.invite", InvitePerson(person=person)), _print_url)


def _print_list(answer: PortalList) -> None:
    from chorus_tui.cli.plain import clean, moment, say, table
    from chorus_tui.telling import portals as words

    if not answer.portals:
        say(
            "Nothing is served. 'chorus-tui web start' serves the portal to browsers, 'chorus-tui web start ssh' over SSH."
        )
        return
    for portal in answer.portals:
        say(
            clean(
                f"{words.KINDS[portal.kind]}: {words.way_in(portal)}, since {moment(portal.since)}, {words.connected(portal)}"
            )
        )
        if portal.refused:
            say(f"  {words.refused(portal)}")
        if portal.identity:
            say(clean(f"  host key {portal.identity}"))
    rows = [
        (one.person, one.scope, one.address, moment(one.since)) for portal in answer.portals for one in portal.guests
    ]
    if rows:
        table(("person", "scope", "from", "since"), rows)


def _print_started(portal: ServedPortal) -> None:
    from chorus_tui.cli.plain import clean, say
    from chorus_tui.telling import portals as words

    say(clean(words.way_in(portal)))
    if portal.kind == "web":
        say("'chorus-tui web invite' prints a one-time URL.")


def _print_stopped(answer: PortalList) -> None:
    from chorus_tui.cli.plain import clean, say
    from chorus_tui.telling import portals as words

    for portal in answer.portals:
        say(clean(f"Stopped {words.KINDS[portal.kind]} at {portal.address}"))


def _print_url(answer: PortalUrl) -> None:
    from chorus_tui.cli.plain import clean, say

    say(clean(answer.url))


# ── serving it here ────────────────────────────────────────────────────────────────────────────────────────────────────


def _another(target: Target) -> int:
    """Of the newest browser portal of the folder."""
    from chorus_tui.cli.plain import say
    from chorus_tui.portals import Invitations, invitation_url, present

    for folder in _folders(target):
        served = [portal for portal in present(folder) if portal.kind == "web"]
        if served:
            say(invitation_url(served[-1].address, Invitations(folder, served[-1].pid).make()))
            return Exit.OK
    complain("No portal for browsers runs here. Start one: 'chorus-tui web'")
    return Exit.FAILED


def _folders(target: Target) -> list[Path]:
    from chorus_tui.locations import data_dir

    found = [data_dir(kind, target.data_dir) for kind in ("human", "agent")]
    return found[:1] if target.data_dir else found


async def _serve(target: Target, host: str, port: int, scope: str, root: str, limits: Limits) -> int:
    from chorus_tui.cli.plain import say
    from chorus_tui.client.local_files import Reach
    from chorus_tui.serve.web.server import CannotServe, WebPortal

    try:
        reach = Reach.of_guests(root)
    except ValueError as error:
        complain(str(error))
        return Exit.USAGE
    client, folder = await _engine(target)

    def said(url: str) -> None:
        say(url)
        sys.stdout.flush()
        sys.stderr.write(
            "Open it in a browser, once, within ten minutes. 'chorus-tui web --url' makes another; ctrl+c ends.\n"
        )

    try:
        arguments: Any = (client, folder, host, port, scope, str(reach.root or ""), said, limits)
        await WebPortal(*arguments).serve()
    except CannotServe as error:
        complain(str(error))
        return Exit.FAILED
    finally:
        await client.close()
    return Exit.OK


async def _engine(target: Target) -> tuple[SocketClient, Path]:
    """The engine that runs, else a person's own, started as the portal would. Raises as the launcher."""
    from chorus_tui.client import EngineGone
    from chorus_tui.client.launcher import attach, find_or_start

    for folder in _folders(target):
        try:
            return await attach(folder), folder
        except EngineGone:
            continue
    folder = _folders(target)[0]

    def progress(step: str) -> None:
        sys.stderr.write(f"{step} …\n")

    return await find_or_start("human", folder, progress), folder
