"""What an agent may answer: one thought, one action, one input. Pure.

One flat object of three bounded texts, whatever the action: small models follow it, and every provider's way of holding
an answer to a schema understands it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, get_args

from chorus_tui.engine.shhh.cutting import beginning

Name = Literal["shell", "read_context", "ask_help", "announce_subtask", "propose", "finish"]
NAMES: tuple[Name, ...] = get_args(Name)

THOUGHT = 2_000
INPUT = 8_000
"""Characters at most; a longer answer is refused, not cut: half a command is another command."""

MEANINGS: dict[Name, str] = {
    "shell": "run input as a shell command in /workspace/data; each command starts anew there",
    "read_context": "look input up in what is known of this task, its thread and the tasks it depends on",
    "ask_help": "ask people and other agents what input says; go on meanwhile, the answer comes when it comes",
    "announce_subtask": "announce input as the goal of a task of its own, for another agent; its first line is the title",
    "propose": "put what input says to the others in the task's thread",
    "finish": "end the work; input says in a few sentences what was done",
}
"""For the model; a line each."""


@dataclass(frozen=True, slots=True)
class Action:
    """One answer, understood."""

    thought: str
    name: Name
    input: str


class BadAction(ValueError):
    """An answer that is no action. ``str()`` tells the model what is wrong with it."""


def schema() -> dict[str, Any]:
    """JSON schema of an answer."""
    return {
        "type": "object",
        "properties": {
            "thought": {"type": "string", "maxLength": THOUGHT},
            "action": {"type": "string", "enum": list(NAMES)},
            "input": {"type": "string", "minLength": 1, "maxLength": INPUT},
        },
        "required": ["thought", "action", "input"],
        "additionalProperties": False,
    }


def parse(text: str) -> Action:
    """Understand an answer; raises :class:`BadAction`. Fields beyond the three are passed over."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadAction(f"it is no JSON ({error})") from None
    if not isinstance(value, dict):
        raise BadAction("it is no JSON object")
    thought = _text(value, "thought", THOUGHT, needed=False)
    name = _text(value, "action", 64, needed=True)
    if name not in NAMES:
        raise BadAction(f"action is {beginning(name, 40)!r}; it must be one of {', '.join(NAMES)}")
    return Action(thought, name, _text(value, "input", INPUT, needed=True))


def _text(value: dict[str, Any], field: str, most: int, *, needed: bool) -> str:
    text = value.get(field, "")
    if not isinstance(text, str):
        raise BadAction(f"{field} must be a text")
    if needed and not text.strip():
        raise BadAction(f"{field} is missing or empty")
    if len(text) > most:
        raise BadAction(f"{field} has {len(text)} characters; {most} are allowed")
    if "\0" in text:
        raise BadAction(f"{field} holds a NUL character")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise BadAction(
            f"{field} holds half a character, such as \\ud800: write the backslash twice if you mean the escape"
        )
    return text
