"""``chorus-tui hmmm``: rooms in which people and agents think together."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from chorus_tui.cli.session import Session, engine_command, page_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from chorus_tui.contract.models.hmmm import RoomLine, RoomList, Said, ThreadView

PRIORITIES = ("low", "medium", "high", "urgent")


@click.group()
def hmmm() -> None:
    """Rooms: discussions, proposals and objections, questions, escalations. A task's room has the task's id."""


def _said_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What every message may carry."""
    options = (
        click.option("--intent", default="", help="What it is for, in a word."),
        click.option("--reasoning", default="", help="Why you say it."),
        click.option(
            "--cite", "citations", multiple=True, metavar="ADDRESS[=REASON]", help="What it rests on; repeat."
        ),
        click.option("--to-role", "to_roles", multiple=True, metavar="ROLE", help="Whom it is addressed to; repeat."),
        click.option("--restricted", is_flag=True, help="Only members of those roles can read it."),
        click.option(
            "--priority", type=click.Choice(PRIORITIES), default="medium", show_default=True, help="How urgent."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _fields(citations: tuple[str, ...], to_roles: tuple[str, ...], **rest: Any) -> dict[str, Any]:
    cited = [dict(zip(("address", "reason"), text.split("=", 1), strict=False)) for text in citations]
    return {"citations": cited, "to_roles": list(to_roles), **rest}


@hmmm.command()
@click.argument("room", required=False, default="")
@page_options(100, "Threads")
@engine_command
async def rooms(session: Session, room: str, limit: int, cursor: str | None) -> None:
    """Threads of all rooms or of ROOM: what waits for a person first, then the newest."""
    from chorus_tui.contract.models.hmmm import ListRooms

    request = ListRooms(issue_id=room, limit=limit, cursor=cursor)
    session.show(await session.ask("hmmm.rooms", request), _print_rooms)


@hmmm.command()
@click.argument("room")
@click.argument("thread", required=False, default="")
@engine_command
async def show(session: Session, room: str, thread: str) -> None:
    """A thread of ROOM with everything said in it; without THREAD the newest."""
    from chorus_tui.contract.models.hmmm import ShowThread

    session.show(await session.ask("hmmm.show", ShowThread(issue_id=room, thread_id=thread)), print_thread)


@hmmm.command()
@click.argument("room")
@click.argument("text")
@click.option("--thread", default="", help="The thread; without it a new one begins.")
@click.option("--memo", is_flag=True, help="A note that nobody needs to answer.")
@_said_options
@engine_command
async def send(session: Session, room: str, text: str, thread: str, memo: bool, **options: Any) -> None:
    """Say TEXT in ROOM."""
    from chorus_tui.contract.models.hmmm import Say

    request = Say(
        issue_id=room, thread_id=thread, message=text, type="memo" if memo else "discussion", **_fields(**options)
    )
    session.show(await session.ask("hmmm.send", request), _print_said)


@hmmm.command()
@click.argument("room")
@click.argument("text")
@click.option("--thread", default="", help="The thread; without it a new one begins.")
@_said_options
@engine_command
async def query(session: Session, room: str, text: str, thread: str, **options: Any) -> None:
    """Ask TEXT in ROOM; agents of the roles it is addressed to answer, or any if it is to nobody."""
    from chorus_tui.contract.models.hmmm import Query

    request = Query(issue_id=room, thread_id=thread, message=text, **_fields(**options))
    session.show(await session.ask("hmmm.query", request), _print_said)


@hmmm.command()
@click.argument("room")
@click.argument("text")
@click.option("--thread", default="", help="The thread; without it a new one begins.")
@click.option("--decide", is_flag=True, help="Put it to a vote once it is agreed.")
@_said_options
@engine_command
async def propose(session: Session, room: str, text: str, thread: str, decide: bool, **options: Any) -> None:
    """Propose TEXT in ROOM: agreed when those that hold it do not object in time."""
    from chorus_tui.contract.models.hmmm import Propose

    request = Propose(issue_id=room, thread_id=thread, message=text, decide=decide, **_fields(**options))
    session.show(await session.ask("hmmm.propose", request), _print_said)


@hmmm.command()
@click.argument("message_id")
@click.argument("text")
@click.option("--type", "type_", type=click.Choice(["discussion", "answer", "memo"]), help="Default: as it fits.")
@_said_options
@engine_command
async def reply(session: Session, message_id: str, text: str, type_: Any, **options: Any) -> None:
    """Reply TEXT to a message; the first letters of its id are enough."""
    from chorus_tui.contract.models.hmmm import Reply

    request = Reply(msg_id=message_id, message=text, type=type_, **_fields(**options))
    session.show(await session.ask("hmmm.reply", request), _print_said)


@hmmm.command("object")
@click.argument("message_id")
@click.argument("reason")
@engine_command
async def object_(session: Session, message_id: str, reason: str) -> None:
    """Object to a proposal with a REASON; an agreed one is reopened."""
    from chorus_tui.contract.models.hmmm import Object

    session.show(await session.ask("hmmm.object", Object(msg_id=message_id, reason=reason)), _print_said)


@hmmm.command()
@click.argument("message_id")
@click.argument("text", required=False, default="")
@engine_command
async def agree(session: Session, message_id: str, text: str) -> None:
    """Agree with a proposal; given your own objection, settle it."""
    from chorus_tui.contract.models.hmmm import Agree

    session.show(await session.ask("hmmm.agree", Agree(msg_id=message_id, message=text)), _print_said)


@hmmm.command()
@click.argument("room")
@click.argument("thread")
@click.argument("reason")
@engine_command
async def escalate(session: Session, room: str, thread: str, reason: str) -> None:
    """Ask for a person in a thread; agents are silent there until one answers."""
    from chorus_tui.contract.models.hmmm import Escalate

    request = Escalate(issue_id=room, thread_id=thread, reason=reason)
    session.show(await session.ask("hmmm.escalate", request), _print_said)


@hmmm.command()
@click.argument("room")
@click.argument("thread")
@click.argument("text")
@engine_command
async def answer(session: Session, room: str, thread: str, text: str) -> None:
    """As a person, answer what was escalated in a thread; agents may speak there again."""
    from chorus_tui.contract.models.hmmm import AnswerEscalation

    request = AnswerEscalation(issue_id=room, thread_id=thread, message=text)
    session.show(await session.ask("hmmm.answer", request), _print_said)


def _print_said(said: Said) -> None:
    from chorus_tui.cli.plain import clean, say
    from chorus_tui.telling import hmmm as telling

    say(clean(telling.said(said)))


def _print_rooms(answer: RoomList) -> None:
    from chorus_tui.cli.plain import moment, say, table
    from chorus_tui.telling import hmmm as telling

    if not answer.threads:
        say("Nothing has been said in a room yet. Begin with: chorus-tui hmmm send ROOM TEXT")
        return
    rows = [
        (one.issue_id, one.thread_id[:12], telling.row(one), one.messages, moment(one.last_at), one.title)
        for one in answer.threads
    ]
    table(("room", "thread", "state", "said", "last", "about"), rows)


def print_thread(view: ThreadView) -> None:
    """A thread for a terminal."""
    from chorus_tui.cli.plain import clean, say
    from chorus_tui.telling import hmmm as telling

    say(clean(f"{view.row.issue_id}/{view.row.thread_id}  {telling.row(view.row)}".rstrip()))
    for words in telling.escalations(view.escalations):
        say(clean(words))
    now = time.time()
    for line in view.lines:
        _print_line(line, now)
    if view.remembered:
        say(clean(f"the agreement: {view.remembered}"))


def _print_line(line: RoomLine, now: float) -> None:
    from chorus_tui.cli.plain import clean, moment, say
    from chorus_tui.telling import hmmm as telling

    indent = "  " * min(line.depth, 8)
    marks = " · ".join([line.type, *telling.marks(line, now), telling.delivered(line.delivery)])
    say(clean(f"{indent}{line.msg_id[:8]}  {moment(line.at)}  {telling.speaker(line)}  [{marks}]"))
    for text in line.message.splitlines():
        say(f"{indent}  {clean(text)}")
    for text in line.reasoning.splitlines():
        say(f"{indent}  because: {clean(text)}")
    for cited in line.citations:
        say(clean(f"{indent}  see {cited.address} {cited.reason}".rstrip()))
