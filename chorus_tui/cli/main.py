"""``chorus-tui``: the portal, the headless agent, and every command.

This module loads click and tables of names only, so that ``--help`` and ``--version`` answer in a moment and without
any setting; a command's module is loaded when it runs.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chorus_tui import __version__
from chorus_tui.cli.session import EXIT_CODES, Target, WrongUsage, complain, read_token

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "status": ("chorus_tui.cli.status:status", "Me, the mesh, its admin, tasks, health"),
    "peers": ("chorus_tui.cli.network:peers", "The peers this engine knows; keep one out, let it in again"),
    "connect": ("chorus_tui.cli.network:connect_peer", "Dial a peer by its multiaddr"),
    "invite": ("chorus_tui.cli.network:invite", "What another machine needs to join"),
    "election": ("chorus_tui.cli.election:election", "Who leads, who votes, what that can bear"),
    "members": ("chorus_tui.cli.members:members", "Who belongs to the mesh, and what each may do"),
    "task": ("chorus_tui.cli.tasks:task", "Announce tasks, follow them, fetch what they made"),
    "coordination": ("chorus_tui.cli.coordination:coordination", "Sessions between tasks, projects, reports"),
    "ask": ("chorus_tui.cli.assistance:ask", "Put a question to who knows an area"),
    "answer": ("chorus_tui.cli.assistance:answer", "Answer a question"),
    "questions": ("chorus_tui.cli.assistance:questions", "Questions that wait for an answer"),
    "hmmm": ("chorus_tui.cli.hmmm:hmmm", "Rooms: discuss, propose, object, ask, call for a person"),
    "inbox": ("chorus_tui.cli.inbox:inbox", "What waits for you: approvals, votes, questions"),
    "collab": ("chorus_tui.cli.collab:collab", "Write a text together: people, agents, programs"),
    "decide": ("chorus_tui.cli.decide:decide", "Put something to the vote, vote, see what came of it"),
    "patch": ("chorus_tui.cli.patch:patch", "Make a change into a patch, review, submit, vote, apply"),
    "ucxl": ("chorus_tui.cli.ucxl:ucxl", "Content under addresses: all versions, search, compare, travel"),
    "slurp": ("chorus_tui.cli.slurp:slurp", "What the mesh has learned"),
    "shhh": ("chorus_tui.cli.shhh:shhh", "Secrets: what was found, the rules, files that are held"),
    "token": ("chorus_tui.cli.token:token", "Tokens of the API: make, list, revoke"),
    "vault": ("chorus_tui.cli.vault:vault", "Role keys: who holds which, new ones, word lists that give them back"),
    "journal": ("chorus_tui.cli.journal:journal", "Read, verify and export what was said and decided"),
    "blobs": ("chorus_tui.cli.blobs:blobs", "Files by their hash: held, pinned, who else holds them"),
    "images": ("chorus_tui.cli.images:images", "Sandbox images for machines that reach no registry"),
    "doctor": ("chorus_tui.cli.operate:doctor", "What is missing on this machine, and how to mend it"),
    "config": ("chorus_tui.cli.operate:config", "Settings in force, where each comes from, what clashes"),
    "log": ("chorus_tui.cli.operate:log", "The newest lines of the engine's own log"),
    "support-bundle": (
        "chorus_tui.cli.operate:support_bundle",
        "Everything a helper needs, without secrets, in one file",
    ),
    "backup": ("chorus_tui.cli.operate:backup", "The data folder into one sealed file, while the engine runs"),
    "restore": ("chorus_tui.cli.operate:restore", "A backup into an empty data folder, verified"),
    "simulate": ("chorus_tui.cli.simulate:simulate", "A mesh in simulated time, with everything going wrong"),
    "ssh": ("chorus_tui.cli.ssh:ssh", "Serve the portal over SSH; whose keys may come in"),
    "web": ("chorus_tui.cli.web:web", "Serve the portal to browsers; what is served, and to whom"),
    "completion": ("chorus_tui.cli.completion:completion", "The completion script for bash, zsh or fish"),
    "stop": ("chorus_tui.cli.network:stop", "Drain and stop the engine"),
    "demo": ("chorus_tui.cli.demo:demo", "Three agents, a sample repository, finished tasks"),
}
"""Command: where it is, and its line in ``--help``."""

FEATURES = (
    "peer-to-peer mesh without a server in the middle: libp2p, mDNS, a private network key",
    "tasks run in throw-away Docker sandboxes without a network, on whichever agent is granted them",
    "every message signed, on disk before it counts, replicated to every member, verifiable afterwards",
    "the same operations on the screen, on the command line and over the API",
)

EXAMPLES = (
    ("chorus-tui demo", "see the whole loop, no settings needed"),
    ("CHORUS_LICENSE_ID=dev-local chorus-tui", "the portal"),
    ("CHORUS_LICENSE_ID=dev-local chorus-tui --headless", "an agent"),
    ("chorus-tui task announce --title Hello --command 'echo hi' --wait", "a task"),
)

AS_JSON = "chorus_tui.as_json"
"""Under this name a context knows whether ``--json`` is among the words."""


@contextlib.contextmanager
def _told(*, as_json: bool) -> Iterator[None]:
    try:
        yield
    except click.UsageError as error:
        if as_json:
            raise WrongUsage(error) from error
        raise


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used. Wrong usage is told as it was asked for, with ``--json`` as JSON."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """As click's; it takes the words away as it reads them."""
        as_json = "--json" in args
        with _told(as_json=as_json):
            context = super().make_context(info_name, args, parent, **extra)
        context.meta[AS_JSON] = as_json
        return context

    def invoke(self, ctx: click.Context) -> Any:
        """As click's."""
        with _told(as_json=ctx.meta[AS_JSON]):
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """The command, loaded now."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names from the table, so that a tab loads no command; then the options."""
        from click.shell_completion import CompletionItem

        names = [CompletionItem(name, help=text) for name, (_, text) in COMMANDS.items() if name.startswith(incomplete)]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """The command list, from the table: nothing is imported for it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """Examples, features, exit codes and the environment."""
        from chorus_tui.contract.variables import VARIABLES

        with formatter.section("Examples"):
            for line, meaning in EXAMPLES:
                formatter.write(f"  {line}\n      {meaning}\n")
        with formatter.section("Features"):
            formatter.write_dl([("-", feature) for feature in FEATURES])
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(int(code)), text) for code, text in EXIT_CODES.items()])
        groups: dict[str, list[tuple[str, str]]] = {}
        for variable in VARIABLES:
            default = f" [{variable.default}]" if variable.default not in {None, ""} else ""
            groups.setdefault(variable.group, []).append((variable.name, f"{variable.help}{default}"))
        for group, rows in groups.items():
            with formatter.section(f"Environment: {group}"):
                formatter.write_dl(rows)


def _version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        click.echo(f"chorus-tui {__version__} (build: {_build()})")
        context.exit()


def _build() -> str:
    """Hash and date of the build, from the file that packaging leaves beside the package's modules."""
    try:
        info = json.loads((Path(__file__).parent.parent / "build.json").read_text(encoding="utf-8"))
        return f"{info['hash']}, {info['date']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "unknown"


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.option("--headless", is_flag=True, help="Run the autonomous agent: no screen, logs on stdout.")
@click.option("--attach", metavar="URL", help="Use the engine at this URL instead of one on this machine.")
@click.option("--token-file", type=click.Path(), help="File with the token for --attach.")
@click.option("--data-dir", metavar="DIR", envvar="CHORUS_DATA_DIR", help="The engine's data folder (CHORUS_DATA_DIR).")
@click.option(
    "--plain",
    is_flag=True,
    help="The portal in lines, for screen readers and pipes; of a command: its answer in such lines.",
)
@click.option("--keep", is_flag=True, help="Leave the engine running when the portal is left.")
@click.option("--read-only", is_flag=True, help="A portal that looks and changes nothing.")
@click.option(
    "-v", "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version."
)
@click.pass_context
def cli(
    context: click.Context,
    *,
    headless: bool,
    attach: str | None,
    token_file: str | None,
    data_dir: str | None,
    plain: bool,
    keep: bool,
    read_only: bool,
) -> None:
    """A mesh where people and AI agents share the work.

    Without a command: the portal, on the engine of the data folder; it is started when none runs.
    """
    context.obj = Target(None if attach else data_dir, attach, token_file)
    if plain:
        from chorus_tui.cli.plain import speak

        speak()
    if context.invoked_subcommand is not None:
        if headless:
            raise click.UsageError("--headless takes no command.")
        if read_only:
            raise click.UsageError("--read-only is for the portal; what a command may do is said by its --token-file.")
        return
    if headless:
        if read_only:
            raise click.UsageError("--headless works; it cannot be used with --read-only.")
        if attach:
            raise click.UsageError("--headless runs an engine of its own; it cannot be used with --attach.")
        _become_agent(data_dir)
    context.exit(_show(context.obj, plain=plain, keep=keep, read_only=read_only))


def _show(target: Target, *, plain: bool, keep: bool, read_only: bool) -> int:
    """The portal as it is wanted: in lines, to browsers, or drawn here. The exit code."""
    if plain or (os.environ.get("TERM") == "dumb" and sys.stdin.isatty() and sys.stdout.isatty()):
        if read_only:
            raise click.UsageError(
                "--read-only needs the drawn portal. In lines, use a token that may only read: "
                "chorus-tui token new --scope read, then --attach URL --token-file FILE."
            )
        from chorus_tui.cli.conversation import converse

        return converse(target)
    if _mode(os.environ) == ("web", ""):
        from chorus_tui.cli.web import web

        scope = ["--scope", "read"] if read_only else []
        return web.main(args=scope, prog_name="chorus-tui web", obj=target, standalone_mode=False) or 0
    return open_portal(target, keep=keep, read_only=read_only)


def _become_agent(data_dir: str | None) -> None:
    """Replace this process by the engine, so that signals reach it directly."""
    # -P: no module is taken from the folder we stand in.
    arguments = [sys.executable, "-P", "-m", "chorus_tui.engine", "serve", "--kind", "agent"]
    if data_dir:
        arguments += ["--data-dir", data_dir]
    sys.stdout.flush()
    os.execv(sys.executable, arguments)  # noqa: S606 - our own interpreter, no shell


def open_portal(
    target: Target, *, keep: bool = False, first: str = "status", opening: str = "", read_only: bool = False
) -> int:
    """Run the portal; it connects after its first paint. ``first`` is the screen that it begins with, ``opening`` what to open
    there."""
    mode, refusal = _mode(os.environ)
    if refusal or mode != "terminal":
        complain(refusal or "CHORUS_HAP_MODE=web: this opens in the terminal only. Use 'chorus-tui web', or unset it.")
        return 2
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        complain(
            "The portal needs a terminal. For scripts: 'chorus-tui status --json', or --plain; without a screen: --headless."
        )
        return 2
    token = read_token(target.token_file) if target.attach else ""
    from chorus_tui.look import frames, pauses

    frames.in_own_terminal()
    with pauses.none_while_importing():
        from chorus_tui.app import run

    async def connect(progress: Any) -> Any:
        from chorus_tui.client.launcher import attach_url, find_or_start
        from chorus_tui.locations import data_dir

        if target.attach:
            progress(f"Greeting the engine at {target.attach}")
            return await attach_url(target.attach, token)
        folder = data_dir("human", target.data_dir)
        return await find_or_start("human", folder, progress, stop_when_idle_s=None if keep else 30.0)

    return run(connect, first=first, opening=opening, read_only=read_only) or 0


def _mode(environ: Mapping[str, str]) -> tuple[str, str]:
    """Where people see the portal, terminal or web, by CHORUS_HAP_MODE; and why that cannot be, or an empty text."""
    mode, file = (environ.get(name, "").strip() for name in ("CHORUS_HAP_MODE", "CHORUS_HAP_MODE_FILE"))
    if mode and file:
        return "", "CHORUS_HAP_MODE: set both directly and by CHORUS_HAP_MODE_FILE; use one of them"
    if file:
        try:
            mode = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return "", f"CHORUS_HAP_MODE: the file {file} that CHORUS_HAP_MODE_FILE names cannot be read"
    if mode in ("", "terminal", "web"):
        return mode or "terminal", ""
    return "", f"CHORUS_HAP_MODE: {mode!r} is none of: terminal, web"


def main() -> None:
    """The program."""
    cli(prog_name="chorus-tui")


if __name__ == "__main__":
    main()
