"""``chorus-tui task`` for people who work themselves or decide: claim, submit, release, retry, approve, deny."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chorus_tui.cli.session import Session, engine_command

if TYPE_CHECKING:
    from chorus_tui.contract.models.tasks import SubmittedFile

FILE_BYTES = 700_000


@click.command()
@click.argument("task_id")
@engine_command
async def claim(session: Session, task_id: str) -> None:
    """Take a task by hand: it is yours until you submit it or give it back."""
    from chorus_tui.cli.task_views import print_task
    from chorus_tui.contract.models.tasks import ClaimTask

    session.show(await session.ask("tasks.claim", ClaimTask(task_id=task_id)), print_task)


@click.command()
@click.argument("task_id")
@click.option("--output", type=click.Path(dir_okay=False), metavar="FILE", help="The result: a file, 700 KB at most.")
@click.option(
    "--patch", type=click.Path(dir_okay=False), metavar="FILE", help="The result: a patch, as git diff writes it."
)
@click.option("--failed", metavar="REASON", help="It cannot be done; the task ends as failed.")
@click.option("--note", default="", help="A word on the result; others can read it.")
@engine_command
async def submit(
    session: Session, task_id: str, output: str | None, patch: str | None, failed: str | None, note: str
) -> None:
    """The result of a task that you claimed: exactly one of --output, --patch, --failed."""
    from chorus_tui.cli.task_views import print_task
    from chorus_tui.contract.models.tasks import SubmitTask

    given = [
        (kind, value) for kind, value in (("output", output), ("patch", patch), ("failed", failed)) if value is not None
    ]
    if len(given) != 1:
        raise click.UsageError("Give exactly one of --output FILE, --patch FILE, --failed REASON.")
    kind, value = given[0]
    fields: dict[str, Any] = {"reason": value} if kind == "failed" else {"reason": note, "file": _file(value)}
    request = SubmitTask.model_validate({"task_id": task_id, "kind": kind, **fields})
    session.show(await session.ask("tasks.submit", request), print_task)


def _file(name: str) -> SubmittedFile:
    from chorus_tui.client.local_files import read
    from chorus_tui.contract.models.tasks import SubmittedFile

    try:
        content = read(name, FILE_BYTES)
    except OSError as error:
        raise click.UsageError(f"{name}: {error.strerror}") from error
    return SubmittedFile(name=Path(name).name, content=base64.b64encode(content).decode())


@click.command()
@click.argument("task_id")
@click.option("--reason", default="", help="Others can read it.")
@engine_command
async def release(session: Session, task_id: str, reason: str) -> None:
    """Give back a task that you claimed; it is granted anew."""
    from chorus_tui.cli.task_views import print_task
    from chorus_tui.contract.models.tasks import ReleaseTask

    session.show(await session.ask("tasks.release", ReleaseTask(task_id=task_id, reason=reason)), print_task)


@click.command()
@click.argument("task_id")
@engine_command
async def retry(session: Session, task_id: str) -> None:
    """Announce a failed or cancelled task again, as a new task that names the old one."""
    from chorus_tui.contract.models.tasks import RetryTask

    session.show(
        await session.ask("tasks.retry", RetryTask(task_id=task_id)), lambda answer: click.echo(answer.task_id)
    )


_looked_at = click.option(
    "--announcement",
    default="",
    metavar="HASH",
    help="The announcement you looked at, as 'task show' names it; another is refused.",
)


@click.command()
@click.argument("task_id")
@click.option("--reason", default="", help="Others can read it.")
@_looked_at
@engine_command
async def approve(session: Session, task_id: str, reason: str, announcement: str) -> None:
    """Agree to a task that waits for approval."""
    await _judge(session, "tasks.approve", task_id, reason, announcement)


@click.command()
@click.argument("task_id")
@click.option("--reason", default="", help="Others can read it.")
@_looked_at
@engine_command
async def deny(session: Session, task_id: str, reason: str, announcement: str) -> None:
    """Refuse a task that waits for approval; it ends as cancelled."""
    await _judge(session, "tasks.deny", task_id, reason, announcement)


async def _judge(session: Session, operation: str, task_id: str, reason: str, announcement: str) -> None:
    from chorus_tui.cli.task_views import print_task
    from chorus_tui.contract.models.tasks import JudgeTask

    asked = JudgeTask(task_id=task_id, reason=reason, announcement=announcement)
    session.show(await session.ask(operation, asked), print_task)


COMMANDS = (claim, submit, release, retry, approve, deny)
