"""What the contract does not take of what a person typed, in words that know nothing of programs. Pure."""

from __future__ import annotations

import re

from pydantic import ValidationError

from chorus_tui.contract.faults import in_words

_NAMED = re.compile(r"([a-z_]+(?:\[\d+\])?):? (.*)", re.DOTALL)


def faults(error: ValidationError) -> dict[str, str]:
    """What is wrong, by field, as a form has them: one of a list is told at the list."""
    found: dict[str, str] = {}
    for place, words in by_place(error).items():
        found.setdefault(place.partition("[")[0], words)
    return found


def by_place(error: ValidationError) -> dict[str, str]:
    """What is wrong, by field and number: ``allowed_hosts[1]``."""
    found: dict[str, str] = {}
    for part in error.errors(include_url=False, include_input=False):
        name, words = ".".join(map(str, part["loc"])), part["msg"].removeprefix("Value error, ")
        words = in_words(part["type"], part.get("ctx", {}), name) or words
        named = _NAMED.match(words)
        if not name and named is not None:  # a fault of the task as a whole names its field itself
            name, words = named.groups()
        found.setdefault(name, words)
    return found
