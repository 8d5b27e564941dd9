"""Answers by schema: that the schema is bounded before it is asked for, and that the text is JSON of its kind after.

A model that may write a string of any length will, one day, until it is cut at ``max_tokens``. So every string needs
``maxLength`` (or ``enum``, ``const``) and every array ``maxItems``. Pure. Whether each field makes sense is for who asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from chorus_tui.engine.ai.interface import AiError, Ask, Finish, Usage

DEEPEST = 32
_FENCED = re.compile(r"\s*```\w*\n(?P<json>.*?)\n?```\s*", re.DOTALL)
_KINDS: dict[str, type | tuple[type, ...]] = {"object": dict, "array": list, "string": str}


def check_schema(ask: Ask) -> None:
    """Raises ``bad_request`` naming what is not bounded."""
    if ask.schema is None:
        return
    loose = next(_unbounded(ask.schema, "schema", 0), None)
    if loose:
        raise AiError("bad_request", f"The schema of the answer is not bounded: {loose}")


def checked(ask: Ask, text: str, finish: Finish, usage: Usage) -> str:
    """The answer; with a schema its JSON alone, without the fence that models put round it where nothing holds them to it.

    Raises ``bad_answer`` when a schema was asked for and the text was cut, is no JSON, or JSON of another kind.
    """
    if ask.schema is None:
        return text
    if finish == "length":
        raise AiError(
            "bad_answer", f"The answer was cut at {ask.max_tokens} tokens and is no whole JSON; allow more tokens", usage=usage
        )  # fmt: skip
    found = _FENCED.fullmatch(text)
    text = found["json"] if found else text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise AiError(
            "bad_answer", "The model did not answer with JSON, although a schema was given", usage=usage
        ) from None
    kind = _KINDS.get(str(ask.schema.get("type")))
    if kind is not None and not isinstance(value, kind):
        raise AiError("bad_answer", f"The model answered with JSON that is no {ask.schema['type']}", usage=usage)
    return text


def _unbounded(schema: Any, path: str, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        yield f"{path} is nested too deep"
        return
    if not isinstance(schema, Mapping):
        return
    fixed = "enum" in schema or "const" in schema
    kinds = schema.get("type", ())
    kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    if "string" in kinds and not fixed and "maxLength" not in schema:
        yield f"{path} needs maxLength"
    if "array" in kinds and not fixed and "maxItems" not in schema:
        yield f"{path} needs maxItems"
    for word in ("properties", "$defs", "definitions"):
        for name, part in (schema.get(word) or {}).items():
            yield from _unbounded(part, f"{path}.{name}", depth + 1)
    for word in ("items", "additionalProperties"):
        yield from _unbounded(schema.get(word), f"{path}.{word}", depth + 1)
    for word in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for number, part in enumerate(schema.get(word) or ()):
            yield from _unbounded(part, f"{path}.{word}[{number}]", depth + 1)
