"""The doors of assistance: what is asked, asking, answering; and what of it waits for a person."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from chorus_tui.contract.models import assistance as models
from chorus_tui.contract.models.inbox import InboxItem
from chorus_tui.contract.problem import Problem, invalid, not_found
from chorus_tui.engine.assistance import rules
from chorus_tui.engine.assistance.requests import Question
from chorus_tui.engine.assistance.wording import Said
from chorus_tui.engine.behalf import person
from chorus_tui.engine.journal.flow import OverQuota
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.shhh.cutting import beginning
from chorus_tui.engine.vault.interface import CannotSeal

if TYPE_CHECKING:
    from chorus_tui.engine.assistance.service import AssistanceService

MOST_LISTED = 200


class Doors:
    """Answers callers."""

    kinds = frozenset({"help", "question"})

    def __init__(self, service: AssistanceService) -> None:
        self._service = service

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """By operation name."""
        return {
            "assistance.requests": self.requests,
            "assistance.ask": self.ask,
            "assistance.answer": self.answer_question,
        }

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def requests(self, request: models.ListQuestions, _caller: Any) -> models.QuestionList:
        """Newest first; at most 200."""
        held = self._service.requests
        found = [q for q in held.questions.values() if request.everything or not held.answers(q.hash)]
        found.sort(key=lambda one: (-one.at_ms, one.hash))
        return models.QuestionList(questions=[self._view(one) for one in found[:MOST_LISTED]])

    def _view(self, question: Question) -> models.QuestionView:
        service, held, name = self._service, self._service.requests, self._service.parts.name
        task_id = question.task[1] if question.task else ""
        return models.QuestionView(
            request=question.hash, kind=question.kind, text=service.text(question), restricted=bool(question.sealed),
            expertise=list(question.expertise), to_roles=list(question.to_roles), by=question.author, name=name(question.author),
            at=question.at_ms / 1000, urgency=question.urgency, task_id=task_id, hops=question.hops,
            passed_on_from=question.origin,
            answers=[
                models.GivenAnswer(
                    by=one.author, name=name(one.author), at=one.at_ms / 1000, text=service.text(one), restricted=bool(one.sealed)
                )
                for one in held.answers(question.hash)
            ],
            declined=sum(not one.can_help for one in held.replies_to(question.hash)),
            called=question.kind == "help" and question.author in held.escalated.get(task_id, set()),
        )  # fmt: skip

    # ── asking and answering ───────────────────────────────────────────────────────────────────────────────────────

    async def ask(self, request: models.AskQuestion, caller: Any) -> models.QuestionView:
        """Put a question; its answers come as they are given."""
        self._may_speak()
        behalf = person(caller)
        data: dict[str, Any] = {"expertise": request.expertise, "on_behalf_of": behalf}
        if request.mentor:
            entry = await self._put(
                lambda: self._service.parts.journal.say("mentorship_request", {**data, "subject": request.question})
            )
            return self._view(self._find(entry.hash))
        data |= {"urgency": request.urgency, **self._worded(request)}
        area, roles = topics.part(request.expertise[0]), request.to_roles or None
        name = await self._put(lambda: self._service.seeking.put("expertise_request", data, area, to_roles=roles))
        return self._view(self._find(name))

    def _worded(self, request: models.AskQuestion) -> dict[str, str]:
        if not request.to_roles:
            return {"question": request.question}
        sealing = self._service.parts.sealing
        if sealing is None:
            raise Problem(409, "cannot-seal", "The question cannot be restricted", "This peer cannot seal anything.")
        try:
            return {"sealed": sealing.seal({"text": request.question}, request.to_roles)}
        except CannotSeal as error:
            raise invalid({"to_roles": str(error)}) from error

    async def answer_question(self, request: models.AnswerQuestion, caller: Any) -> models.QuestionView:
        """An answer of this peer's person, or of whoever holds its token."""
        self._may_speak()
        question = self._find(request.request)
        service, me = self._service, self._service.parts.me
        if question.author == me:
            raise Problem(409, "own-question", "This is the peer's own question", "Somebody else answers it.")
        if any(one.author == me for one in service.requests.replies_to(question.hash)):
            raise Problem(409, "answered", "This peer has answered already", "Its first answer counts.")
        if question.sealed and not service.text(question):
            raise Problem(
                403, "restricted", "The question is not for this peer", f"It is for {', '.join(question.to_roles)}."
            )
        said = Said(True, request.text, "")
        await self._put(lambda: service.answering.say(question, said, person(caller)))
        return self._view(question)

    def _find(self, begins: str) -> Question:
        held = self._service.requests.questions
        found = [held[begins]] if begins in held else [one for name, one in held.items() if name.startswith(begins)]
        if not found:
            raise not_found("question", begins, "See them: chorus-tui questions --all")
        if len(found) > 1:
            raise invalid({"request": f"{len(found)} questions begin so; give more of the id"})
        return found[0]

    def _may_speak(self) -> None:
        parts = self._service.parts
        if parts.control.mesh_id is None or not parts.control.may(parts.me, "propose"):
            raise Problem(403, "authority", "This peer may not speak here", "That needs the authority 'suggestion'.")

    @staticmethod
    async def _put(say: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await say()
        except OverQuota:
            raise
        except Refused as error:
            raise invalid({"text": str(error)}) from error

    # ── the inbox ──────────────────────────────────────────────────────────────────────────────────────────────────

    def waiting(self) -> list[InboxItem]:
        """Calls for help that nobody answered in time, and questions to this person's role or expertise."""
        held = self._service.requests
        open_ = [
            one
            for one in held.questions.values()
            if one.author != self._service.parts.me and not held.answers(one.hash)
        ]
        found = [self._called(one) for one in open_ if self._is_called(one)]
        found += [self._asked(one) for one in open_ if one.kind == "expertise" and self._for_me(one)]
        return sorted(found, key=lambda item: (item.since, item.item_id))

    def _is_called(self, question: Question) -> bool:
        """Only while its task goes on: afterwards help is no use."""
        service = self._service
        task = service.parts.board.tasks.get(question.task) if question.task else None
        called = question.kind == "help" and task is not None and not task.terminal
        called = called and question.author in service.requests.escalated.get((question.task or ("", ""))[1], set())
        return called and not service.person_spoke(question)

    def _for_me(self, question: Question) -> bool:
        member = self._service.parts.control.members.get(self._service.parts.me)
        if member is None or not self._service.text(question):
            return False
        areas = rules.knows(question.expertise, member.expertise)
        roles = not question.to_roles or rules.knows(question.to_roles, [member.role])
        return roles and (areas or bool(question.to_roles))

    def _called(self, question: Question) -> InboxItem:
        spec = self._service.spec(question)
        title = f"“{spec.title}” needs help" if spec is not None else "An agent needs help"
        return self._item(question, "help", title, "high")

    def _asked(self, question: Question) -> InboxItem:
        title = f"A question about {', '.join(question.expertise)}"
        return self._item(question, "question", title, question.urgency)

    def _item(self, question: Question, kind: Any, title: str, priority: Any) -> InboxItem:
        return InboxItem(
            item_id=f"{kind}:{question.hash}", kind=kind, subject_id=question.hash, title=title,
            purpose=beginning(" ".join(self._service.text(question).split()), 300), priority=priority, since=question.at_ms / 1000,
            asked_by=question.author, asked_by_name=self._service.parts.name(question.author), words="needed",
            command=f"chorus-tui answer {question.hash[:12]} TEXT",
        )  # fmt: skip

    async def answer(self, item: InboxItem, choice: str, text: str, caller: Any) -> str:
        """A person's words become an answer. Raises :class:`Problem`."""
        if choice:
            raise invalid({"choice": "there is nothing to choose; answer in words"})
        if not text.strip():
            raise invalid({"text": "say what would help"})
        if self._service.requests.answers(item.subject_id):
            raise Problem(409, "answered", "Somebody has answered before", "See it: chorus-tui questions --all")
        await self.answer_question(models.AnswerQuestion(request=item.subject_id, text=beginning(text, 4_000)), caller)
        return "Answered; whoever asked reads it"
