"""``chorus-tui coordination …``: sessions between tasks, where projects stand, who reported what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chorus_tui.cli.session import Session, engine_command

if TYPE_CHECKING:
    from chorus_tui.contract.models.coordination import ProjectList, ReportList, SessionList, SessionView

INTENTS = ("word", "proposal", "question", "agreement", "concern", "response")


@click.group()
def coordination() -> None:
    """Tasks that touch the same thing, the sessions about them, projects and reports."""


@coordination.command()
@click.option("--all", "everything", is_flag=True, help="Also those that have ended or gone quiet.")
@engine_command
async def sessions(session: Session, everything: bool) -> None:
    """Sessions that go on or wait for a person."""
    from chorus_tui.contract.models.coordination import ListSessions

    session.show(await session.ask("coordination.sessions", ListSessions(everything=everything)), _print_sessions)


@coordination.command()
@click.argument("session_id")
@engine_command
async def show(session: Session, session_id: str) -> None:
    """One session: its tasks, its plan, what was said, how it stands."""
    from chorus_tui.contract.models.coordination import SessionRef

    session.show(await session.ask("coordination.show", SessionRef(session_id=session_id)), print_session)


@coordination.command()
@click.argument("session_id")
@click.argument("text")
@click.option("--intent", type=click.Choice(INTENTS), default="word", show_default=True)
@engine_command
async def say(session: Session, session_id: str, text: str, intent: str) -> None:
    """Say TEXT in a session. 'agree', 'sounds good', 'approved' and 'looks good' count as agreement."""
    from chorus_tui.contract.models.coordination import SayInSession

    request = SayInSession.model_validate({"session_id": session_id, "text": text, "intent": intent})
    session.show(await session.ask("coordination.say", request), print_session)


@coordination.command(name="open")
@click.argument("objective")
@click.option("--with", "participants", multiple=True, metavar="PEER", help="Who takes part, by name; may be repeated.")
@click.option("--kind", type=click.Choice(("planning", "conflict")), default="planning", show_default=True)
@engine_command
async def open_session(session: Session, objective: str, participants: tuple[str, ...], kind: str) -> None:
    """Open a session about OBJECTIVE."""
    from chorus_tui.contract.models.coordination import OpenSession

    request = OpenSession.model_validate({"objective": objective, "participants": list(participants), "kind": kind})
    session.show(await session.ask("coordination.open", request), print_session)


@coordination.command()
@engine_command
async def projects(session: Session) -> None:
    """Where each project stands, as the admin said last."""
    session.show(await session.ask("coordination.projects"), _print_projects)


@coordination.command()
@engine_command
async def reports(session: Session) -> None:
    """What members that report to this one said last."""
    session.show(await session.ask("coordination.reports"), _print_reports)


def _print_sessions(answer: SessionList) -> None:
    from chorus_tui.cli.plain import moment, say, table

    if not answer.sessions:
        say("No session. One opens by itself when tasks of two repositories touch the same thing.")
        return
    rows = [
        (one.session_id, one.status, moment(one.opened_at), one.words, ", ".join(one.participants), one.objective)
        for one in answer.sessions
    ]
    table(("session", "state", "opened", "words", "participants", "about"), rows)


def print_session(view: SessionView) -> None:
    """Everything of a session."""
    from chorus_tui.cli.plain import clean, moment, pairs, say
    from chorus_tui.telling.coordination import standing

    pairs(
        [
            ("session", view.session_id),
            ("about", view.objective),
            ("state", standing(view)),
            ("rule", view.rule),
            ("why", view.reason),
            *(("task", f"{one.task_id}  {one.title}  in {one.repository}, {one.agent}") for one in view.tasks),
            ("participants", ", ".join(view.participants)),
            ("opened", f"{moment(view.opened_at)} by {view.opened_by}"),
        ]
    )
    if view.plan is not None:
        say(f"plan, made by {clean(view.plan.made_by)}, said by {clean(view.plan.said_by)}:")
        for number, step in enumerate(view.plan.steps, 1):
            say(f"  {number}. {clean(step)}")
        for risk in view.plan.risks:
            say(f"  risk: {clean(risk)}")
        for criterion in view.plan.success_criteria:
            say(f"  done when: {clean(criterion)}")
    for word in view.thread:
        say(f"{moment(word.at)}  {clean(word.name or word.by)} ({word.intent}): {clean(word.text)}")


def _print_projects(answer: ProjectList) -> None:
    from chorus_tui.cli.plain import moment, say, table

    if not answer.projects:
        say("No project. Tasks name theirs with: chorus-tui task announce --project NAME")
        return
    rows = [
        (one.project_id, one.phase, f"{one.completion} %", one.open, one.done, one.failed, moment(one.at), "; ".join(one.blockers))
        for one in answer.projects
    ]  # fmt: skip
    table(("project", "phase", "done", "open", "completed", "failed", "as of", "blockers"), rows)


def _print_reports(answer: ReportList) -> None:
    from chorus_tui.cli.plain import moment, say, table
    from chorus_tui.telling.coordination import reported

    if not answer.reports:
        say("No report. Members report to this one with: CHORUS_AGENT_REPORTS_TO=<agent id of this peer>")
        return
    table(("from", "said", "report"), [(one.name, moment(one.at), reported(one)) for one in answer.reports])
