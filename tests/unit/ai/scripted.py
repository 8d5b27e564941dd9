"""Models that answer from a list, and a sandbox and a world that remember: for the rules of the loop alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import trio

from chorus_tui.engine.ai.agent.interface import Gate, Word
from chorus_tui.engine.ai.interface import AiError, Answer, Ask, ProviderHealth, Usage


def action(name: str, text: str) -> str:
    """An answer as a model gives it."""
    return json.dumps({"thought": "t", "action": name, "input": text})


@dataclass
class Script:
    """Answers in order; the last one again and again. An exception among them is raised; a number is seconds of silence."""

    answers: list[str | AiError | float]
    usage: Usage = field(default_factory=lambda: Usage(100, 10))
    asked: list[Ask] = field(default_factory=list)
    available: bool = True

    async def ask(self, ask: Ask, on_text: Callable | None = None) -> Answer:
        self.asked.append(ask)
        said = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(said, float):
            await trio.sleep(said)
        if isinstance(said, AiError):
            raise said
        return Answer(str(said), "m", "p", self.usage, "stop", 0.1)

    def health(self) -> tuple[ProviderHealth, ...]:
        return ()

    def names(self) -> tuple[str, ...]:
        return ("m",)


@dataclass
class Ran:
    """One command's end."""

    exit_code: int = 0
    output: str = ""
    seconds: float = 0.1
    ended_by: str = ""


@dataclass
class Sandbox:
    """Answers every command with the same end."""

    result: Ran = field(default_factory=Ran)
    commands: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    async def shell(self, command: str, timeout_s: float) -> Ran:
        assert timeout_s > 0
        self.commands.append(command)
        await trio.lowlevel.checkpoint()
        return self.result

    async def note(self, text: str) -> None:
        self.notes.append(text)


@dataclass
class World:
    """Everybody else. ``gates`` are taken in order, then the way is free."""

    gates: list[Gate] = field(default_factory=list)
    waiting: list[Word] = field(default_factory=list)
    did: list[tuple[str, str]] = field(default_factory=list)
    answer: str = ""
    """What comes of asking; by default that it was noted."""

    async def read_context(self, query: str) -> str:
        return self._note("read_context", query)

    async def ask_help(self, question: str) -> str:
        return self._note("ask_help", question)

    async def announce_subtask(self, goal: str) -> str:
        return self._note("announce_subtask", goal)

    async def propose(self, text: str) -> str:
        return self._note("propose", text)

    def _note(self, what: str, text: str) -> str:
        self.did.append((what, text))
        return self.answer or f"{what}: noted"

    def words(self) -> list[Word]:
        words, self.waiting = self.waiting, []
        return words

    async def gate(self) -> Gate:
        gate = self.gates.pop(0) if self.gates else Gate()
        if gate.paused_s:
            await trio.sleep(gate.paused_s)
        return gate

    async def spent(self, purse: object) -> None:
        await trio.lowlevel.checkpoint()
