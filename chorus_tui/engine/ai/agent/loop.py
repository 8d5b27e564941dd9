"""The loop: ask for an action, carry it out, show what came of it, until the goal is said to be reached or a bound ends it.

Nothing but the conversation is kept between steps. A model's word is never believed beyond what it says: that it has
finished is a claim, which the task's checks show or refute afterwards.
"""

from __future__ import annotations

import trio

from chorus_tui.engine.ai.agent import actions, wording
from chorus_tui.engine.ai.agent.actions import Action, BadAction
from chorus_tui.engine.ai.agent.budget import Purse, Resource, counted
from chorus_tui.engine.ai.agent.conversation import Conversation, bounded, size_of
from chorus_tui.engine.ai.agent.interface import Assignment, LoopEnd, Outcome, Outside, Shell
from chorus_tui.engine.ai.agent.transcript import Transcript
from chorus_tui.engine.ai.interface import AiError, Answer, Ask, Models

COMMAND_S = 600.0
"""A single command may take so long, and never longer than the task has left."""
_REPAIRS = 1
_SMALLEST_SHOWN = 6_000
_ECHOED = 2_000
"""Bytes of an answer that was no action, shown to the model again."""


class Loop:
    """One agent at work. Used once."""

    def __init__(
        self, given: Assignment, models: Models, shell: Shell, outside: Outside, transcript: Transcript
    ) -> None:  # fmt: skip
        self._given = given
        self._models = models
        self._shell = shell
        self._outside = outside
        self._transcript = transcript
        self._purse = Purse(given.allowance)
        self._talk = Conversation()
        self._answered: dict[str, None] = {}
        self._began = trio.current_time()
        self._bad = 0

    @property
    def seconds(self) -> float:
        """Wall time without pauses."""
        return trio.current_time() - self._began

    async def run(self) -> LoopEnd:
        """To the end. What the sandbox raises when it is lost comes through."""
        self._open()
        while True:
            gate = await self._outside.gate()
            self._began += gate.paused_s
            if gate.stopped:
                return self._end("failed", "stopped", gate.reason)
            self._hear()
            spent = self._purse.exhausted(size_of(self._talk.shown()), self.seconds)
            if spent is not None:
                return self._exhausted(spent)
            end = await self._step()
            if end is not None:
                return end

    def cut_short(self, reason: str, detail: str) -> LoopEnd:
        """The end of a loop whose sandbox was lost."""
        return LoopEnd("error", reason, detail, "", self._purse, tuple(self._answered))

    def _open(self) -> None:
        system = f"{self._given.system.strip()}\n\n{wording.instructions()}".strip()
        goal = wording.assignment(self._given)
        self._talk.say("system", system)
        for turn in wording.examples():
            self._talk.say(turn.role, turn.content)
        self._talk.say("user", goal)
        self._transcript.add("system", 0, system)
        self._transcript.add("goal", 0, goal)

    def _hear(self) -> None:
        words = self._outside.words()
        if words:
            text = wording.heard(words)
            self._talk.say("user", text)
            self._transcript.add("word", self._purse.steps, text)

    async def _step(self) -> LoopEnd | None:
        try:
            answer = await self._ask()
        except AiError as error:
            return await self._no_answer(error)
        if answer is None:
            return self._exhausted("time")
        self._transcript.add(
            "answer", self._purse.steps, answer.text, model=answer.model, provider=answer.provider,
            seconds=round(answer.seconds, 3), prompt_tokens=answer.usage.prompt, answer_tokens=answer.usage.completion,
        )  # fmt: skip
        try:
            action = actions.parse(answer.text)
        except BadAction as error:
            return await self._repair(answer.text, str(error))
        self._bad = 0
        self._talk.say("assistant", answer.text)
        await self._shell.note(_headline(self._purse, action))
        return await self._carry_out(action)

    async def _ask(self) -> Answer | None:
        """The model's answer, paid for; None when the time ran out over it."""
        shown = self._talk.shown()
        size = size_of(shown)
        ask = Ask(
            shown, actions.schema(), self._purse.answer_tokens(size), role=self._given.role, kind=self._given.kind
        )
        with trio.move_on_after(self._given.allowance.seconds - self.seconds):
            answer = await self._models.ask(ask)
            self._purse.spend(counted(answer.usage, size, answer.text))
            self._answered[f"{answer.provider}/{answer.model}"] = None
            await self._outside.spent(self._purse)
            return answer
        return None

    async def _no_answer(self, error: AiError) -> LoopEnd | None:
        """A try that failed costs a step too: nothing here goes on for ever."""
        self._purse.spend(error.usage)
        await self._outside.spent(self._purse)
        self._transcript.add("no answer", self._purse.steps, str(error), reason=error.reason)
        if error.reason == "bad_answer":
            return await self._repair("", str(error))
        if error.reason == "context_too_long" and self._talk.most > _SMALLEST_SHOWN:
            self._talk.most //= 2
            return None
        return self._end("error", error.reason, str(error))

    async def _repair(self, said: str, why: str) -> LoopEnd | None:
        self._bad += 1
        if self._bad > _REPAIRS:
            return self._end("failed", "bad_model_output", f"the model answered twice with what is no action: {why}")
        await self._shell.note(f"── step {self._purse.steps} · no action: {why}")
        if said.strip():
            self._talk.say("assistant", bounded(self._transcript.redacted(said), _ECHOED))
        self._talk.say("user", wording.repair(why))
        self._transcript.add("repair", self._purse.steps, why)
        return None

    async def _carry_out(self, action: Action) -> LoopEnd | None:
        if action.name == "finish":
            return self._end("completed", "", "", summary=action.input)
        if action.name == "shell":
            result = await self._shell.shell(action.input, min(COMMAND_S, self._given.allowance.seconds - self.seconds))
            if result.ended_by == "flood":
                return self._end("failed", "output_flood", "a command wrote more output than anybody can keep")
            self._observe(wording.ran(result))
            return None
        if action.name == "announce_subtask" and self._given.allowance.depth < 1:
            return self._exhausted("depth")
        do = {
            "read_context": self._outside.read_context, "ask_help": self._outside.ask_help,
            "announce_subtask": self._outside.announce_subtask, "propose": self._outside.propose,
        }[action.name]  # fmt: skip
        told = await do(action.input)
        told = self._transcript.redacted(told)
        await self._shell.note(bounded(told, 500))
        self._observe(told)
        return None

    def _observe(self, text: str) -> None:
        self._talk.observe(self._purse.steps, self._transcript.redacted(text) + wording.hurry(self._purse))
        self._transcript.add("observation", self._purse.steps, text)

    def _exhausted(self, resource: Resource) -> LoopEnd:
        reason = "timeout" if resource == "time" else resource
        return self._end("budget_exhausted", reason, self._purse.in_words(resource, self.seconds))

    def _end(self, outcome: Outcome, reason: str, detail: str, *, summary: str = "") -> LoopEnd:
        self._transcript.add("end", self._purse.steps, summary or detail, outcome=outcome, reason=reason)
        return LoopEnd(outcome, reason, detail, summary, self._purse, tuple(self._answered))


def _headline(purse: Purse, action: Action) -> str:
    """What people watching see of a step."""
    head = f"── step {purse.steps} of {purse.allowance.steps} · {action.name}: {action.input.strip()}"
    thought = action.thought.strip()
    return f"{head}\n   {thought}" if thought else head
