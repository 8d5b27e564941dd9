"""What this peer asks for its own work: a mentor after an attempt that failed, people when nobody helped in time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog

from chorus_tui.engine.assistance import rules
from chorus_tui.engine.assistance.requests import Question
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.shhh.cutting import beginning, ending
from chorus_tui.engine.tasks.advice import failed_before
from chorus_tui.engine.tasks.calls import of_member
from chorus_tui.engine.tasks.task import Grant, Task

if TYPE_CHECKING:
    from chorus_tui.engine.assistance.service import AssistanceService

log = structlog.get_logger("chorus.assistance.seeking")

_SAID = 1_500
_TRIED = 3_500
"""Characters of what was tried: its outcome and the end of its output."""
NOBODY = "no other agent here could be a mentor"


class Seeking:
    """Runs on every peer; asks for the work that was done here."""

    def __init__(self, service: AssistanceService) -> None:
        self._service = service

    async def round(self) -> None:
        """Everything that is due now."""
        await self._find_mentors()
        for question in list(self._service.requests.questions.values()):
            if question.author == self._service.parts.me:
                await self._own(question)

    async def put(self, type_: str, data: dict[str, Any], area: str, **optional: Any) -> str:
        """Ask those who know an area, on its topic; the hash of the question. What was joined only to ask is left again."""
        parts, topic = self._service.parts, topics.expertise(area)
        entry = await parts.journal.say(type_, data, topic=topic, required_expertise=[area], **optional)
        if topic not in of_member(parts.control.members.get(parts.me)):
            await parts.mesh.leave(topic)
        return entry.hash

    # ── a mentor ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _find_mentors(self) -> None:
        """For every task that tries again what failed here."""
        parts = self._service.parts
        asked = {one.task for one in self._service.requests.questions.values() if one.kind == "mentorship"}
        for task in parts.board.of_mesh(parts.control.mesh_id):
            before = failed_before(task, parts.board)
            if before is None or task.terminal or task.key in asked:
                continue
            old, grant = before
            announced = task.announced
            if grant.worker == parts.me and announced is not None:
                spec = announced.spec
                data = {
                    "subject": beginning(f"{spec.title}: {spec.goal}", 2_000), "expertise": spec.expertise,
                    "tried": tried(old, grant, parts.redact),
                    "task_id": task.key[1], "mesh_id": task.key[0],
                }  # fmt: skip
                log.info("🎓 Asks for a mentor", task_id=task.key[1])
                await parts.journal.say("mentorship_request", data)

    # ── own questions ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _own(self, question: Question) -> None:
        service = self._service
        age = service.age_s(question)
        if age > rules.STALE_S:
            return
        if question.kind == "mentorship" and question.task and not service.requests.replies_to(question.hash):
            await self._nobody(question, age)
        elif question.kind == "help":
            await self._call_people(question, age)

    async def _nobody(self, question: Question, age_s: float) -> None:
        """Who tries again need not wait for advice that nobody can give."""
        order = self._service.in_turn(question)
        assert question.task is not None
        if age_s < 1.0 or len(order) * rules.STEP_S > age_s:
            return
        data = {
            "request": question.hash, "accepted": False, "advice": NOBODY, "task_id": question.task[1], "mesh_id": question.task[0],
        }  # fmt: skip
        await self._service.parts.journal.say("mentorship_response", data)

    async def _call_people(self, question: Question, age_s: float) -> None:
        service, parts = self._service, self._service.parts
        assert question.task is not None
        task = parts.board.tasks.get(question.task)
        held = task.held if task is not None else None
        at_work = held is not None and (held.worker, held.attempt) == (parts.me, question.attempt)
        answers = service.requests.answers(question.hash)
        called = parts.me in service.requests.escalated.get(question.task[1], set()) or service.person_spoke(question)
        if task is None or not rules.unheard(question, answers, age_s, called=called, at_work=at_work):
            return
        announced = task.announced
        data = {
            "subject": "task", "subject_id": question.task[1], "thread_id": question.hash, "cause": "no_help",
            "reason": f"nobody answered within {rules.NO_HELP_S:.0f} s", "summary": beginning(question.text, 4_000),
            "to_role": announced.spec.role if announced is not None else "", "participants": [parts.me],
        }  # fmt: skip
        log.warning("🆘 Nobody has helped in time; people are called", task_id=question.task[1])
        try:
            await parts.journal.say("escalation_trigger", data)
        except Refused as error:
            log.warning("⚠️ People could not be called", reason=str(error))


def tried(old: Task, grant: Grant, redact: Callable[[str], str]) -> str:
    """What an attempt did, as far as it reported: how it ended, and the end of what it printed."""
    report = old.reports.get((grant.attempt, grant.worker))
    ended = f"{old.terminal}: {old.terminal_reason}"
    if report is None:
        return beginning(ended, _TRIED)
    result = report.result
    said = "\n".join(part for part in (ended, result.summary, result.detail) if part)
    return f"{beginning(said, _SAID)}\n{ending(result.output_tail, _TRIED - _SAID - 1, redact)}".strip()
