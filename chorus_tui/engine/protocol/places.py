"""Parts of the address of a record, made of names that people chose. None of them is a wildcard."""

from __future__ import annotations

from chorus_tui.contract.ucxl import ANY
from chorus_tui.engine.protocol import topics

NO_ROLE = "member"
_MESH_DIGITS = 16


def agent(name: str, peer_id: str) -> str:
    """A member's name, or its peer id when it is none any more."""
    return _named(topics.part(name)) if name else peer_id


def role(name: str) -> str:
    """A role, which has no dots in an address."""
    return _named(topics.part(name).replace(".", "_")) if name else NO_ROLE


def project(project_id: str, mesh_id: str) -> str:
    """A project; what belongs to none belongs to its mesh."""
    return _named(topics.part(project_id)) if project_id else mesh_id[:_MESH_DIGITS]


def _named(text: str) -> str:
    return f"{text}_" if text == ANY else text
