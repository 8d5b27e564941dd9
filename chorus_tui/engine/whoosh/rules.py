"""What an assignment may say, and how it stands above the environment. Pure.

An assignment that breaks one rule counts nowhere: half of one could leave an agent with a role but not with its peers. What it
leaves out, or gives as null, stays as the environment has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chorus_tui.engine.settings import ID, MULTIADDR, Settings

LARGEST: Final = 64 * 1024
"""Bytes of an assignment at most."""
LONGEST_STAGGER_MS: Final = 10 * 60 * 1000
FIRST_PAUSE_S: Final = 5.0
LONGEST_PAUSE_S: Final = 300.0

Line = r"^[^\x00-\x1f\x7f]*$"
_Id = Annotated[str, Field(pattern=f"^{ID.pattern}$")]
_Area = Annotated[str, Field(min_length=1, max_length=64, pattern=Line)]
_Address = Annotated[str, Field(max_length=512, pattern=f"^{MULTIADDR.pattern}$")]
_VARIABLES = {
    "agent_id": "CHORUS_AGENT_ID", "role": "CHORUS_AGENT_ROLE", "expertise": "CHORUS_AGENT_EXPERTISE",
    "reports_to": "CHORUS_AGENT_REPORTS_TO", "max_tasks": "CHORUS_AGENT_MAX_TASKS", "bootstrap_peers": "CHORUS_BOOTSTRAP_PEERS",
}  # fmt: skip


class Unusable(Exception):
    """The assignment does not count. The text names the field and what would be right."""


class Assignment(BaseModel):
    """The original's seven fields; None: it says nothing of that. ``join_stagger_ms`` is waited before the first dial."""

    model_config = ConfigDict(frozen=True, strict=True)

    agent_id: _Id | None = None
    role: str | None = Field(default=None, max_length=64, pattern=Line)
    expertise: list[_Area] | None = Field(default=None, max_length=32)
    reports_to: str | None = Field(default=None, pattern=f"^({ID.pattern})?$")
    max_tasks: int | None = Field(default=None, ge=0, le=1000)
    bootstrap_peers: list[_Address] | None = Field(default=None, max_length=64)
    join_stagger_ms: int | None = Field(default=None, ge=0, le=LONGEST_STAGGER_MS)


@dataclass(frozen=True, slots=True)
class Reading:
    """One document: what it assigns, and keys that nobody knows."""

    assignment: Assignment
    unknown: tuple[str, ...]


def read(document: Mapping[str, Any]) -> Reading:
    """Raises :class:`Unusable`."""
    unknown = tuple(sorted(str(key)[:64] for key in document.keys() - Assignment.model_fields.keys()))
    try:
        return Reading(Assignment.model_validate(dict(document)), unknown[:16])
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Unusable(f"{where}: {first['msg']}") from None


def over(settings: Settings, assignment: Assignment) -> Settings:
    """The settings under an assignment. What it says counts as given, so that no role's default stands above it."""
    said: dict[str, Any] = assignment.model_dump(exclude_none=True, include=set(_VARIABLES))
    fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in said.items()}
    return replace(settings, **fields, given=settings.given | {_VARIABLES[name] for name in said})


def stagger_s(assignment: Assignment) -> float:
    """Seconds to wait before the first dial."""
    return (assignment.join_stagger_ms or 0) / 1000


def pause_s(asked: int) -> tuple[float, float]:
    """Least and most seconds before a WHOOSH that was away at the start is asked once more, after ``asked`` questions without an
    answer. Between the two chance decides, so that a fleet that was started at once does not ask at once."""
    most = min(FIRST_PAUSE_S * 2.0 ** min(asked, 16), LONGEST_PAUSE_S)
    return most / 2, most


def assigned_variables(settings: Settings, assignment: Assignment) -> dict[str, Any]:
    """What an assignment sets, as the values of the variables that it stands above."""
    under = over(settings, assignment)
    said = assignment.model_dump(exclude_none=True, include=set(_VARIABLES))
    return {_VARIABLES[name]: getattr(under, name) for name in said}


def told(assignment: Assignment) -> str:
    """In words, for people; empty: nothing is assigned."""
    said = []
    if assignment.role:
        said.append(f"role {assignment.role}")
    if assignment.expertise:
        said.append(f"expertise {', '.join(assignment.expertise)}")
    if assignment.max_tasks is not None:
        said.append(f"{assignment.max_tasks} tasks at once")
    if assignment.reports_to:
        said.append(f"reports to {assignment.reports_to}")
    if assignment.bootstrap_peers is not None:
        said.append(f"{len(assignment.bootstrap_peers)} bootstrap peers")
    return ", ".join(said)
