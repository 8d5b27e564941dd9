"""What an agent may spend and has spent. Pure.

The time of waiting for a person who paused the work does not count; everything else does. A budget is looked at before
it is spent: an answer is only asked for when it can be paid.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from chorus_tui.engine.ai.interface import Usage

ANSWER_TOKENS = 2_048
"""What an answer may take at most."""
LEAST_ANSWER = 128
"""Fewer tokens than that hold no useful action."""
BYTES_PER_TOKEN = 3
"""A cautious guess for prompts that no model has counted yet."""

Resource = Literal["steps", "tokens", "time", "depth"]


@dataclass(frozen=True, slots=True)
class Allowance:
    """The bounds of one attempt. ``seconds`` is wall time; ``depth`` levels of subtasks below this one."""

    steps: int
    tokens: int
    seconds: float
    depth: int


@dataclass(slots=True)
class Purse:
    """What is left. ``steps`` counts answers, also those that were no action."""

    allowance: Allowance
    steps: int = 0
    usage: Usage = field(default_factory=Usage)

    def spend(self, usage: Usage) -> None:
        """Count one answer."""
        self.steps += 1
        self.usage = self.usage + usage

    def answer_tokens(self, prompt_bytes: int) -> int:
        """How long the next answer may be when the prompt has this many bytes; 0: it cannot be paid."""
        left = self.allowance.tokens - self.usage.total - guess(prompt_bytes)
        return min(ANSWER_TOKENS, left) if left >= LEAST_ANSWER else 0

    def exhausted(self, prompt_bytes: int, seconds: float) -> Resource | None:
        """What is used up before the next answer."""
        if seconds >= self.allowance.seconds:
            return "time"
        if self.steps >= self.allowance.steps:
            return "steps"
        return None if self.answer_tokens(prompt_bytes) else "tokens"

    def in_words(self, resource: Resource, seconds: float) -> str:
        """What was used up, and what was spent."""
        allowed = {
            "steps": f"{self.allowance.steps} steps (budget.steps)",
            "tokens": f"{self.allowance.tokens} tokens (budget.tokens)",
            "time": f"{self.allowance.seconds:.0f} s (timeout_s)",
            "depth": f"{self.allowance.depth} levels of subtasks (budget.depth)",
        }[resource]
        return f"{allowed} used up; spent: {self.steps} steps, {self.usage.total} tokens, {seconds:.0f} s"


def guess(size: int) -> int:
    """Tokens of ``size`` bytes, guessed."""
    return -(-size // BYTES_PER_TOKEN)


def counted(usage: Usage, prompt_bytes: int, answer: str) -> Usage:
    """A provider's count, or our guess where it counted nothing: an uncounted answer is not free."""
    if usage.total:
        return usage
    return Usage(guess(prompt_bytes), guess(len(answer.encode())))
