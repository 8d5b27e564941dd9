"""``chorus-tui doctor``, ``config``, ``support-bundle``, ``backup`` and ``restore``: they need no engine, and may meet a running one."""

from __future__ import annotations

import os
import pathlib
import sys

import click

from chorus_tui.cli.session import Session, engine_command

_KIND = click.option(
    "--kind", type=click.Choice(["agent", "human"]), default="agent", show_default=True, help="Whose defaults count."
)
_KIND_OF_FOLDER = click.option(
    "--kind", type=click.Choice(["agent", "human"]), help="Whose defaults count; default: whose engine ran there last."
)
_FOLDER = click.option("--data-dir", metavar="DIR", help="Data folder (CHORUS_DATA_DIR).")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command()
@_KIND_OF_FOLDER
@_FOLDER
@_JSON
def doctor(*, kind: str | None, data_dir: str | None, as_json: bool) -> None:
    """Look at this machine: what is right, what is not, what to do about it.

    Docker, models, ports, mDNS, clock, disk, data folder, licence, libraries. Exit code 1: something is wrong.
    """
    _engine_module("doctor", kind=kind, data_dir=data_dir, as_json=as_json)


@click.group()
def config() -> None:
    """The settings as an engine would take them."""


@config.command()
@click.option(
    "--with", "other", type=click.Path(exists=True, dir_okay=False), metavar="OTHER.env", help="Find clashes."
)
@click.option("--same-machine", is_flag=True, help="Both are to run on one machine: shared ports and folders clash.")
@_KIND
@_FOLDER
@_JSON
def check(*, other: str | None, same_machine: bool, kind: str, data_dir: str | None, as_json: bool) -> None:
    """Every setting, its value, where it comes from; secrets hidden; everything that is wrong.

    --with compares it with another deployment's environment file. Exit codes: 2 something is wrong, 1 the two clash.
    """
    more = [*(["--with", other] if other else []), *(["--same-machine"] if same_machine else [])]
    _engine_module("config", "check", *more, kind=kind, data_dir=data_dir, as_json=as_json)


@click.command()
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Lines at most.")
@engine_command
async def log(session: Session, limit: int) -> None:
    """What the engine logged last, oldest first."""
    from chorus_tui.cli.plain import clean, say
    from chorus_tui.contract.models.operate import LogTail, TailLog

    def show(tail: LogTail) -> None:
        for line in tail.lines:
            say(clean(line))

    session.show(await session.ask("engine.log", TailLog(limit=limit)), show)


@click.command("support-bundle")
@click.option(
    "--to", type=click.Path(dir_okay=False), metavar="FILE", help="Where to; a name with the time by default."
)
@_KIND_OF_FOLDER
@_FOLDER
@_JSON
def support_bundle(*, to: str | None, kind: str | None, data_dir: str | None, as_json: bool) -> None:
    """Versions, settings, doctor, health, metrics, last log lines, status: redacted, for whoever helps.

    It is searched for secrets before it is written, and not written if one is left.
    """
    more = ["--to", to] if to else []
    _engine_module("bundle", *more, kind=kind, data_dir=data_dir, as_json=as_json)


@click.command()
@click.option("--to", required=True, type=click.Path(dir_okay=False), metavar="FILE", help="The new file.")
@click.option("--recipient", multiple=True, metavar="age1…", help="Whose age key opens it; again for more.")
@click.option("--new-key", type=click.Path(dir_okay=False), metavar="KEYFILE", help="Make an age key that opens it.")
@_KIND
@_FOLDER
@_JSON
def backup(
    *, to: str, recipient: tuple[str, ...], new_key: str | None, kind: str, data_dir: str | None, as_json: bool
) -> None:
    """This peer's whole data folder in one file, its keys too, sealed with age. Its engine may go on meanwhile."""
    more = [*(f"--recipient={one}" for one in recipient), *([f"--new-key={new_key}"] if new_key else [])]
    _engine_module("backup", "make", f"--to={to}", *more, kind=kind, data_dir=data_dir, as_json=as_json)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False), metavar="FILE")
@click.option("--key", required=True, type=click.Path(exists=True, dir_okay=False), metavar="KEYFILE", help="Opens it.")
@_KIND
@_FOLDER
@_JSON
def restore(*, file: str, key: str, kind: str, data_dir: str | None, as_json: bool) -> None:
    """Put a backup into an empty data folder, every entry of it verified.

    Exit code 1: not restored; or restored, and entries that did not verify were dropped.
    """
    _engine_module(
        "backup",
        "restore",
        f"--key={key}",
        str(pathlib.Path(file).absolute()),
        kind=kind,
        data_dir=data_dir,
        as_json=as_json,
    )


def _engine_module(*arguments: str, kind: str | None, data_dir: str | None, as_json: bool) -> None:
    """The engine's own module does it, in the place of this process."""
    from chorus_tui.locations import kind_here

    context = click.get_current_context().find_root()
    folder = data_dir or getattr(context.obj, "data_dir", None)
    more = [
        f"--kind={kind or kind_here(folder)}",
        *([f"--data-dir={folder}"] if folder else []),
        *(["--json"] if as_json else []),
    ]
    sys.stdout.flush()
    # -P: no module is taken from the folder we stand in.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "chorus_tui.engine", *arguments, *more])  # noqa: S606 - our own interpreter
