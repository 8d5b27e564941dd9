"""The sentences an agent is told: its assignment, what came of a step, what was wrong with an answer. Pure.

They stand apart from the loop, because how well a model works hangs on every word of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from chorus_tui.engine.ai.agent.actions import MEANINGS
from chorus_tui.engine.ai.agent.budget import Purse
from chorus_tui.engine.ai.agent.interface import Assignment, Ran, Word
from chorus_tui.engine.ai.interface import Message
from chorus_tui.engine.ai.quoting import quoted

FEW_STEPS = 3
"""From so many steps left on the agent is told how many."""


@cache
def instructions() -> str:
    """How to answer; the same for every role."""
    text = files("chorus_tui.engine.ai.agent").joinpath("instructions.md").read_text(encoding="utf-8")
    actions = "\n".join(f"- {name}: {meaning}." for name, meaning in MEANINGS.items())
    return text.strip().replace("{actions}", actions)


@cache
def examples() -> tuple[Message, ...]:
    """A few short tasks done well: what small models learn the form of an answer from."""
    text = files("chorus_tui.engine.ai.agent").joinpath("examples.json").read_text(encoding="utf-8")
    turns = []
    for example in json.loads(text):
        turns.append(Message("user", f"Goal: {example['goal']}"))
        for step in example["steps"]:
            turns.append(Message("assistant", json.dumps(step["answer"], ensure_ascii=False)))
            if "observation" in step:
                turns.append(Message("user", step["observation"]))
    return tuple(turns)


def assignment(given: Assignment) -> str:
    """The first thing the agent is told. The goal stands last, as in the examples: small models go by what is nearest."""
    parts = []
    if given.description.strip():
        parts.append(f"About it: {given.description.strip()}")
    if given.files:
        parts.append(given.files)
    if given.advice:
        parts.append(f"An earlier try failed. What others advise:\n{heard(given.advice)}")
    if given.checks:
        checks = "\n".join(f"  {check}" for check in given.checks)
        parts.append(f"It is done when these commands end with 0 in a fresh copy of your work:\n{checks}")
    parts.append(f"Goal: {given.goal.strip()}")
    return "\n\n".join(parts)


def ran(result: Ran) -> str:
    """How a command ended."""
    if result.ended_by == "timeout":
        head = f"killed after {result.seconds:.0f} s: it took too long; all processes of the sandbox were ended"
    elif result.ended_by == "memory":
        head = "killed: the memory of the sandbox ran out"
    else:
        head = f"exit code {result.exit_code}"
    return f"{head}\n{result.output.rstrip()}" if result.output.strip() else f"{head}, no output"


def heard(words: Iterable[Word]) -> str:
    """What others said, a line each: whatever it holds, it speaks for nobody else."""
    return "\n".join(quoted(said(word)) for word in words)


def said(word: Word) -> dict[str, str]:
    """A word as the agent is shown it."""
    return {"from": word.who, "kind": word.kind, "says": word.text}


def hurry(purse: Purse) -> str:
    """A word when few steps are left; empty before."""
    left = purse.allowance.steps - purse.steps
    return f"\n({left} {'step is' if left == 1 else 'steps are'} left)" if 0 < left <= FEW_STEPS else ""


def repair(why: str) -> str:
    """After an answer that was no action."""
    return (
        f"That answer cannot be carried out: {why}. Answer with exactly one JSON object with the fields thought, action "
        "and input, and nothing else."
    )
