"""What of the rooms waits for this peer's person: escalations, questions, proposals that are still open to objection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chorus_tui.contract.models import hmmm as models
from chorus_tui.contract.models.inbox import InboxItem, Priority
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.hmmm import escalation, rules, turns
from chorus_tui.engine.hmmm.rooms import Where
from chorus_tui.engine.hmmm.thread import Line, Thread
from chorus_tui.engine.hmmm.turns import Speaker
from chorus_tui.engine.shhh.cutting import beginning

if TYPE_CHECKING:
    from chorus_tui.engine.hmmm.service import HmmmService

OBJECT, AGREE = "object", "agree"
SETTLED = "It was answered, or has ended."


class Waiting:
    """Gives items to the inbox, and brings answers back; see :class:`chorus_tui.engine.inbox.interface.Source`."""

    kinds = frozenset({"escalation", "question", "objection"})

    def __init__(self, service: HmmmService) -> None:
        self._service = service
        self._known: dict[Where, tuple[Thread, int, list[InboxItem]]] = {}
        """What each thread gave when it had so many messages: nothing of it changes with time alone."""
        service.parts.control.on_change(self._known.clear)

    def waiting(self) -> list[InboxItem]:
        """Now. Nothing on an agent's engine."""
        return self._waiting_for(self._service.parts.me) if self._service.kinds.person(self._service.parts.me) else []

    def _waiting_for(self, me: str) -> list[InboxItem]:
        """Of one person."""
        found: list[InboxItem] = []
        for where, thread in self._service.rooms.threads.items():
            size = len(thread.lines) + len(thread.raised)
            known = self._known.get(where)
            if known is None or known[0] is not thread or known[1] != size:
                known = (thread, size, self._of(thread, me) if thread.lines else [])
                self._known[where] = known
            found += known[2]
        return found

    def _of(self, thread: Thread, me: str) -> list[InboxItem]:
        parts = self._service.parts
        speaker = Speaker(me, parts.agent_id, parts.role, parts.expertise)
        return [
            *(self._escalation(thread, one) for one in escalation.standing(thread, self._service.kinds.person)),
            *(self._question(thread, line) for line in rules.unanswered(thread) if _asked(thread, line, speaker)),
            *(self._proposal(thread, one) for one in rules.proposals(thread) if _open_to(thread, one, speaker)),
        ]

    def _item(self, kind: Any, thread: Thread, line: Line, item_id: str, purpose: str, **more: Any) -> InboxItem:
        name = self._service.parts.control.name
        title = beginning((line.said.message.strip().splitlines() or [""])[0], 100)
        base: dict[str, Any] = {"title": title, "since": line.at_ms / 1000, "priority": line.said.priority} | more
        return InboxItem(
            item_id=f"{kind}:{item_id}", kind=kind, subject_id=f"{thread.issue_id}/{thread.thread_id}", purpose=purpose,
            asked_by=line.author, asked_by_name=name(line.author), **base,
        )  # fmt: skip

    def _escalation(self, thread: Thread, one: escalation.Escalation) -> InboxItem:
        first = thread.in_order()[0]
        words = escalation.WORDS.get(one.first.said.cause, one.first.said.cause)
        priority: Priority = "urgent" if first.said.priority == "urgent" else "high"
        return self._item(
            "escalation", thread, first, one.key, beginning(f"A person is needed: {words}", 200), words="needed", priority=priority,
            since=one.first.at_ms / 1000,
            command=f"chorus-tui hmmm answer {thread.issue_id} {thread.thread_id} TEXT",
        )  # fmt: skip

    def _question(self, thread: Thread, line: Line) -> InboxItem:
        command = f"chorus-tui hmmm reply {line.said.msg_id} TEXT"
        return self._item(
            "question", thread, line, line.said.msg_id, "A question without an answer", words="needed", command=command
        )

    def _proposal(self, thread: Thread, proposal: rules.Proposal) -> InboxItem:
        line = proposal.line
        return self._item(
            "objection", thread, line, line.said.msg_id, "Agreed unless somebody objects", choices=[OBJECT, AGREE],
            expires_at=proposal.closes_at_ms / 1000, command=f"chorus-tui hmmm object {line.said.msg_id} REASON",
        )  # fmt: skip

    async def answer(self, item: InboxItem, choice: str, text: str, caller: Any) -> str:
        """A person's answer; what came of it, in words. Raises :class:`Problem`."""
        if item.item_id not in {one.item_id for one in self.waiting()}:
            raise Problem(409, "ended", "Nobody waits for this any more", SETTLED)
        ask, name = self._service.operations, item.item_id.partition(":")[2]
        if item.kind == "escalation":
            issue_id, _, thread_id = item.subject_id.partition("/")
            await ask.answer(
                models.AnswerEscalation(issue_id=issue_id, thread_id=thread_id, message=_needed(text)), caller
            )
            return "Answered; agents may speak there again"
        if item.kind == "question":
            await ask.reply(models.Reply(msg_id=name, message=_needed(text)), caller)
            return "Answered"
        if choice == OBJECT:
            await ask.object(models.Object(msg_id=name, reason=_needed(text)), caller)
            return "Objected; it is not agreed while your objection stands"
        await ask.agree(models.Agree(msg_id=name, message=text), caller)
        return "You agree; it is closed when nobody objects"


def _asked(thread: Thread, line: Line, me: Speaker) -> bool:
    return line.author != me.peer_id and not line.hidden and turns.addressed(thread, line, me)


def _open_to(thread: Thread, proposal: rules.Proposal, me: Speaker) -> bool:
    """Whether this person may still object, and has said neither yes nor no."""
    line = proposal.line
    if proposal.state not in ("open", "reopened") or proposal.standing or line.hidden or line.author == me.peer_id:
        return False
    judged = any(
        one.author == me.peer_id and one.said.type in ("objection", "agreement") for one in thread.replies(line)
    )
    takes_part = any(one.author == me.peer_id for one in thread.lines.values())
    return not judged and (takes_part or turns.addressed(thread, line, me))


def _needed(text: str) -> str:
    if not text.strip():
        raise Problem(422, "invalid", "Words are needed", "", {"text": "say what is to be done, or why"})
    return text
