"""``chorus-tui ask``, ``answer``, ``questions``: put a question to who knows, answer one, see them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chorus_tui.cli.session import Exit, Session, complain, engine_command
from chorus_tui.contract.counting import many

if TYPE_CHECKING:
    from chorus_tui.contract.models.assistance import QuestionList, QuestionView

_LOOK_S = 0.5


@click.command()
@click.argument("question")
@click.option("--expertise", multiple=True, metavar="AREA", help="An area that it takes; may be repeated.")
@click.option("--to-roles", multiple=True, metavar="ROLE", help="Only members of this role can read it.")
@click.option("--urgency", type=click.Choice(("low", "medium", "high")), default="medium", show_default=True)
@click.option("--mentor", is_flag=True, help="Put it to the one agent with the best record.")
@click.option("--wait", "wait_s", type=float, default=0.0, help="Seconds to wait for an answer.")
@engine_command
async def ask(session: Session, wait_s: float, **fields: object) -> int | None:
    """Put QUESTION to who knows an area. Exit code 1: no answer came in the time that was waited."""
    from chorus_tui.contract.models.assistance import AskQuestion

    view = await session.ask("assistance.ask", AskQuestion.model_validate(fields))
    if wait_s > 0:
        view = await _answered(session, view, wait_s)
    session.show(view, print_question)
    if wait_s <= 0 or view.answers:
        return None
    complain(f"no answer in {wait_s:g} s; the question stays open, 'chorus-tui questions --all' shows what comes")
    return Exit.FAILED


async def _answered(session: Session, view: QuestionView, wait_s: float) -> QuestionView:
    """The question with its first answer, or as it is when the time is over."""
    import asyncio
    import time

    from chorus_tui.contract.models.assistance import ListQuestions

    end = time.monotonic() + wait_s
    while not view.answers and time.monotonic() < end:
        await asyncio.sleep(_LOOK_S)
        listed: QuestionList = await session.ask("assistance.requests", ListQuestions(everything=True))
        view = next((one for one in listed.questions if one.request == view.request), view)
    return view


@click.command()
@click.argument("request")
@click.argument("text")
@engine_command
async def answer(session: Session, request: str, text: str) -> None:
    """Answer the question whose id is, or begins with, REQUEST."""
    from chorus_tui.contract.models.assistance import AnswerQuestion

    session.show(await session.ask("assistance.answer", AnswerQuestion(request=request, text=text)), print_question)


@click.command()
@click.option("--all", "everything", is_flag=True, help="Also those that were answered.")
@engine_command
async def questions(session: Session, everything: bool) -> None:
    """Questions that nobody has answered yet."""
    from chorus_tui.contract.models.assistance import ListQuestions

    session.show(await session.ask("assistance.requests", ListQuestions(everything=everything)), _print_questions)


def _print_questions(listed: QuestionList) -> None:
    from chorus_tui.cli.plain import say

    if not listed.questions:
        say('No question waits. Put one: chorus-tui ask --expertise python "How do I …?"')
    for number, view in enumerate(listed.questions):
        if number:
            say()
        print_question(view)


def print_question(view: QuestionView) -> None:
    """One question with its answers."""
    from chorus_tui.cli.plain import clean, moment, pairs, say

    hidden = f"for {', '.join(view.to_roles)} alone" if view.restricted and not view.text else ""
    pairs(
        [
            ("question", view.request[:12]),
            (view.kind, view.text or hidden),
            ("asked", f"{moment(view.at)} by {view.name or view.by}, {view.urgency}"),
            ("expertise", ", ".join(view.expertise)),
            ("roles", ", ".join(view.to_roles)),
            ("task", view.task_id),
            ("passed on", f"{many(view.hops, 'time')}, from {view.passed_on_from[:12]}" if view.hops else ""),
            ("declined", f"{view.declined} cannot help" if view.declined else ""),
            ("called", "nobody helped in time; people were called" if view.called else ""),
        ]
    )
    for one in view.answers:
        say(f"{moment(one.at)}  {clean(one.name or one.by)} answers:")
        for line in (one.text or "for others alone").rstrip("\n").split("\n"):
            say(f"  {clean(line)}")
