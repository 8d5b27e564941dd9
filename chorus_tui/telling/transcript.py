"""An agent's transcript for readers: what it was asked, did, saw and was told, step by step.

The stored file is JSON lines; a line that is not understood is shown as it is, never left out.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from typing import Any, Literal

Kind = Literal["step", "said", "seen", "note", "end"]

_HEADS = {
    "system": "how it was set up",
    "goal": "what it was asked",
    "word": "it was told",
    "observation": "it saw",
    "repair": "no action, it was asked again",
    "no answer": "the model did not answer",
    "end": "end",
}


def readable(lines: Iterable[str]) -> Iterator[tuple[Kind, str]]:
    """Lines to show, each with its kind. The set-up, the same for every task, is only named."""
    for line in lines:
        if line.strip():
            yield from _entry(line)


def _entry(line: str) -> Iterator[tuple[Kind, str]]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        entry = None
    if not isinstance(entry, dict) or not isinstance(entry.get("kind"), str):
        yield "note", line
        return
    kind, text = entry["kind"], str(entry.get("text", ""))
    if kind == "answer":
        yield from _answer(entry, text)
        return
    yield ("end" if kind == "end" else "note"), f"── {_HEADS.get(kind, kind)}{_ending(entry)}"
    if kind == "system":
        yield "seen", f"   {len(text):,} characters of instructions"
        return
    yield from _indented("end" if kind == "end" else "seen", text)


def _ending(entry: dict[str, Any]) -> str:
    words = [str(entry[name]) for name in ("outcome", "reason") if entry.get(name)]
    return f": {', '.join(words).replace('_', ' ')}" if words else ""


def _answer(entry: dict[str, Any], text: str) -> Iterator[tuple[Kind, str]]:
    """One step: what the model chose to do, and why it said so."""
    facts = [str(entry[name]) for name in ("provider", "model") if entry.get(name)]
    tokens = sum(count for name in ("prompt_tokens", "answer_tokens") if isinstance(count := entry.get(name), int))
    cost = f"{tokens:,} tokens" if tokens else ""
    told = [part for part in (_clock(entry.get("at")), "/".join(facts), cost) if part]
    action = _action(text)
    yield "step", " · ".join([f"── step {entry.get('step', '?')}", *told])
    if action is None:
        yield from _indented("said", text)
        return
    thought, name, given = action
    if thought:
        yield from _indented("note", thought)
    yield from _indented("said", f"{name}: {given}")


def _action(text: str) -> tuple[str, str, str] | None:
    try:
        # Some models put a fence round their answer; the object is what counts.
        value = json.loads(text[max(text.find("{"), 0) : text.rfind("}") + 1])
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not isinstance(value.get("action"), str):
        return None
    return str(value.get("thought", "")).strip(), value["action"], str(value.get("input", "")).strip()


def _indented(kind: Kind, text: str) -> Iterator[tuple[Kind, str]]:
    for line in text.rstrip("\n").split("\n"):
        yield kind, f"   {line}"


def _clock(at: object) -> str:
    if not isinstance(at, int | float):
        return ""
    try:
        return time.strftime("%H:%M:%S", time.localtime(at))
    except (ValueError, OverflowError, OSError):
        return ""
