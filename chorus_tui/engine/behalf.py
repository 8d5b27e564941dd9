"""For whom a peer speaks: the person who asks, by the name that the door knows. Pure."""

from __future__ import annotations

from typing import Any, Final

LONGEST: Final = 128
"""Characters of a name; so many fit into every message."""


def person(caller: Any) -> str:
    """Who asks; empty where nobody is known. A name that is the door's word, not a signature: screens say "asserted by"."""
    return str(getattr(caller, "person", "") or "")[:LONGEST]


def person_of(kind: str, caller: Any) -> str:
    """As :func:`person` on a person's engine. An agent's speaks for itself in what it answers for, whoever typed it."""
    return person(caller) if kind == "human" else ""
