"""What the loop works with: a shell in a sandbox, and the world outside of it. Both are given; neither is made here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from chorus_tui.engine.ai.agent.budget import Allowance, Purse

Outcome = Literal["completed", "failed", "error", "budget_exhausted"]


class Ran(Protocol):
    """How a command ended; ``ended_by`` names what ended it when it did not end by itself."""

    @property
    def exit_code(self) -> int: ...

    @property
    def output(self) -> str: ...

    @property
    def seconds(self) -> float: ...

    @property
    def ended_by(self) -> Literal["", "timeout", "memory", "flood"]: ...


class Shell(Protocol):
    """The sandbox of the task. Losing it raises through the loop."""

    async def shell(self, command: str, timeout_s: float) -> Ran:
        """Run a command."""
        ...

    async def note(self, text: str) -> None:
        """A line of the loop's own among the output that people watch."""
        ...


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody said to the agent, with the name its verified signer goes by and as what the mesh knows it."""

    who: str
    kind: Literal["person", "agent"]
    text: str


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether to go on, after how many seconds of pause; ``reason`` says who stopped it and why."""

    stopped: bool = False
    paused_s: float = 0.0
    reason: str = ""


class Outside(Protocol):
    """What an agent does beyond its sandbox: each answers with what the agent is told, errors too."""

    async def read_context(self, query: str) -> str:
        """Look something up."""
        ...

    async def ask_help(self, question: str) -> str:
        """Ask others; their answers come as words."""
        ...

    async def announce_subtask(self, goal: str) -> str:
        """Announce a task one level below."""
        ...

    async def propose(self, text: str) -> str:
        """Put something to the others."""
        ...

    def words(self) -> list[Word]:
        """What was said to the agent since the last call."""
        ...

    async def gate(self) -> Gate:
        """Before each step: waits while the work is paused."""
        ...

    async def spent(self, purse: Purse) -> None:
        """Told after each answer."""
        ...


@dataclass(frozen=True, slots=True)
class Assignment:
    """What an agent is to reach and how it is led there. ``system`` is its system prompt, roles and all."""

    title: str
    goal: str
    system: str
    allowance: Allowance
    description: str = ""
    checks: tuple[str, ...] = ()
    role: str = ""
    kind: str = ""
    files: str = ""
    """In words: what lies in /workspace/data."""
    advice: tuple[Word, ...] = ()
    """What others say to do differently from an earlier try."""


@dataclass(frozen=True, slots=True)
class LoopEnd:
    """How it ended, and what it cost. ``models`` are those that answered, as provider/model."""

    outcome: Outcome
    reason: str
    detail: str
    summary: str
    purse: Purse
    models: tuple[str, ...]
