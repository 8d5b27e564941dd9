"""``chorus-tui task`` for people who watch an agent work: say a word, pause, resume, stop."""

from __future__ import annotations

import click

from chorus_tui.cli.session import Session, engine_command


@click.command()
@click.argument("task_id")
@click.argument("text")
@engine_command
async def say(session: Session, task_id: str, text: str) -> None:
    """Say TEXT in the task's thread; an agent that works on it reads it before its next step."""
    from chorus_tui.cli.task_views import print_task
    from chorus_tui.contract.models.tasks import SayToTask

    session.show(await session.ask("tasks.say", SayToTask(task_id=task_id, text=text)), print_task)


@click.command()
@click.argument("task_id")
@click.option("--reason", default="", help="Others can read it.")
@engine_command
async def pause(session: Session, task_id: str, reason: str) -> None:
    """Let the agent wait before its next step; it keeps its sandbox."""
    await _steer(session, "tasks.pause", task_id, reason)


@click.command()
@click.argument("task_id")
@click.option("--reason", default="", help="Others can read it.")
@engine_command
async def resume(session: Session, task_id: str, reason: str) -> None:
    """Let a paused agent go on."""
    await _steer(session, "tasks.resume", task_id, reason)


@click.command()
@click.argument("task_id")
@click.option("--reason", default="", help="Others can read it.")
@engine_command
async def stop(session: Session, task_id: str, reason: str) -> None:
    """End the agent's work after its present step; what it has done so far is its result."""
    await _steer(session, "tasks.stop", task_id, reason)


async def _steer(session: Session, operation: str, task_id: str, reason: str) -> None:
    from chorus_tui.cli.task_views import print_task
    from chorus_tui.contract.models.tasks import SteerTask

    session.show(await session.ask(operation, SteerTask(task_id=task_id, reason=reason)), print_task)


COMMANDS = (say, pause, resume, stop)
