"""What the form of a new task offers, and where on it a fault of the task is shown. Pure."""

from __future__ import annotations

LANGUAGES = [
    ("shell", ""),
    ("Python", "python"),
    ("Node.js", "node"),
    ("Go", "go"),
    ("Rust", "rust"),
    ("Java", "java"),
    ("C / C++", "cpp"),
]
APPROVALS = [("not needed", "auto"), ("when risky", "risky"), ("always", "always")]
PRIORITIES = [(name, name) for name in ("low", "medium", "high", "urgent")]
KINDS = [("commands to run", "commands"), ("a goal, for an agent with a model", "goal")]
PLANS = [("no", "no"), ("yes", "yes")]
DELIVERIES = [("a patch", "patch"), ("a bundle", "bundle"), ("a pushed branch", "branch")]
ASKED = {
    "commands": "Commands, one a line, run in order until one fails",
    "goal": "Goal: what is to be reached, and what must not be touched",
}

PLACES = {
    "title": "task-title", "commands": "asked", "goal": "asked", "checks": "checks", "repository": "repository",
    "deliver": "deliver", "budget.steps": "steps", "budget.tokens": "tokens", "timeout_s": "timeout", "outputs": "outputs",
    "role": "role", "depends_on": "after", "approval": "approval", "language": "language", "priority": "priority",
    "plan_first": "plan-first",
}  # fmt: skip
"""The widget that a field of the task is typed into."""

_NAMES = {
    "timeout_s": "time limit", "outputs": "files to keep", "depends_on": "only after tasks", "deliver": "a change comes as",
    "budget.steps": "steps", "budget.tokens": "tokens",
}  # fmt: skip


def field_of(name: str) -> str:
    """The form's field for what an engine or the model calls ``spec.budget.steps`` or ``commands.0``."""
    parts = name.removeprefix("spec.").replace("[", ".").split(".")
    return ".".join(parts[:2]) if parts[0] == "budget" else parts[0]


def label(name: str) -> str:
    """A field's name as the form shows it."""
    field = field_of(name)
    return _NAMES.get(field, field)
