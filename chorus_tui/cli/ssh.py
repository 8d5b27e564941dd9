"""``chorus-tui ssh …``: serve the portal over SSH; whose keys may come in."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from chorus_tui.cli.session import Exit, Target, complain, read_token

if TYPE_CHECKING:
    from chorus_tui.contract.models.portals import PortalScope
    from chorus_tui.serve.ssh.keys import KeyFile

_data_dir = click.option("--data-dir", metavar="DIR", help="The engine's data folder (CHORUS_DATA_DIR).")


@click.group(invoke_without_command=True)
@click.option("--host", default="", metavar="ADDRESS", help="Listen here instead of CHORUS_SSH_HOST (127.0.0.1).")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Listen here instead of CHORUS_SSH_PORT (2222); 0: any free one."
)
@click.option("--show", is_flag=True, help="Print address, host key and keys of this data folder, and end.")
@_data_dir
@click.pass_context
def ssh(context: click.Context, *, host: str, port: int | None, show: bool, data_dir: str | None) -> None:
    """Serve the portal over SSH: public keys only, each a person and a scope.

    It runs until it is stopped (ctrl+c, SIGTERM). The engine is found or started as for the portal.
    """
    outer = context.find_object(Target) or Target()
    target = Target(data_dir).over(outer)
    context.obj = target
    if context.invoked_subcommand is None:
        context.exit(_show(target) if show else _serve(target, host, port))


@ssh.group()
def keys() -> None:
    """Whose keys may come in: add, list, remove. A change holds at once."""


@keys.command()
@click.argument("file", type=click.Path())
@click.option("--person", required=True, metavar="NAME", help="Whose key it is: that name is in what is done with it.")
@click.option(
    "--scope", type=click.Choice(["read", "operate", "admin"]), default="read", help="What it may do. Default: read."
)
@_data_dir
@click.pass_context
def add(context: click.Context, file: str, person: str, scope: str, data_dir: str | None) -> None:
    """Let the public key in FILE in (- for standard input)."""
    from chorus_tui.contract.ssh_key import public_key
    from chorus_tui.serve.ssh import authorized

    held = _keys(context, data_dir)

    def change(text: str) -> tuple[str, authorized.AuthorizedKey]:
        line = sys.stdin.read() if file == "-" else Path(file).expanduser().read_text(encoding="utf-8")
        kind, blob, comment = public_key(line.strip().split("\n")[0])
        name, may = authorized.person_name(person), cast("PortalScope", scope)
        sure = authorized.AuthorizedKey(0, name, may, kind, blob, comment)
        return authorized.added(text, sure), sure

    key = _edit(held, change)
    click.echo(f"{key.fingerprint} may come in as {key.person} with the scope {key.scope}.")


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_data_dir
@click.pass_context
def list_(context: click.Context, *, as_json: bool, data_dir: str | None) -> None:
    """Every key with its person and scope; wrong lines by their number."""
    import json

    from chorus_tui.cli.plain import clean, table

    held = _keys(context, data_dir)
    now = held.now()
    if as_json:
        rows = [
            {"fingerprint": k.fingerprint, "person": k.person, "scope": k.scope, "kind": k.kind, "comment": k.comment}
            for k in now.keys
        ]
        faults = [{"line": fault.number, "why": fault.why} for fault in now.faults]
        click.echo(json.dumps({"file": str(held.path), "keys": rows, "faults": faults, "trouble": held.trouble}))
    else:
        table(("person", "scope", "key", "comment"), [(k.person, k.scope, k.fingerprint, k.comment) for k in now.keys])
        for fault in now.faults:
            complain(f"{held.path}, {clean(str(fault))}")
        if held.trouble:
            complain(held.trouble)
    context.exit(Exit.FAILED if now.faults or held.trouble else Exit.OK)


@keys.command()
@click.argument("which")
@_data_dir
@click.pass_context
def remove(context: click.Context, which: str, data_dir: str | None) -> None:
    """Remove the key with the fingerprint WHICH, or all keys of the person WHICH. Their sessions end."""
    from chorus_tui.serve.ssh import authorized

    gone = _edit(_keys(context, data_dir), lambda text: authorized.removed(text, which))
    for key in gone:
        click.echo(f"Removed {key.fingerprint}, of {key.person} with the scope {key.scope}.")


def _keys(context: click.Context, data_dir: str | None) -> KeyFile:
    from chorus_tui.serve.settings import BadSetting
    from chorus_tui.serve.ssh.keys import KeyFile
    from chorus_tui.serve.ssh.places import key_file

    try:
        return KeyFile(key_file(_folder(Target(data_dir).over(context.find_object(Target) or Target())), os.environ))
    except BadSetting as error:
        complain(str(error))
        context.exit(Exit.USAGE)


def _edit(held: KeyFile, change: Any) -> Any:
    from chorus_tui.serve.ssh.keys import KeysUnusable

    try:
        return held.edit(change)
    except (KeysUnusable, ValueError) as error:
        complain(str(error))
    except OSError as error:
        complain(f"{error.filename or held.path}: {error.strerror or error}")
    raise click.exceptions.Exit(Exit.FAILED)


def _folder(target: Target) -> Path:
    from chorus_tui.locations import data_dir

    return data_dir("human", target.data_dir)


def _show(target: Target) -> int:
    from chorus_tui.portals import present
    from chorus_tui.serve.ssh import hostkey
    from chorus_tui.serve.ssh.places import host_key_file

    folder = _folder(target)
    try:
        click.echo(f"Host key  {hostkey.identity(hostkey.load_or_make(host_key_file(folder)))}")
    except hostkey.HostKeyUnusable as error:
        complain(str(error))
        return Exit.FAILED
    served = [portal for portal in present(folder) if portal.kind == "ssh"]
    for portal in served:
        click.echo(f"Served on {portal.address} by process {portal.pid}, {len(portal.guests)} connected")
    if not served:
        click.echo("Not served now. Serve it: chorus-tui ssh")
    return Exit.OK


def _serve(target: Target, host: str, port: int | None) -> int:
    import asyncio

    from chorus_tui.locations import socket_path
    from chorus_tui.serve import settings
    from chorus_tui.serve.ssh import cures

    # Before anything imports Textual, which reads some of it once.
    cures.forget_this_terminal()
    from chorus_tui.serve.ssh import command

    folder = _folder(target)
    token = read_token(target.token_file) if target.attach else ""

    async def opener(progress: Any) -> Any:
        from chorus_tui.client.launcher import attach_url, find_or_start

        if target.attach:
            return await attach_url(target.attach, token)
        return await find_or_start("human", folder, progress)

    try:
        wish = command.Wish(
            host or settings.text("CHORUS_SSH_HOST", os.environ),
            settings.number("CHORUS_SSH_PORT", os.environ) if port is None else port,
            folder, target.attach or socket_path(folder), opener,
        )  # fmt: skip
        asyncio.run(command.serve(wish, os.environ, lambda text: click.echo(text, err=True)))
    except settings.BadSetting as error:
        complain(str(error))
        return Exit.USAGE
    except command.CannotServe as error:
        complain(str(error))
        return Exit.FAILED
    return Exit.OK
