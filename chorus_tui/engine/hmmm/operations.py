"""What callers can ask of the rooms: look, and say. Errors name the field and the way out."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import trio

from chorus_tui.contract.models import hmmm as models
from chorus_tui.contract.problem import Problem, invalid, not_found
from chorus_tui.engine.behalf import person
from chorus_tui.engine.hmmm import escalation, rules, templates
from chorus_tui.engine.hmmm.mouth import Words, said_in
from chorus_tui.engine.hmmm.thread import Line, Thread
from chorus_tui.engine.journal.flow import OverQuota
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.vault.interface import CannotSeal

if TYPE_CHECKING:
    from chorus_tui.engine.hmmm.service import HmmmService

_MARKER = re.compile(r"\[REDACTED:([a-z-]+):[0-9a-f]+\]")
_MOST_ENDED = 16


class Operations:
    """Of one peer's rooms."""

    def __init__(self, service: HmmmService) -> None:
        self._service = service
        self._parts = service.parts

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """By operation name."""
        return {
            "hmmm.rooms": self.rooms, "hmmm.show": self.show, "hmmm.send": self.send, "hmmm.reply": self.reply,
            "hmmm.query": self.query, "hmmm.propose": self.propose, "hmmm.object": self.object, "hmmm.agree": self.agree,
            "hmmm.escalate": self.escalate, "hmmm.answer": self.answer, "hmmm.preview": self.preview,
            "hmmm.templates": self.templates, "hmmm.save_template": self.save_template,
        }  # fmt: skip

    # ── looking ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def rooms(self, request: models.ListRooms, _caller: Any) -> models.RoomList:
        """Threads of all rooms, or of one."""
        return models.RoomList(threads=self._service.views.rows(request.issue_id, request.limit))

    async def show(self, request: models.ShowThread, _caller: Any) -> models.ThreadView:
        """A thread, listened to live for a while because somebody looks."""
        thread = self._thread(request.issue_id, request.thread_id)
        self._service.looked_at(request.issue_id)
        return self._service.views.show(thread)

    def _thread(self, issue_id: str, thread_id: str) -> Thread:
        """One that is there; without an id the room's newest."""
        rows = [row for row in self._service.views.rows(issue_id, 1000) if row.issue_id == issue_id]
        if thread_id:
            rows = [row for row in rows if row.thread_id == thread_id]
        if not rows:
            what, name = ("thread", f"{issue_id}/{thread_id}") if thread_id else ("room", issue_id)
            raise not_found(what, name, "'chorus-tui hmmm rooms' lists all that was said in")
        newest = max(rows, key=lambda row: row.last_at)
        return self._service.rooms.thread(newest.issue_id, newest.thread_id)

    async def preview(self, request: models.Preview, _caller: Any) -> models.Previewed:
        """The words as others will read them, and what the redactor takes out."""
        before = Counter(_MARKER.findall(request.message + request.reasoning))
        message, reasoning = self._parts.redact(request.message), self._parts.redact(request.reasoning)
        found = Counter(_MARKER.findall(message + reasoning)) - before
        return models.Previewed(message=message, reasoning=reasoning, found=dict(found))

    async def templates(self, _request: Any, _caller: Any) -> models.Templates:
        """Those of CHORUS_TEMPLATES_DIR."""
        return await trio.to_thread.run_sync(templates.load, self._parts.templates_dir)

    async def save_template(self, request: models.Template, _caller: Any) -> models.Templates:
        """Keep one; all there are then."""
        clean = request.model_copy(
            update={"message": self._parts.redact(request.message), "reasoning": self._parts.redact(request.reasoning)}
        )
        try:
            await trio.to_thread.run_sync(templates.save, self._parts.templates_dir, clean)
        except templates.NoFolder as error:
            raise Problem(409, "no-folder", "The template was not saved", str(error)) from error
        return await trio.to_thread.run_sync(templates.load, self._parts.templates_dir)

    # ── saying ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def send(self, request: models.Say, caller: Any) -> models.Said:
        """A discussion, a memo or an update."""
        return await self._open(request, request.type, caller)

    async def query(self, request: models.Query, caller: Any) -> models.Said:
        """A question."""
        return await self._open(request, "question", caller)

    async def propose(self, request: models.Propose, caller: Any) -> models.Said:
        """A proposal, with the mesh's time for objections."""
        extra = {"objection_s": self._parts.control.parameters["objection_s"], "decide": request.decide}
        return await self._open(request, "proposal", caller, extra)

    async def _open(
        self, request: models.Say, type_: str, caller: Any, extra: dict[str, Any] | None = None
    ) -> models.Said:
        if request.restricted and not request.to_roles:
            raise invalid({"to_roles": "name the roles that may read it, or leave restricted out"})
        words = _words(request, type_, caller, extra)
        return await self._say(request.issue_id, request.thread_id, words, None)

    async def reply(self, request: models.Reply, caller: Any) -> models.Said:
        """Under a message: an answer to a question, else a discussion, unless another kind is asked for."""
        thread, line = self._find(request.msg_id)
        if request.restricted and not request.to_roles:
            raise invalid({"to_roles": "name the roles that may read it, or leave restricted out"})
        type_ = request.type or ("answer" if line.said.type == "question" else "discussion")
        if type_ == "objection":
            self._proposal_of(thread, line)
        extra = {"objection_s": self._parts.control.parameters["objection_s"]} if type_ == "proposal" else None
        words = _sealed_as(line, _words(request, type_, caller, extra))
        return await self._say(thread.issue_id, thread.thread_id, words, line)

    async def object(self, request: models.Object, caller: Any) -> models.Said:
        """Against a proposal; against an agreed one too, which reopens it."""
        thread, line = self._find(request.msg_id)
        proposal = self._proposal_of(thread, line)
        words = Words("objection", request.reason, on_behalf_of=person(caller))
        return await self._say(thread.issue_id, thread.thread_id, _sealed_as(proposal, words), line)

    async def agree(self, request: models.Agree, caller: Any) -> models.Said:
        """With a proposal, or with an own objection, which is settled then."""
        thread, line = self._find(request.msg_id)
        if line.said.type == "objection" and line.author != self._parts.me:
            raise Problem(
                409, "not-yours", "The objection stands", "Only who raised it can settle it; reply to it instead."
            )
        if line.said.type not in ("proposal", "objection"):
            raise Problem(
                409, "no-proposal", "There is nothing to agree with", "Name a proposal, or your own objection."
            )
        words = _sealed_as(line, Words("agreement", request.message or "Agreed.", on_behalf_of=person(caller)))
        return await self._say(thread.issue_id, thread.thread_id, words, line)

    async def escalate(self, request: models.Escalate, caller: Any) -> models.Said:
        """Ask for a person."""
        thread = self._thread(request.issue_id, request.thread_id)
        words = Words("escalation", request.reason, on_behalf_of=person(caller))
        return await self._say(thread.issue_id, thread.thread_id, words, None)

    async def answer(self, request: models.AnswerEscalation, caller: Any) -> models.Said:
        """A person's word, which ends what waits for one."""
        thread = self._thread(request.issue_id, request.thread_id)
        if not self._service.kinds.person(self._parts.me):
            raise Problem(
                403,
                "not-a-person",
                "An escalation is ended by a person",
                "Answer from the portal or engine of a person.",
            )
        if not escalation.standing(thread, self._service.kinds.person):
            raise Problem(
                409, "none-waits", "Nothing waits for an answer in this thread", "It was answered, or never escalated."
            )
        words = Words("answer", request.message, on_behalf_of=person(caller))
        return await self._say(thread.issue_id, thread.thread_id, words, None)

    def _find(self, msg_id: str) -> tuple[Thread, Line]:
        found = self._service.rooms.find(msg_id)
        if not found:
            raise not_found("message", msg_id, "'chorus-tui hmmm show ROOM' prints the ids")
        if len({line.said.msg_id for _, line in found}) > 1:
            raise invalid({"msg_id": f"{len(found)} messages begin so; give more of it"})
        return min(found, key=lambda pair: pair[1].order)

    def _proposal_of(self, thread: Thread, line: Line) -> Line:
        """The proposal that is meant: the message itself, or the nearest above it."""
        proposal = line if line.said.type == "proposal" else rules.concerned(thread, line)
        if proposal is None:
            raise Problem(
                409, "no-proposal", "There is nothing to object to", "Name a proposal, or a message below one."
            )
        return proposal

    async def _say(self, issue_id: str, thread_id: str, words: Words, parent: Line | None) -> models.Said:
        parts, service = self._parts, self._service
        if parts.control.mesh_id is None:
            raise Problem(
                503, "no-mesh", "Nothing was said", f"This peer belongs to no mesh yet. {parts.control.detail}".strip()
            )
        if not parts.control.may(parts.me, "propose"):
            raise Problem(403, "authority", "Nothing was said", "This peer may only read; a master grants it more.")
        ends = self._ends(issue_id, thread_id, words.type)
        extra = {**(words.extra or {}), **({"ends": ends} if ends else {})}
        try:
            entry = await service.mouth.say(
                issue_id, thread_id, _with(words, extra), parent.said.msg_id if parent else None
            )
        except OverQuota:
            raise
        except CannotSeal as error:
            raise invalid({"to_roles": str(error)}) from error
        except Refused as error:
            raise invalid({"message": str(error)}) from error
        said = said_in(entry)
        return models.Said(
            issue_id=said.issue_id, thread_id=said.thread_id, msg_id=said.msg_id, hash=entry.hash,
            delivery=parts.journal.delivery(entry), ended=len(ends),
        )  # fmt: skip

    def _ends(self, issue_id: str, thread_id: str, type_: str) -> list[str]:
        """Escalations that a person's word ends here. Who called for somebody else goes on talking; only an answer ends that."""
        person, me = self._service.kinds.person, self._parts.me
        if not thread_id or not person(me) or type_ == "escalation":
            return []
        found = escalation.standing(self._service.rooms.thread(issue_id, thread_id), person)
        return [one.key for one in found if type_ == "answer" or one.first.author != me][:_MOST_ENDED]


def _sealed_as(line: Line, words: Words) -> Words:
    """What is said to sealed words is sealed too: to the same roles, unless others were named, and to who said them."""
    if not line.said.sealed and not words.restricted:
        return words
    roles = words.to_roles if words.restricted else tuple(line.said.to_roles)
    return dataclasses.replace(words, to_roles=roles, restricted=True, also=(line.author,))


def _words(request: models.Say | models.Reply, type_: str, caller: Any, extra: dict[str, Any] | None) -> Words:
    return Words(
        type_, request.message, request.reasoning, request.intent, tuple(one.model_dump() for one in request.citations),
        tuple(request.to_roles), request.restricted, request.priority, on_behalf_of=person(caller), extra=extra,
    )  # fmt: skip


def _with(words: Words, extra: dict[str, Any]) -> Words:
    return dataclasses.replace(words, extra=extra)
