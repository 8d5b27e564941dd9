"""Assistance at work: the fold of questions, and the parts that ask, answer and call people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
import trio

from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.assistance import rules
from chorus_tui.engine.assistance.answering import Answering
from chorus_tui.engine.assistance.doors import Doors
from chorus_tui.engine.assistance.parts import Parts
from chorus_tui.engine.assistance.requests import TYPES, Question, Reply, Requests
from chorus_tui.engine.assistance.rules import Helper
from chorus_tui.engine.assistance.seeking import Seeking
from chorus_tui.engine.bell import PAUSE_S, Bell
from chorus_tui.engine.clock import Ages
from chorus_tui.engine.control.authority import may
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import Message
from chorus_tui.engine.shhh.cutting import beginning

log = structlog.get_logger("chorus.assistance")

LOOK_S = 1.0


class AssistanceService:
    """Folds questions and answers; answers with this peer's voice, asks and calls people for its own work."""

    types = TYPES

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.requests = Requests()
        self.ages = Ages(parts.clock)
        self._live = False
        self.answering = Answering(self)
        self.seeking = Seeking(self)
        self._bells = (Bell(), Bell())
        self.doors = Doors(self)
        parts.journal.fold(self)

    # ── folds ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def apply(self, entry: Entry, message: Message) -> None:
        """The journal's fold."""
        request = self.requests.apply(entry, message)
        for bell in self._bells:
            bell.ring()
        if self._live and request in (entry.hash, getattr(message, "request", "")):
            self._show(request, entry)

    def reset(self) -> None:
        """The journal's fold begins anew."""
        self.requests.clear()

    def _show(self, request: str, entry: Entry) -> None:
        """One line of the event log for people: a question, or an answer that helps."""
        question = self.requests.questions.get(request)
        if question is None:
            return
        name = self.parts.name
        reply = next((one for one in self.requests.replies_to(request) if one.hash == entry.hash), None)
        if reply is None and entry.hash == request:
            asked = question.text or "a question to some roles alone"
            text = f"❓ {name(question.author)} asks: {beginning(asked, 200)} (chorus-tui answer {request[:12]} TEXT)"
        elif reply is not None and reply.can_help:
            text = f"💡 {name(reply.author)} answers {name(question.author)}"
        else:
            return
        line = {
            "at": self.parts.clock.wall(), "level": "info", "text": text, "peer": entry.author,
            "task_id": question.task[1] if question.task else "",
        }  # fmt: skip
        self.parts.events.publish("log", None, line)

    # ── what is known ──────────────────────────────────────────────────────────────────────────────────────────────

    def age_s(self, question: Question) -> float:
        """Seconds since it was asked."""
        return self.ages.age(question.hash, question.at_ms / 1000)

    def spec(self, question: Question) -> TaskSpec | None:
        """What its task asks for; None without one."""
        task = self.parts.board.tasks.get(question.task) if question.task else None
        return task.announced.spec if task is not None and task.announced is not None else None

    def helpers(self) -> list[Helper]:
        """Members that may speak, as the mesh knows them."""
        members, me = self.parts.control.members, self.parts.me
        own = self.parts.voice is not None
        return [
            Helper(one.peer_id, one.role, one.expertise, one.live, one.models or (own and one.peer_id == me))
            for one in self.parts.agents()
            if may(members.get(one.peer_id), "propose")
        ]

    def in_turn(self, question: Question) -> list[str]:
        """Who may answer it by itself, the first first."""
        return rules.in_turn(question, self.helpers(), self.spec(question), self.parts.board)

    def person_spoke(self, question: Question) -> bool:
        """Whether a person has said something in its task's thread since."""
        task = self.parts.board.tasks.get(question.task) if question.task else None
        people = {peer_id for peer_id, member in self.parts.control.members.items() if member.kind == "human"}
        lines = task.thread.lines.values() if task is not None else ()
        return any(line.author in people and not line.attempt and line.at_ms > question.at_ms for line in lines)

    def text(self, item: Question | Reply) -> str:
        """What it says, opened where it was sealed for this peer; empty where it was not."""
        if not item.sealed:
            return item.text
        opened = self.parts.sealing.open(item.sealed, item.author) if self.parts.sealing is not None else None
        return str((opened or {}).get("text", ""))

    # ── life ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled."""
        self._live = True
        async with trio.open_nursery() as nursery:
            for bell, act in zip(self._bells, (self.answering.round, self.seeking.round), strict=True):
                nursery.start_soon(self._every_so_often, bell, act)
            task_status.started()

    async def _every_so_often(self, bell: Bell, act: Callable[[], Awaitable[None]]) -> None:
        while True:
            await bell.rung(LOOK_S, PAUSE_S)
            try:
                await act()
            except Refused as error:
                log.info("A word of help was not said", reason=str(error))

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """The operations of this feature."""
        return self.doors.handlers()
