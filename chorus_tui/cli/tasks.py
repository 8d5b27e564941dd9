"""``chorus-tui task``: announce tasks, follow them, fetch what they made."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import click

from chorus_tui.cli import hands, results, steering
from chorus_tui.cli.session import Exit, Session, complain, engine_command, page_options

if TYPE_CHECKING:
    from chorus_tui.contract.models.tasks import OutputChunk, TaskView

WAIT_SLICE_S = 2.0
"""So often one that waits looks why the task still waits; its end is told at once."""
FOLLOW_S = 0.5
IN_VAIN = 6
"""So often a kept output is asked for after the end of its task, by whoever follows it."""


@click.group()
def task() -> None:
    """Announce tasks, follow and steer them, fetch what they made; work on them yourself. IDs may be shortened to their beginning."""


for command in (*steering.COMMANDS, *results.COMMANDS, *hands.COMMANDS):
    task.add_command(command)


@task.command()
@click.argument("file", required=False, type=click.Path(allow_dash=True))
@click.option("--title", help="What it is called; default: the first line of the goal, or the first command.")
@click.option("--description", help="What it is about.")
@click.option("--command", "commands", multiple=True, metavar="SHELL", help="A command; repeat for more, in order.")
@click.option("--goal", metavar="TEXT", help="What an agent with a model is to reach, instead of commands.")
@click.option(
    "--plan-first", is_flag=True, default=None, help="The agent proposes its plan first, and works when it is agreed."
)
@click.option("--kind", help="Kind of work, such as code or docs: picks the agent's model.")
@click.option("--check", "checks", multiple=True, metavar="SHELL", help="A command that shows that it is done; repeat.")
@click.option(
    "--deliver", type=click.Choice(["patch", "bundle", "branch"]), help="How a change of the repository comes."
)
@click.option("--steps", type=int, metavar="N", help="Budget of an agent: answers of the model.")
@click.option("--tokens", type=int, metavar="N", help="Budget of an agent: prompt and answers together.")
@click.option("--containers", type=int, metavar="N", help="Budget: sandboxes, to work in and for the checks.")
@click.option("--depth", type=int, metavar="N", help="Budget of an agent: levels of subtasks below it.")
@click.option("--language", help="Picks the sandbox image.")
@click.option("--image", help="The sandbox image, over --language.")
@click.option("--repository", metavar="URL|PATH", help="Git repository to work in; a path on this machine, or https.")
@click.option("--output", "outputs", multiple=True, metavar="GLOB", help="Files of /workspace/output to keep; repeat.")
@click.option("--env", multiple=True, metavar="NAME=VALUE", help="A variable of the sandbox; repeat for more.")
@click.option(
    "--allowed-host", "allowed_hosts", multiple=True, metavar="HOST[:PORT]",
    help="A host the sandbox is let out to, port 443 unless said; people always have to agree; repeat.",
)  # fmt: skip
@click.option("--project", "project_id", help="The project it belongs to.")
@click.option("--priority", type=click.Choice(["low", "medium", "high", "urgent"]), help="Default: medium.")
@click.option("--role", help="Only agents of this role.")
@click.option("--expertise", multiple=True, help="An area the agent must know one of; repeat for more.")
@click.option("--depends-on", multiple=True, metavar="TASK", help="Only after this task (id or its beginning); repeat.")
@click.option("--approval", type=click.Choice(["auto", "risky", "always"]), help="Whether people have to agree first.")
@click.option("--approvals", type=int, metavar="N", help="How many people have to agree, when some have to.")
@click.option("--approve-within", "approve_within_s", type=int, metavar="S", help="Cancelled when not agreed by then.")
@click.option("--timeout", "timeout_s", type=int, metavar="S", help="Seconds for all commands together.")
@click.option("--max-attempts", type=int, help="Grants at most, when workers are lost.")
@click.option("--memory-mb", type=int, help="Memory of the sandbox, MiB.")
@click.option("--cpus", type=float, help="Processors of the sandbox.")
@click.option("--disk-mb", type=int, help="Size of each writable folder, MiB.")
@click.option("--idempotency-key", default="", help="The same key twice gives the same task.")
@click.option("--callback-url", default="", metavar="URL", help="Called when it has ended; see docs/api.md.")
@click.option("--wait", is_flag=True, help="Wait for its end; exit codes as 'task wait'.")
@click.option(
    "--wait-at-most", type=click.FloatRange(min=0), metavar="S",
    help="Wait, but so many seconds at most; exit code 3 when it has not ended by then. It goes on.",
)  # fmt: skip
@engine_command
async def announce(
    session: Session,
    file: str | None,
    idempotency_key: str,
    callback_url: str,
    wait: bool,
    wait_at_most: float | None,
    **options: Any,
) -> int:
    """Announce a task: from FILE (JSON; '-' is stdin), from options, or both, options first."""
    from chorus_tui.cli.announcement import make_spec
    from chorus_tui.contract.models.tasks import AnnounceTask

    options["depends_on"] = [await _whole_id(session, one) for one in options["depends_on"]]
    spec = make_spec(file, options)
    request = AnnounceTask(spec=spec, idempotency_key=idempotency_key, callback_url=callback_url)
    reference = await session.ask("tasks.announce", request)
    if not wait and wait_at_most is None:
        session.show(reference, lambda answer: click.echo(answer.task_id))
        await _tell_obstacle(session, reference.task_id)
        return Exit.OK
    complain(f"announced {reference.task_id}, waiting for its end")
    return await _wait(session, reference.task_id, wait_at_most)


async def _whole_id(session: Session, given: str) -> str:
    """The id of the task that ``given`` is the beginning of; a whole one is left to the engine to look at."""
    from chorus_tui.contract.models.task_spec import TASK_ID
    from chorus_tui.contract.models.tasks import TaskRef

    if re.fullmatch(TASK_ID, given):
        return given
    found: TaskView = await session.ask("tasks.show", TaskRef(task_id=given))
    return found.task_id


async def _tell_obstacle(session: Session, task_id: str) -> None:
    """Why it waits, when that is known already: else who announced it would wait for nobody."""
    from chorus_tui.contract.models.tasks import TaskRef
    from chorus_tui.contract.problem import Problem

    try:
        view: TaskView = await session.ask("tasks.show", TaskRef(task_id=task_id))
    except Problem:
        # It is announced, and its id was told: what cannot be looked at is no failure of that.
        return
    if view.waiting_for:
        complain(f"it waits: {view.waiting_for}")


@task.command("list")
@click.option("--state", help="Only tasks in this state.")
@page_options(100, "Tasks")
@engine_command
async def list_(session: Session, state: Any, limit: int, cursor: str | None) -> None:
    """Tasks, newest first."""
    from chorus_tui.cli.task_views import print_list
    from chorus_tui.contract.models.tasks import ListTasks

    session.show(await session.ask("tasks.list", ListTasks(state=state, limit=limit, cursor=cursor)), print_list)


@task.command()
@click.argument("task_id")
@engine_command
async def show(session: Session, task_id: str) -> None:
    """One task: what its execution, change and checks showed, its attempts, its thread, the end of its output."""
    from chorus_tui.cli.task_views import print_task
    from chorus_tui.contract.models.tasks import TaskRef

    session.show(await session.ask("tasks.show", TaskRef(task_id=task_id)), print_task)


@task.command()
@click.argument("task_id")
@click.option(
    "--timeout", type=click.FloatRange(min=0), metavar="S", help="Seconds at most; default: until it has ended."
)
@engine_command
async def wait(session: Session, task_id: str, timeout: float | None) -> int:  # noqa: ASYNC109 - the option's own name
    """Wait for the end: exit 0 completed, 1 ended otherwise, 3 still running."""
    return await _wait(session, task_id, timeout)


@task.command()
@click.argument("task_id")
@click.option("--reason", default="", help="Others can read it.")
@engine_command
async def cancel(session: Session, task_id: str, reason: str) -> None:
    """Cancel a task; its container is gone within seconds."""
    from chorus_tui.cli.task_views import print_task
    from chorus_tui.contract.models.tasks import CancelTask

    session.show(await session.ask("tasks.cancel", CancelTask(task_id=task_id, reason=reason)), print_task)


@task.command()
@click.argument("task_id")
@click.option("--follow", is_flag=True, help="Go on until the task has ended.")
@engine_command
async def output(session: Session, task_id: str, follow: bool) -> None:
    """Output as received here; control characters are shown as signs."""
    import asyncio

    from chorus_tui.contract.models.tasks import TERMINAL, ReadOutput, TaskRef
    from chorus_tui.contract.problem import Problem

    offset = asked_in_vain = 0
    while True:
        chunk: OutputChunk = await session.ask("tasks.output", ReadOutput(task_id=task_id, offset=offset))
        _print_chunk(session, chunk)
        task_id = chunk.task_id
        # Decoding may have replaced bytes, so the engine's own word on where to go on counts first.
        after = chunk.next if chunk.next is not None else chunk.offset + len(chunk.text.encode())
        if after > offset:
            offset = after
        elif chunk.complete or not follow:
            return
        elif asked_in_vain == IN_VAIN:
            title = "The task has ended; its output is kept, and nobody in reach has it"
            raise Problem(409, "unreachable", title, "Try again when those who hold it are back.")
        else:
            view: TaskView = await session.ask("tasks.show", TaskRef(task_id=task_id))
            asked_in_vain += view.state in TERMINAL
            await asyncio.sleep(FOLLOW_S)


def _print_chunk(session: Session, chunk: OutputChunk) -> None:
    from chorus_tui.cli.plain import clean

    if session.json:
        if chunk.text or chunk.gap or chunk.complete:
            session.put(chunk)
        return
    if chunk.gap:
        complain(f"{chunk.gap} bytes of output were not received here")
    click.echo(clean(chunk.text, lines=True), nl=False)


async def _wait(session: Session, task_id: str, seconds: float | None) -> int:
    from chorus_tui.cli.task_views import print_task
    from chorus_tui.contract.models.tasks import TERMINAL, WaitTask

    deadline = None if seconds is None else time.monotonic() + seconds
    told = ""
    while True:
        left = WAIT_SLICE_S if deadline is None else max(0.0, deadline - time.monotonic())
        view: TaskView = await session.ask("tasks.wait", WaitTask(task_id=task_id, timeout_s=min(left, WAIT_SLICE_S)))
        if view.waiting_for not in ("", told):
            complain(f"it waits: {view.waiting_for}")
        # The whole id from now on: another task that begins so may be announced meanwhile.
        told, task_id = view.waiting_for, view.task_id
        if view.state in TERMINAL or (deadline is not None and time.monotonic() >= deadline):
            break
    session.show(view, print_task)
    if view.state not in TERMINAL:
        complain(f"not ended after {seconds:g} s; it goes on, 'chorus-tui task wait {view.task_id}' waits again")
        return Exit.STILL_RUNNING
    return Exit.OK if view.state == "completed" else Exit.FAILED
