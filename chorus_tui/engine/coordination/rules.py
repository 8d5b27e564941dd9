"""Which two tasks depend on each other: four rules over their words. Pure.

A rule is a line of a table, so that a mesh may add its own. Only tasks of different repositories are compared: within one
repository a change meets the other anyway. The order of the two does not matter, neither for whether a rule fires nor for the
names that are made of a pair.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.messages.talk import Dependency, TaskSide
from chorus_tui.engine.shhh.cutting import beginning

CONFIDENCE = 0.8
_PROJECT = 32
"""Characters of a project's name in the name of a session."""

Pair = tuple[str, str, str]
"""(mesh id, smaller task id, greater task id): one name for a pair, whichever is looked at first."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Fires when one text has a word of ``one`` and the other text a word of ``other``, either way round."""

    name: str
    one: tuple[str, ...]
    other: tuple[str, ...]
    relationship: str
    shared: str
    """What the two have to agree on."""


_DATABASE = ("database", "schema", "migration", "table")
_CONFIGURATION = ("config", "environment")
_SECURITY = ("security", "auth", "permission", "token", "encrypt")

RULES = (
    Rule("API_Contract", ("api",), ("implement",), "API_dependency", "the interface between them"),
    Rule("Database_Schema", _DATABASE, _DATABASE, "schema_dependency", "the shape of the data"),
    Rule("Configuration_Dependency", _CONFIGURATION, _CONFIGURATION, "config_dependency", "names and values of settings"),
    Rule("Security_Compliance", _SECURITY, _SECURITY, "security_dependency", "who may do what, and how that is shown"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TaskText:
    """What the rules see of a task. ``text`` is title, description and goal; ``at_ms`` when it was announced."""

    task_id: str
    title: str
    text: str
    repository: str
    project_id: str
    announcer: str
    holder: str
    at_ms: int


def pair(mesh_id: str, one: str, other: str) -> Pair:
    """The name of a pair of tasks."""
    return (mesh_id, min(one, other), max(one, other))


Marks = tuple[tuple[bool, bool], ...]
"""Of a text, for each rule: whether it has a word of ``one``, and a word of ``other``. Made once, compared often."""


def marks(text: str, rules: Iterable[Rule] = RULES) -> Marks:
    """Which words of which rules a text has, in any case."""
    low = text.casefold()
    return tuple((_has(low, rule.one), _has(low, rule.other)) for rule in rules)


def _has(text: str, words: tuple[str, ...]) -> bool:
    return any(word in text for word in words)


def fire(one: Marks, other: Marks) -> list[bool]:
    """Which rules see a dependency between two texts."""
    return [(a and d) or (b and c) for (a, b), (c, d) in zip(one, other, strict=True)]


def detect(one: TaskText, other: TaskText, rules: Sequence[Rule] = RULES) -> Dependency | None:
    """The dependency between two tasks, None without one. The first rule that fires names it; the reason names all."""
    first, second = in_order(one, other)
    if first.task_id == second.task_id or not _apart(first.repository, second.repository):
        return None
    seen = fire(marks(first.text, rules), marks(second.text, rules))
    fired = [rule for rule, fires in zip(rules, seen, strict=True) if fires]
    if not fired:
        return None
    names = ", ".join(rule.name for rule in fired)
    shared = "; ".join(rule.shared for rule in fired)
    return Dependency(
        task1=_side(first), task2=_side(second), rule=fired[0].name, relationship=fired[0].relationship, confidence=CONFIDENCE,
        reason=f"{names}: both speak of the same thing; to be agreed on: {shared}",
    )  # fmt: skip


def in_order(one: TaskText, other: TaskText) -> tuple[TaskText, TaskText]:
    """The task that was announced first, then the other; of two at once, by id."""
    first, second = sorted((one, other), key=lambda task: (task.at_ms, task.task_id))
    return first, second


def session_id(one: TaskText, other: TaskText) -> str:
    """The name of the one session of a pair: whoever is the admin makes the same of it.

    ``dep_<project>_<tasks>_<unix>``, with project and time of the task that was announced later.
    """
    first, second = in_order(one, other)
    project = topics.part(second.project_id or first.project_id or "none")[:_PROJECT]
    return f"dep_{project}_{first.task_id}-{second.task_id}_{second.at_ms // 1000}"


def _apart(one: str, other: str) -> bool:
    """Whether these are two repositories; a task without one is in none."""
    first, second = _named(one), _named(other)
    return bool(first) and bool(second) and first != second


def _named(repository: str) -> str:
    return repository.strip().casefold().rstrip("/").removesuffix(".git")


def _side(task: TaskText) -> TaskSide:
    return TaskSide(
        task_id=task.task_id, title=beginning(task.title, 200), project_id=task.project_id[:128], repository=task.repository[:1024],
        agent_id=(task.holder or task.announcer)[:128],
    )  # fmt: skip
