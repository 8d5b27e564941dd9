"""Whose words reach an agent at work. Pure.

A task's thread shows what anybody said. An agent hears members that may propose; advice only where whoever failed at the task
before asked for it; answers only to what this attempt asked itself. It hears them as words: what is to be done, and what
shows that it is done, stands in the task.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from chorus_tui.engine.control.authority import may
from chorus_tui.engine.control.interface import Member
from chorus_tui.engine.tasks import advice
from chorus_tui.engine.tasks.board import Board
from chorus_tui.engine.tasks.task import Task
from chorus_tui.engine.tasks.thread import Line

Kind = Literal["person", "agent", ""]
"""As what a peer speaks to agents; empty: it is no member, or one that may say nothing to them."""
Voice = Callable[[str], Kind]


def of(member: Member | None) -> Kind:
    """Members speak that may propose something."""
    if member is None or not may(member, "propose"):
        return ""
    return "person" if member.kind == "human" else "agent"


def heard(task: Task, board: Board, voice: Voice, me: str, attempt: int) -> list[Line]:
    """What this attempt's worker is told, oldest first; its own words are among it."""
    thread = task.thread
    own = {
        line.hash for line in thread.lines.values()
        if line.kind == "help" and (line.author, line.attempt) == (me, attempt)
    }  # fmt: skip
    advised = {line.hash for line in advised_by(task, board, voice)}

    def reaches(line: Line) -> bool:
        if line.kind == "advice":
            return line.hash in advised
        if line.kind == "answer" and thread.asked_first(line.request) not in own:
            return False
        return bool(voice(line.author))

    return [line for line in thread.in_order() if reaches(line)]


def advised_by(task: Task, board: Board, voice: Voice) -> list[Line]:
    """The advice that was asked for, oldest first."""
    asked = advice.requests(task, board)
    return [
        line for line in task.thread.in_order()
        if line.kind == "advice" and line.request in asked and voice(line.author)
    ]  # fmt: skip


def answered(task: Task, board: Board, voice: Voice) -> bool:
    """Whether a mentor has answered, with advice or without."""
    asked = advice.requests(task, board)
    return any(one.request in asked and voice(one.author) for one in task.thread.mentored.values())
