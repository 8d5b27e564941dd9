"""This peer's model answers, when it is its turn; or passes a question on to those who know better."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from chorus_tui.engine.assistance import rules, wording
from chorus_tui.engine.assistance.requests import Question
from chorus_tui.engine.assistance.wording import Said
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.vault.interface import CannotSeal

if TYPE_CHECKING:
    from chorus_tui.engine.assistance.service import AssistanceService

log = structlog.get_logger("chorus.assistance.answering")

TRIES = 2
"""Times the model is asked one question: it may have been down."""


class Answering:
    """Runs on every peer; does nothing without a voice."""

    def __init__(self, service: AssistanceService) -> None:
        self._service = service
        self._tried: dict[str, int] = {}

    async def round(self) -> None:
        """Every question that waits for this peer, one after the other."""
        voice = self._service.parts.voice
        for question in list(self._service.requests.questions.values()):
            if (
                voice is not None
                and voice.available
                and self._tried.get(question.hash, 0) < TRIES
                and self._due(question)
            ):
                self._tried[question.hash] = self._tried.get(question.hash, 0) + 1
                await self._answer(question)

    def _due(self, question: Question) -> bool:
        service = self._service
        age, me = service.age_s(question), service.parts.me
        asks = service.parts.control.may(question.author, "propose")
        if age > rules.STALE_S or question.author == me or not asks:
            return False
        replies = service.requests.replies_to(question.hash)
        return rules.due(question, replies, me, service.in_turn(question), age) and bool(service.text(question))

    async def _answer(self, question: Question) -> None:
        service, parts = self._service, self._service.parts
        assert parts.voice is not None
        areas = sorted({area for one in service.helpers() if one.peer_id != parts.me for area in one.expertise})
        shown = wording.material(
            question, service.text(question), service.spec(question), parts.name(question.author), areas,
            service.requests.replies_to(question.hash),
        )  # fmt: skip
        answer = await parts.voice.answer(wording.INSTRUCTIONS[question.kind], shown, wording.SCHEMA, wording.TOKENS)
        said = wording.read(answer)
        if said is None or not self._due(question):
            return
        await self.say(question, said)
        if not said.can_help:
            await self._pass_on(question, said.pass_to)

    async def say(self, question: Question, said: Said, on_behalf_of: str = "") -> None:
        """Put an answer under a question, in the form that its kind has. Raises ``Refused``."""
        parts = self._service.parts
        member = parts.control.members.get(parts.me)
        expertise = list(member.expertise)[:32] if member is not None else []
        where = {"task_id": question.task[1], "mesh_id": question.task[0]} if question.task else {}
        base: dict[str, Any] = {"request": question.hash, **where, "on_behalf_of": on_behalf_of}
        log.info("💡 Answers a question", kind=question.kind, can_help=said.can_help)
        if question.kind == "help":
            data = {**base, "can_help": said.can_help, "answer": said.text, "capabilities": expertise}
            await parts.journal.say("task_help_response", data)
        elif question.kind == "mentorship":
            await parts.journal.say("mentorship_response", {**base, "accepted": said.can_help, "advice": said.text})
        else:
            data = {**base, "can_help": said.can_help, "expertise": expertise, **self._worded(question, said.text)}
            await parts.journal.say("expertise_response", data, to_roles=list(question.to_roles) or None)

    def _worded(self, question: Question, text: str) -> dict[str, str]:
        """The answer in clear, or sealed as the question was: for its roles and for whoever asked."""
        if not question.sealed or not text:
            return {"answer": text}
        sealing = self._service.parts.sealing
        if sealing is None:
            raise Refused("the question is restricted, and this peer cannot seal an answer")
        try:
            return {"sealed": sealing.seal({"text": text}, question.to_roles, [question.author])}
        except CannotSeal as error:
            raise Refused(str(error)) from error

    async def _pass_on(self, question: Question, area: str) -> None:
        service, parts = self._service, self._service.parts
        named = topics.part(area) if area else ""
        if not rules.may_pass_on(question, named, service.helpers(), parts.me):
            return
        if service.requests.passed_to(question.hash, named):
            return
        where = {"task_id": question.task[1], "mesh_id": question.task[0]} if question.task else {}
        data = {
            "expertise": [named], "question": question.text, "urgency": question.urgency, "hops": question.hops + 1,
            "origin": question.hash, **where,
        }  # fmt: skip
        await service.seeking.put("expertise_request", data, named)
