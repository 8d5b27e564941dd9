"""What the admin does: compares open tasks, opens one session a pair, closes it when it is agreed, calls people when not.

Each step is derived from what stands in the feeds, so a new admin goes on where the one before ended, and repeats nothing. It
first lets a moment pass, in which what the one before said last may arrive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import structlog
import trio

from chorus_tui.engine.coordination import progress, rules
from chorus_tui.engine.coordination.rules import TaskText
from chorus_tui.engine.coordination.sessions import PARTICIPANTS, Session
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.protocol.messages.talk import Dependency
from chorus_tui.engine.shhh.cutting import beginning
from chorus_tui.engine.tasks.task import Task

if TYPE_CHECKING:
    from chorus_tui.engine.coordination.service import CoordinationService

log = structlog.get_logger("chorus.coordination")

SETTLE_S = 3.0
"""Seconds of leading before anything is said."""
MOST_ACTIVE = 32
"""Sessions that go on at once; what is found then waits."""


class Leading:
    """Runs on every peer and acts only while this peer leads."""

    def __init__(self, service: CoordinationService) -> None:
        self._service = service
        self._term: tuple[str | None, int] = (None, 0)
        self._since = 0.0
        self._compared: set[str] = set()
        """Tasks that this admin has compared with all that was open then."""

    async def round(self) -> None:
        """Everything that is due now."""
        term = self.term()
        if term is None:
            return
        try:
            await self._detect(term)
            await self._open(term)
            for session in self._service.present():
                await self._close(session, term)
        except Refused as error:
            log.warning("⚠️ Nothing could be said of coordination", reason=str(error))

    def term(self) -> int | None:
        """The term in which this peer leads, once it has led for a moment; None: it does not."""
        parts = self._service.parts
        control = parts.control
        mesh_id, term = control.mesh_id, control.term
        leads = control.is_admin and mesh_id is not None and self._service.leaders.led(parts.me, mesh_id, term)
        now = parts.clock.monotonic()
        if not leads or (mesh_id, term) != self._term:
            self._term, self._since = ((mesh_id, term) if leads else (None, 0)), now
            self._compared.clear()
            return None
        return term if now - self._since >= SETTLE_S else None

    # ── dependencies ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _detect(self, term: int) -> None:
        """Compare what was announced since with all that is open; tell of what belongs together."""
        service, mesh_id = self._service, self._service.parts.control.mesh_id
        assert mesh_id is not None
        open_ = [text for task in service.parts.board.of_mesh(mesh_id) if (text := text_of(task)) is not None]
        fresh = [text for text in open_ if text.task_id not in self._compared]
        if not fresh:
            return
        room = MOST_ACTIVE - sum(progress.active(one, service.idle_s(one)) for one in service.present())
        marks = {text.task_id: rules.marks(text.text) for text in open_}
        for one in fresh:
            for other in open_:
                if other.task_id != one.task_id and any(rules.fire(marks[one.task_id], marks[other.task_id])):
                    room -= await self._compare(mesh_id, one, other, term, room)
            if room > 0:
                self._compared.add(one.task_id)
            await trio.lowlevel.checkpoint()

    async def _compare(self, mesh_id: str, one: TaskText, other: TaskText, term: int, room: int) -> int:
        """One pair whose words fit: 1 when it was told of now, 0 when there is nothing to tell, or no room."""
        found = rules.detect(one, other)
        key = rules.pair(mesh_id, one.task_id, other.task_id)
        if found is None or room <= 0 or self._service.sessions.alerted(key, self._service.judges()):
            return 0
        await self._alert(mesh_id, found, one, other, term)
        return 1

    async def _alert(self, mesh_id: str, found: Dependency, one: TaskText, other: TaskText, term: int) -> None:
        log.info("🔗 Two tasks belong together", rule=found.rule, tasks=[one.task_id, other.task_id])
        request = f"“{found.task1.title}” and “{found.task2.title}” touch the same thing; agree before you go on."
        data = {
            "mesh_id": mesh_id, "dependency": found.model_dump(), "request": request, "agents_involved": taking_part(one, other),
            "hops": 0, "term": term,
        }  # fmt: skip
        await self._service.parts.journal.say("dependency_alert", data)

    async def _open(self, term: int) -> None:
        """A session for each pair that was told of and has none."""
        service, board = self._service, self._service.parts.board
        mesh_id, judges = service.parts.control.mesh_id, service.judges()
        for key in [key for key in service.sessions.alerts if key[0] == mesh_id]:
            alert = service.sessions.alert(key, judges)
            sides = [text_of(task) for task_id in key[1:] if (task := board.tasks.get((key[0], task_id))) is not None]
            if alert is None or len(sides) < 2 or sides[0] is None or sides[1] is None:
                continue
            session_id = rules.session_id(sides[0], sides[1])
            if service.sessions.request(session_id, judges) is not None:
                continue
            found = alert.message.dependency
            data = {
                "session_id": session_id, "mesh_id": key[0], "kind": "dependency",
                "objective": f"“{found.task1.title}” and “{found.task2.title}”: {found.rule}", "dependency": found.model_dump(),
                "constraints": [f"{found.task1.repository} and {found.task2.repository} change apart from each other"],
                "participants": taking_part(sides[0], sides[1]), "term": term,
            }  # fmt: skip
            await service.parts.journal.say("coordination_request", data, thread_id=session_id)

    # ── ends ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _close(self, session: Session, term: int) -> None:
        """What a session comes to."""
        people = self._service.people()
        ended = self._both_ended(session)
        due = progress.due(session, self._service.age_s(session), both_ended=ended, is_person=people)
        if due == "resolve":
            moot = ended and progress.agreeing(session) < progress.needed(session)
            how = "both tasks have ended" if moot else "the participants agree"
            await self._complete(session, "resolved", how, term)
        elif due:
            await self._complete(session, "escalated", self._reason(due), term)
            await self._call_people(session, due)
        elif session.escalated is not None and session.resolved is None and not session.triggered:
            # Whoever led before said that it is escalated, and died before it called anybody.
            await self._call_people(session, "messages" if len(session.words) >= progress.MOST_WORDS else "time")

    def _both_ended(self, session: Session) -> bool:
        found, board = session.dependency, self._service.parts.board
        if found is None:
            return False
        tasks = [board.tasks.get((session.mesh_id, side.task_id)) for side in (found.task1, found.task2)]
        return all(task is not None and task.terminal for task in tasks)

    async def _complete(self, session: Session, outcome: str, resolution: str, term: int) -> None:
        data: dict[str, Any] = {
            "session_id": session.session_id, "mesh_id": session.mesh_id, "outcome": outcome, "resolution": resolution,
            "summary": self._summary(session), "term": term,
        }  # fmt: skip
        await self._service.parts.journal.say("coordination_complete", data, thread_id=session.session_id)

    async def _call_people(self, session: Session, cause: Literal["messages", "time"]) -> None:
        log.warning("🆘 A session needs a person", session=session.session_id, cause=cause)
        data = {
            "subject": "session", "subject_id": session.session_id, "thread_id": session.session_id, "cause": cause,
            "reason": self._reason(cause), "summary": self._summary(session), "participants": list(session.participants),
        }  # fmt: skip
        await self._service.parts.journal.say("escalation_trigger", data, thread_id=session.session_id)

    @staticmethod
    def _reason(cause: Literal["messages", "time"]) -> str:
        if cause == "messages":
            return f"{progress.MOST_WORDS} messages without agreement"
        return f"no agreement within {progress.LONGEST_S / 60:.0f} minutes"

    def _summary(self, session: Session) -> str:
        name = self._service.parts.name
        said = [
            f"{name(w.author)}: {beginning(' '.join(w.message.message.split()), 200)}"
            for w in session.words[-progress.LAST :]
        ]
        return beginning("\n".join([session.objective, *said]), 4_000)


def text_of(task: Task) -> TaskText | None:
    """An open or running task as the rules see it; None when it has ended or its text is gone."""
    announced, held = task.announced, task.held
    if announced is None or announced.erased or task.terminal:
        return None
    spec = announced.spec
    return TaskText(
        task.key[1], spec.title, f"{spec.title}\n{spec.description}\n{spec.goal}", spec.repository or "", spec.project_id,
        announced.author, held.worker if held else "", announced.at_ms,
    )  # fmt: skip


def taking_part(one: TaskText, other: TaskText) -> list[str]:
    """Peer ids of those who work on the tasks, then of those who asked for them."""
    first, second = rules.in_order(one, other)
    peers = (first.holder, second.holder, first.announcer, second.announcer)
    return list(dict.fromkeys(peer for peer in peers if peer))[:PARTICIPANTS]
