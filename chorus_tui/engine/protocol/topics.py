"""Names of the gossip topics (CHORUS, PubSub package)."""

from __future__ import annotations

import re
from typing import Final

COORDINATION: Final = "CHORUS/coordination/v1"
META: Final = "hmmm/meta-discussion/v1"
CONTEXT: Final = "CHORUS/context-feedback/v1"
ELECTION: Final = "chorus/election/v1"
DECISIONS: Final = "chorus/decisions"
HEALTH: Final = "chorus/health"
BEATS: Final = "backbeat/beats/v1"
ROOMS: Final = "CHORUS/meta/issue/"
"""How the topic of a room begins."""
COLLAB: Final = "CHORUS/collab/"
"""How the topic of a shared text begins."""

EVERYBODYS: Final = (COORDINATION, META, CONTEXT, ELECTION, DECISIONS)
"""Joined by every peer for as long as it runs."""

MAX_JOINED: Final = 80
"""Topics of own tasks that a peer joins: others follow some hundreds of all its topics, and not the rest."""


def part(text: str) -> str:
    """A topic part: lower case, other characters than letters, digits, ``-``, ``.`` and ``_`` become ``_``."""
    return re.sub(r"[^a-z0-9._-]", "_", text.lower()) or "_"


def task(task_id: str) -> str:
    """Fleeting progress of one task; joined only while one takes part or watches."""
    return f"CHORUS/tasks/{part(task_id)}/v1"


def role(name: str) -> str:
    """Peers of one role."""
    return f"CHORUS/roles/{part(name)}/v1"


def expertise(area: str) -> str:
    """Peers that know an area."""
    return f"CHORUS/expertise/{part(area)}/v1"


def hierarchy(supervisor: str) -> str:
    """Who reports to this supervisor, and the supervisor."""
    return f"CHORUS/hierarchy/{part(supervisor)}/v1"


def project(project_id: str) -> str:
    """Who works on a project."""
    return f"CHORUS/projects/{part(project_id)}/coordination/v1"


def room(issue_id: str) -> str:
    """The room of an issue; what is said there is raw."""
    return f"{ROOMS}{issue_id}"


def collab(session: str) -> str:
    """A shared text; joined only while one takes part."""
    return f"{COLLAB}{part(session)}/v1"
