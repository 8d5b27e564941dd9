"""What the contract does not take, in words that know nothing of programs: the one table, for screens, command line and API. Pure."""

from __future__ import annotations

_KINDS = {
    "missing": "is needed", "int_parsing": "a whole number, such as 24", "int_type": "a whole number, such as 24",
    "int_from_float": "a whole number, such as 24", "int_parsing_size": "a smaller number", "float_parsing": "a number, such as 1.5",
    "float_type": "a number, such as 1.5", "finite_number": "a number, such as 1.5", "bool_parsing": "true or false",
    "bool_type": "true or false", "string_type": "a text", "list_type": "a list", "dict_type": "names with their values",
    "extra_forbidden": "there is no such field", "json_invalid": "is no JSON",
}  # fmt: skip
_NO_NUMBER = ("int_parsing", "int_type", "int_from_float")
_SUCH_AS = {
    "timeout_s": "a number of seconds, such as 600", "tokens": "a whole number, such as 200000", "steps": "a whole number, such as 24",
}  # fmt: skip
"""Of what a field that is a number takes; it is asked for only where what was typed is none."""


def in_words(fault: str, bounds: dict[str, object], name: str) -> str:
    """Of a fault by its pydantic type; empty for those whose message was written for people. ``name`` is the field's path."""
    if fault in _KINDS:
        such = _SUCH_AS.get(name.rpartition(".")[2], "") if fault in _NO_NUMBER else ""
        return such or _KINDS[fault]
    if fault == "literal_error":
        return f"is one of: {str(bounds['expected']).replace(chr(39), '')}"
    if fault in ("less_than", "greater_than"):
        return f"less than {bounds['lt']}" if "lt" in bounds else f"more than {bounds['gt']}"
    if fault in ("string_too_short", "too_short"):
        return "is needed"
    if fault == "string_too_long":
        return f"at most {bounds['max_length']} characters; shorten it"
    if fault == "too_long":
        return f"at most {bounds['max_length']}; leave some out"
    if fault in ("less_than_equal", "greater_than_equal"):
        return f"at most {bounds['le']}" if "le" in bounds else f"at least {bounds['ge']}"
    if fault == "string_pattern_mismatch":
        return "is no task id" if name.partition(".")[0] == "depends_on" else "holds letters that it may not have"
    return ""
