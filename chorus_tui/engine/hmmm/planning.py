"""A plan before the work: the agent that was granted a task proposes how it will go about it, in the task's room.

It works when its plan is agreed, or when a person has answered an escalation of it. An objection is put before its model, which
makes another plan; after some of those a person is asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.bell import pause
from chorus_tui.engine.hmmm import escalation, prompts, rules
from chorus_tui.engine.hmmm.mouth import Mouth, Words, said_in
from chorus_tui.engine.hmmm.parts import Parts, Voice
from chorus_tui.engine.hmmm.rooms import Kinds, Rooms
from chorus_tui.engine.hmmm.rules import Proposal
from chorus_tui.engine.hmmm.thread import Line, Thread
from chorus_tui.engine.protocol.messages.rooms import MAX_HOPS
from chorus_tui.engine.shhh.cutting import beginning

MOST_PLANS = 3
LOOK_S = 0.5
Tell = Callable[[str], Awaitable[None]]


@dataclass(slots=True)
class _Discussion:
    """One plan on its way: its thread, the proposal in force, and how many there were."""

    issue_id: str
    thread_id: str
    spec: TaskSpec
    msg_id: str = ""
    plans: int = 0
    asked: bool = False


class Planner:
    """Of one agent with a model."""

    def __init__(self, parts: Parts, voice: Voice, rooms: Rooms, kinds: Kinds, mouth: Mouth) -> None:
        self._parts = parts
        self._voice = voice
        self._rooms = rooms
        self._kinds = kinds
        self._mouth = mouth

    async def agree(self, task_id: str, attempt: int, spec: TaskSpec, tell: Tell) -> tuple[str, str]:
        """(the plan that may be carried out, "") or ("", why there is none). Waits as long as the discussion does; ``tell``
        hears in words what it waits for. Cancelling it leaves the proposal in the room."""
        about = _Discussion(task_id, f"plan-{attempt}", spec)
        if not await self._propose(about, (), None, 0):
            return "", "its model made no plan"
        while True:
            thread = self._rooms.thread(about.issue_id, about.thread_id)
            line = thread.find(about.msg_id)
            if line is None:
                return "", "its plan was erased"
            proposal = rules.judge(thread, line)
            if proposal.state == "agreed":
                return line.said.message, ""
            word = self._answered(thread)
            if word:
                return f"{line.said.message}\n\nA person said of this plan:\n{word}", ""
            await self._answer_objections(about, thread, proposal)
            await tell(self._waiting_for(thread, proposal))
            await pause(LOOK_S)

    def _answered(self, thread: Thread) -> str:
        """What a person said that ended an escalation of it; empty while one stands or none was."""
        found = escalation.escalations(thread, self._kinds.person)
        if not found or any(one.ended is None for one in found):
            return ""
        return next((one.ended.said.message for one in reversed(found) if one.ended is not None), "")

    def _waiting_for(self, thread: Thread, proposal: Proposal) -> str:
        if escalation.standing(thread, self._kinds.person):
            return "its plan waits for a person's answer"
        return "its plan has objections" if proposal.standing else "its plan waits for objections"

    async def _answer_objections(self, about: _Discussion, thread: Thread, proposal: Proposal) -> None:
        """With another plan; with a call for a person when there were enough of them."""
        if not proposal.standing or about.asked or escalation.standing(thread, self._kinds.person):
            return
        hops = max(line.said.hop_count for line in proposal.standing) + 1
        last = proposal.standing[-1].said.msg_id
        if about.plans < MOST_PLANS and hops <= MAX_HOPS and await self._propose(about, proposal.standing, last, hops):
            return
        about.asked = True
        words = Words(
            "escalation", "No plan found that nobody objects to", intent="plan", hop_count=min(hops, MAX_HOPS)
        )
        await self._mouth.say(about.issue_id, about.thread_id, words, last)

    async def _propose(
        self, about: _Discussion, objections: tuple[Line, ...], parent_id: str | None, hops: int
    ) -> bool:
        name, spec = self._parts.control.name, about.spec
        thread = self._rooms.thread(about.issue_id, about.thread_id)
        task = {
            "title": spec.title,
            "goal": beginning(spec.goal, 8_000),
            "description": beginning(spec.description, 4_000),
            "checks": spec.checks,
        }
        material = prompts.material(thread, None, name, task=task, objections=prompts.objections(objections, name))
        plan = prompts.text_of(await self._voice.answer(prompts.PLAN, material, prompts.PLAN_SCHEMA), "plan")
        if not plan:
            return False
        extra = {"objection_s": self._parts.control.parameters["objection_s"]}
        words = Words("proposal", plan, intent="plan", hop_count=hops, extra=extra)
        entry = await self._mouth.say(about.issue_id, about.thread_id, words, parent_id)
        about.msg_id, about.plans = said_in(entry).msg_id, about.plans + 1
        return True
