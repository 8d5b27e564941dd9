"""``chorus-tui inbox …``: what waits for a person."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from chorus_tui.cli.session import Session, engine_command

if TYPE_CHECKING:
    from chorus_tui.contract.models.inbox import Answered, Inbox


@click.group()
def inbox() -> None:
    """What waits for you, and answering it."""


@inbox.command("list")
@engine_command
async def list_(session: Session) -> None:
    """Approvals, votes, escalations, questions; the most pressing first."""
    session.show(await session.ask("inbox.list"), _print)


@inbox.command()
@click.argument("item")
@click.argument("choice", required=False, default="")
@click.option("--text", "-m", default="", help="Your words: a reason, or the answer itself.")
@engine_command
async def answer(session: Session, item: str, choice: str, text: str) -> None:
    """Answer ITEM with one of its choices, with words, or both. ITEM is an id of the list, or its beginning."""
    from chorus_tui.contract.models.inbox import AnswerItem

    session.show(await session.ask("inbox.answer", AnswerItem(item_id=item, choice=choice, text=text)), _print_answered)


def _print(answer: Inbox) -> None:
    from chorus_tui.cli.plain import duration, say, table
    from chorus_tui.telling.inbox import KINDS, left, wanted

    if not answer.inbox:
        say("Nothing waits for you.")
        return
    now = time.time()
    rows = [
        (
            item.item_id, KINDS[item.kind], item.title, item.purpose, item.asked_by_name, duration(now - item.since),
            duration(left(item, now)), wanted(item),
        )
        for item in answer.inbox
    ]  # fmt: skip
    table(("item", "kind", "about", "wanted of you", "from", "waits", "ends in", "answer with"), rows)


def _print_answered(answer: Answered) -> None:
    from chorus_tui.cli.plain import clean, say

    say(clean(answer.told))
