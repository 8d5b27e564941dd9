"""What the contract does not take of what a person typed, in words that know nothing of programs. Pure."""

from __future__ import annotations

import re

from pydantic import ValidationError

_NAMED = re.compile(r"([a-z_]+)(?:\[\d+\])?:? (.*)", re.DOTALL)


def faults(error: ValidationError) -> dict[str, str]:
    """What is wrong, by field."""
    found: dict[str, str] = {}
    for part in error.errors(include_url=False, include_input=False):
        name, words = ".".join(map(str, part["loc"])), part["msg"].removeprefix("Value error, ")
        words = _for_people(part["type"], part.get("ctx", {}), name.partition(".")[0]) or words
        named = _NAMED.match(words)
        if not name and named is not None:  # a fault of the task as a whole names its field itself
            name, words = named.groups()
        found.setdefault(name, words)
    return found


def _for_people(fault: str, bounds: dict[str, object], field: str) -> str:
    """Common faults; empty for others."""
    if fault in ("string_too_short", "too_short"):
        return "is needed"
    if fault == "string_too_long":
        return f"at most {bounds['max_length']} characters; shorten it"
    if fault == "too_long":
        return f"at most {bounds['max_length']}; leave some out"
    if fault in ("less_than_equal", "greater_than_equal"):
        return f"at most {bounds['le']}" if "le" in bounds else f"at least {bounds['ge']}"
    if fault == "string_pattern_mismatch":
        return "is no task id" if field == "depends_on" else "holds letters that it may not have"
    return ""
