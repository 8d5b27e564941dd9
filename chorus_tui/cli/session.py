"""What every command shares: which engine it asks, how it prints, how it ends.

Commands never start an engine: a script must not leave a process behind that nobody asked for.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

    from chorus_tui.client import EngineClient
    from chorus_tui.contract.problem import Problem

C = TypeVar("C", bound=Callable[..., Any])


class Exit(IntEnum):
    """The exit codes of every command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    STILL_RUNNING = 3
    NO_ENGINE = 4


EXIT_CODES = {
    Exit.OK: "done",
    Exit.FAILED: "refused or failed; 'task wait', 'task announce --wait': ended, but not completed; 'ask --wait': no answer",
    Exit.USAGE: "wrong usage, request or settings",
    Exit.STILL_RUNNING: "'task wait', 'task announce --wait-at-most': not ended when the time was over",
    Exit.NO_ENGINE: "no engine answers there",
}
"""The one table of them; ``--help`` prints it."""


@dataclass(frozen=True, slots=True)
class Target:
    """The engine that is meant: a data folder, a URL with its token file, or neither (then: whichever runs here)."""

    data_dir: str | None = None
    attach: str | None = None
    token_file: str | None = None

    def over(self, outer: Target) -> Target:
        """This one, with what it leaves open taken from ``outer``; a URL and a folder exclude each other."""
        if self.attach or self.data_dir:
            return Target(self.data_dir, self.attach, self.token_file or outer.token_file)
        return outer


@dataclass(frozen=True, slots=True)
class Session:
    """One command's engine and form of output."""

    client: EngineClient
    json: bool

    async def ask(self, operation: str, request: BaseModel | None = None) -> Any:
        """Call ``operation``; raises as :meth:`~chorus_tui.client.EngineClient.call`."""
        return await self.client.call(operation, request)

    def put(self, answer: BaseModel) -> None:
        """``answer`` as one line of JSON."""
        from chorus_tui.contract.harmless import as_json

        click.echo(as_json(answer.model_dump_json()))

    def show(self, answer: BaseModel, human: Callable[[Any], None]) -> None:
        """``answer`` as one line of JSON, or by ``human``."""
        if self.json:
            self.put(answer)
        else:
            from chorus_tui.cli.plain import foreign

            shown = foreign(answer)
            human(shown)
            _tell_of_more(shown)


def _tell_of_more(answer: BaseModel) -> None:
    """No list ends without a word that it goes on."""
    from chorus_tui.cli.plain import clean, say
    from chorus_tui.contract.models.common import Page

    if not isinstance(answer, Page) or answer.next is None:
        return
    if any(option.name == "cursor" for option in click.get_current_context().command.params):
        say(f"There are more: --cursor {clean(answer.next)}")
    else:
        say("There are more than are shown here; the API gives all of them, page by page")


def page_options(default: int, what: str) -> Callable[[C], C]:
    """``--limit`` and ``--cursor`` of a command that shows a list of ``what``."""

    def add(callback: C) -> C:
        limit = click.option(
            "--limit", type=click.IntRange(1, 1000), default=default, show_default=True, help=f"{what} at most."
        )
        return limit(click.option("--cursor", help="Where the page before ended.")(callback))

    return add


def engine_command(command: Callable[..., Awaitable[int | None]]) -> Callable[..., None]:
    """Make ``async command(session, …)`` a click callback with the options of :func:`with_options`.

    Its number is the exit code. Errors become one text on stderr, with ``--json`` one line of JSON, without a traceback.
    """

    @functools.wraps(command)
    @click.pass_context
    def callback(
        context: click.Context,
        /,
        data_dir: str | None,
        attach: str | None,
        token_file: str | None,
        as_json: bool,
        **rest: Any,
    ) -> None:
        outer = context.find_object(Target) or Target()
        target = Target(data_dir, attach, token_file).over(outer)

        async def work() -> int | None:
            client = await connect(target)
            try:
                return await command(Session(client, as_json), **rest)
            finally:
                await client.close()

        context.exit(run(work, as_json=as_json))

    return with_options(callback)


def with_options(callback: C) -> C:
    """The options that every command has."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option("--token-file", type=click.Path(), help="File with the token for --attach."),
        click.option("--attach", metavar="URL", help="Ask the engine at this URL."),
        click.option("--data-dir", metavar="DIR", help="Ask the engine of this data folder (CHORUS_DATA_DIR)."),
    ):
        callback = option(callback)
    return callback


def run(work: Callable[[], Awaitable[int | None]], *, as_json: bool = False) -> int:
    """Run ``work`` to its exit code; whatever goes wrong is said on stderr, ``as_json`` as a problem in one line of JSON."""
    import asyncio

    from pydantic import ValidationError

    from chorus_tui.client import ContractRefused, EngineGone
    from chorus_tui.contract.problem import Problem

    async def main() -> int:
        return await work() or Exit.OK

    def refused(code: Exit, status: int, kind: str, text: str) -> int:
        title, _, detail = text.partition("\n")
        return _tell(Problem(status, kind, title, detail), code, as_json=as_json)

    try:
        return asyncio.run(main())
    except EngineGone as error:
        return refused(Exit.NO_ENGINE, 503, "no-engine", str(error))
    except Problem as problem:
        return _tell(problem, Exit.USAGE if problem.status == 422 else Exit.FAILED, as_json=as_json)
    except ValidationError as error:
        return _tell(_wrong_fields(error), Exit.USAGE, as_json=as_json)
    except ContractRefused as error:
        return refused(Exit.FAILED, 409, "contract", str(error))
    except BrokenPipeError:
        # The reader has seen enough, as in `| head`: click ends quietly.
        raise
    except OSError as error:
        return refused(Exit.FAILED, 500, "file", f"{error.filename or 'Output'}: {error.strerror or error}")
    except KeyboardInterrupt:
        return 130


class WrongUsage(click.ClickException):
    """Words or options that are wrong, said as any other problem to who asked for JSON."""

    exit_code = Exit.USAGE

    def __init__(self, error: click.UsageError) -> None:
        super().__init__(error.format_message())
        self._help = f"See '{error.ctx.command_path} --help'." if error.ctx else ""

    def show(self, file: IO[Any] | None = None) -> None:  # noqa: ARG002 - click's signature
        """On stderr, as :func:`run` does."""
        from chorus_tui.contract.problem import Problem

        _tell(Problem(422, "usage", self.message, self._help), Exit.USAGE, as_json=True)


def _tell(problem: Problem, code: Exit, *, as_json: bool) -> int:
    if as_json:
        import json

        # In ASCII: nothing in it moves a terminal. On stderr, so that stdout holds answers only.
        sys.stderr.write(f"{json.dumps(problem.as_json())}\n")
    else:
        complain(str(problem))
    return code


async def connect(target: Target) -> EngineClient:
    """A greeted client. Raises ``EngineGone`` with the line that starts an engine.

    Where a person's own engine does not run and an agent's does, that one is asked what it knows, which is told on stderr; it is not
    made to act: what it says counts as the agent's word.
    """
    from chorus_tui.client import EngineGone
    from chorus_tui.client.borrowed_engine import BorrowedEngine
    from chorus_tui.client.launcher import attach, attach_url
    from chorus_tui.locations import data_dir, kind_of

    if target.attach:
        return await attach_url(target.attach, read_token(target.token_file))
    folders = [data_dir(kind, target.data_dir) for kind in ("human", "agent")]
    for folder in folders[:1] if target.data_dir else folders:
        try:
            client = await attach(folder)
        except EngineGone:
            continue
        if folder == folders[0] or not folders[0].exists():
            return client
        return BorrowedEngine(client, folder, complain)
    where = f" --data-dir {folders[0]}" if target.data_dir else ""
    ways = {"human": f"'chorus-tui{where}' (portal)", "agent": f"'chorus-tui{where} --headless' (agent)"}
    # A person's folder is not one to run an agent on, nor the other way round.
    kind = kind_of(folders[0]) if target.data_dir else ""
    hint = f"Start one: {ways[kind] if kind else ' or '.join(ways.values())}."
    looked = str(folders[0]) if target.data_dir else " or ".join(str(folder) for folder in folders)
    raise EngineGone(f"No engine runs for {looked}.\n{hint}")


def read_token(token_file: str | None) -> str:
    """The token in ``token_file``: alone, or the most able one of an engine's own ``api.tokens``."""
    if token_file is None:
        raise click.UsageError("--attach needs --token-file: a file that holds a token of that engine.")
    try:
        lines = Path(token_file).expanduser().read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise click.UsageError(f"--token-file {token_file}: {error.strerror}") from error
    words = [line.split() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    named = {parts[0].lower(): parts[1] for parts in words if len(parts) == 2}
    for scope in ("admin", "operate", "read"):
        if scope in named:
            return named[scope]
    if len(words) == 1 and len(words[0]) == 1:
        return words[0][0]
    raise click.UsageError(f"--token-file {token_file} holds no token.")


def complain(text: str) -> None:
    """Say on stderr what is wrong."""
    from chorus_tui.cli.plain import clean

    sys.stderr.write(f"chorus-tui: {clean(text, lines=True)}\n")


def _wrong_fields(error: ValidationError) -> Problem:
    from chorus_tui.contract.problem import invalid
    from chorus_tui.widgets.faults import by_place

    return invalid({name or "request": words for name, words in by_place(error).items()})
