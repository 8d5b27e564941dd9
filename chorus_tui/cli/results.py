"""``chorus-tui task`` for what a task made: its files, its change as a patch, its agent's transcript."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chorus_tui.cli.session import Exit, Session, complain, engine_command

if TYPE_CHECKING:
    from chorus_tui.contract.models.task_result import TaskResult
    from chorus_tui.contract.models.tasks import TaskView
    from chorus_tui.contract.problem import Problem

COLOURS: dict[str, dict[str, Any]] = {
    "file": {"bold": True}, "hunk": {"fg": "cyan"}, "added": {"fg": "green"}, "removed": {"fg": "red"},
    "step": {"bold": True}, "note": {"dim": True}, "seen": {"dim": True}, "end": {"bold": True},
}  # fmt: skip


@click.command()
@click.argument("task_id")
@click.option("--to", type=click.Path(file_okay=False), required=True, metavar="DIR", help="Folder to write to.")
@click.option("--force", is_flag=True, help="Replace files that differ.")
@engine_command
async def artifacts(session: Session, task_id: str, to: str, force: bool) -> int:
    """Fetch the files of the result, and its change as a patch, verified, into DIR (made when needed)."""
    from chorus_tui.cli.plain import clean, foreign, say
    from chorus_tui.client.artifacts import fetch, patch_of

    view = await _view(session, task_id)
    if view.result is None:
        raise _nothing(f"task {view.task_id} has no result yet: it is {view.state}")
    patch = patch_of(view.result)
    found = [*view.result.artifacts, *([patch] if patch is not None else [])]
    written = [(artifact, await fetch(session.ask, artifact, Path(to), force=force)) for artifact in found]
    if session.json:
        rows = [{"path": a.path, "size": a.size, "sha256": a.sha256, "file": str(file)} for a, file in written]
        made = rows.pop() if patch is not None else None
        click.echo(json.dumps({"task_id": task_id, "artifacts": rows, "patch": made}))
    else:
        for _, file in written:
            say(foreign(clean(file)))
        if not written:
            complain("the result has no artifacts")
    return Exit.OK


@click.command()
@click.argument("task_id")
@click.option("--to", type=click.Path(dir_okay=False), metavar="FILE", help="Write it there, byte for byte.")
@click.option("--force", is_flag=True, help="Replace a FILE that differs.")
@engine_command
async def diff(session: Session, task_id: str, to: str | None, force: bool) -> int:
    """The change a task made to its repository, as a patch that 'git apply' takes.

    On a terminal in colours, elsewhere byte for byte. Exit code 1: there is none.
    """
    from chorus_tui.client.artifacts import fetch, patch_of, read

    view, result = await _result(session, task_id)
    patch = patch_of(result) if result is not None else None
    if result is None or result.change is None or patch is None:
        raise _nothing(_no_change(view, result))
    if to is not None:
        named = patch.model_copy(update={"path": Path(to).name})
        await fetch(session.ask, named, Path(to).parent, force=force)
    if session.json:
        click.echo(json.dumps({"task_id": task_id, "change": result.change.model_dump(), "file": to}))
    elif to is None:
        put_patch(await read(session.ask, result.change.patch))
    return Exit.OK


@click.command()
@click.argument("task_id")
@click.option("--to", type=click.Path(dir_okay=False), metavar="FILE", help="Write it there as stored: JSON lines.")
@engine_command
async def transcript(session: Session, task_id: str, to: str | None) -> int:
    """What an agent was asked, did and saw, step by step; with --json the lines as stored. Exit code 1: none."""
    from chorus_tui.cli.plain import clean
    from chorus_tui.client.artifacts import keep, read
    from chorus_tui.telling.transcript import readable

    view, result = await _result(session, task_id)
    if result is None or not result.transcript:
        why = "its work has not been reported yet" if result is None else "no agent worked on it"
        raise _nothing(f"task {view.task_id} has no transcript: {why}; it is {view.state}")
    data = await read(session.ask, result.transcript)
    if to is not None:
        keep(data, Path(to))
    elif session.json:
        _raw(data)
    else:
        for kind, line in readable(data.decode("utf-8", "replace").split("\n")):
            _coloured(kind, clean(line, lines=True))
    return Exit.OK


async def _view(session: Session, task_id: str) -> TaskView:
    from chorus_tui.contract.models.tasks import TaskRef

    view: TaskView = await session.ask("tasks.show", TaskRef(task_id=task_id))
    return view


async def _result(session: Session, task_id: str) -> tuple[TaskView, TaskResult | None]:
    """The task, and its result; one that was not accepted is said to be so."""
    from chorus_tui.telling.task import result_of

    view = await _view(session, task_id)
    result = result_of(view)
    if result is not None and view.result is None:
        complain("this result was reported and is not accepted")
    return view, result


def _nothing(why: str) -> Problem:
    """What was asked for is not there: told as what the engine refuses is."""
    from chorus_tui.contract.problem import Problem

    return Problem(409, "no-result", why)


def _no_change(view: TaskView, result: TaskResult | None) -> str:
    if not view.spec.repository:
        return f"task {view.task_id} has no change: it has no repository"
    if result is None:
        return f"task {view.task_id} has no change yet: it is {view.state}"
    return f"task {view.task_id} has no change: its result came without one"


def put_patch(patch: bytes) -> None:
    """In colours for people, as it is for programs."""
    from chorus_tui.cli.plain import clean
    from chorus_tui.telling.patch import told_apart

    if not sys.stdout.isatty():
        _raw(patch)
        return
    for kind, line in told_apart(patch.decode("utf-8", "replace").removesuffix("\n").split("\n")):
        _coloured(kind, clean(line, lines=True))


def _raw(data: bytes) -> None:
    """Byte for byte, but for a terminal, which would obey it."""
    if sys.stdout.isatty():
        from chorus_tui.cli.plain import clean, foreign, say

        say(foreign(clean(data.decode("utf-8", "replace").removesuffix("\n"), lines=True)))
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _coloured(kind: str, line: str) -> None:
    """Colours on a terminal only, and not where NO_COLOR forbids them."""
    from chorus_tui.cli.plain import foreign, say

    line = foreign(line)
    colourless = not sys.stdout.isatty() or bool(os.environ.get("NO_COLOR"))
    say(line if colourless else click.style(line, **COLOURS.get(kind, {})))


COMMANDS = (artifacts, diff, transcript)
