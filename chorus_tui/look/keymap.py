"""The person's own keys: a file that gives bindings, by their ids, other keys.

A line that is wrong is named and left out; the others hold. Two bindings that are live at the same time never share a key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from textual.binding import Binding

FILE: Final = "keymap.toml"
EVERYWHERE: Final = ("go", "portal", "log")
"""The first words of ids of bindings that are live on every screen, or on several; others are live on their own screen."""
BOXES: Final = (
    {"dialog", "confirm"}, {"dialog", "prompt"}, {"answer"}, {"commands"}, {"search"}, {"choose"}, {"form", "content"}, {"wizard"},
    {"patch-wizard"}, {"reader", "lines"}, {"compare", "diff", "lines"},
)  # fmt: skip
"""Those that are live together in what is open over a screen: there, the screen's own are not."""
TYPED: Final = {"dialog", "prompt", "answer", "search", "form", "content", "wizard", "patch-wizard"}
"""Where people type words: a letter would be written, or be missing from what they write."""
_NO_LETTER: Final = re.compile(
    r"(ctrl|alt)\+.+|f\d{1,2}|escape|enter|tab|home|end|pageup|pagedown|insert|delete|up|down"
)
KEEPS: Final = {"escape", "enter", "tab", "shift+tab", "up", "down", "left", "right", "ctrl+c", "ctrl+p", "ctrl+q"}
"""Keys that the widgets themselves need, the palette's, and those that leave anyway; giving one away would leave somebody in a dialog."""


@dataclass(frozen=True, slots=True)
class Keymap:
    """Keys by binding id, and in words what was left out."""

    keys: dict[str, str]
    faults: tuple[str, ...] = ()


def read(file: Path, bindings: Mapping[str, str]) -> Keymap:
    """The keymap in ``file``; empty when there is no such file. ``bindings``: the keys by id, as they are without it."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Keymap({})
    except (OSError, UnicodeDecodeError) as error:
        return Keymap({}, (f"{file} cannot be read: {error}",))
    try:
        wanted = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Keymap({}, (f'{file}: {error}. A line is: "tasks.cancel" = "ctrl+x"',))
    return check(flat(wanted), bindings)


def flat(table: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """``[tasks] cancel = …`` and ``"tasks.cancel" = …`` mean the same."""
    found: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{before}{name}.")
        else:
            found[f"{before}{name}"] = value
    return found


def check(wanted: Mapping[str, Any], bindings: Mapping[str, str]) -> Keymap:
    """What of ``wanted`` can hold. Each fault names the id and what is wrong."""
    keys: dict[str, str] = {}
    faults: list[str] = []
    for name, value in wanted.items():
        fault = _fault(name, value, bindings)
        if fault:
            faults.append(fault)
        else:
            keys[name] = ",".join(_split(value))
    # A wish that clashes falls back to its old key, which may be another's wish: until nothing clashes any more.
    while clash := _clash({**bindings, **keys}, keys):
        name, other, key = clash
        faults.append(f"{name}: {key!r} is the key of {other}; give that one another key, too")
        del keys[name]
    return Keymap(keys, tuple(faults))


def _fault(name: str, value: Any, bindings: Mapping[str, str]) -> str:
    if name not in bindings:
        near = [known for known in bindings if known.rpartition(".")[2] == name.rpartition(".")[2]]
        return f"{name}: there is no such binding" + (f"; perhaps {near[0]}" if near else "; help (1) shows them all")
    if not isinstance(value, str) or not _split(value):
        return f"{name}: a key is a text such as 'x', 'ctrl+x', 'f5', or several with commas between"
    letters = [key for key in _split(value) if not _NO_LETTER.fullmatch(key)] if name.partition(".")[0] in TYPED else []
    if letters:
        return (
            f"{name}: words are typed there, so {letters[0]!r} cannot be its key; take ctrl+ and a letter, or f1 to f12"
        )
    taken = [key for key in _split(value) if key in KEEPS and key not in _split(bindings[name])]
    return f"{name}: the key {taken[0]} is needed everywhere: by dialogs, lists or the palette" if taken else ""


def _clash(now: Mapping[str, str], wishes: Mapping[str, str]) -> tuple[str, str, str] | None:
    """The first wish that has a key of another binding that is live with it."""
    for name in reversed(list(wishes)):
        for other, keys in now.items():
            if other != name and live_together(name, other):
                theirs = set(map(_named, _split(keys)))
                shared = [key for key in _split(wishes[name]) if _named(key) in theirs]
                if shared:
                    return name, other, shared[0]
    return None


def live_together(one: str, other: str) -> bool:
    """Whether one key could mean both: on the same screen, in the same box, or one of them everywhere."""
    first, second = one.partition(".")[0], other.partition(".")[0]
    if first == second:
        return True
    if any(first in group or second in group for group in BOXES):
        return any({first, second} <= group for group in BOXES)
    return first in EVERYWHERE or second in EVERYWHERE


def _named(key: str) -> str:
    """A key as Textual calls it: ``/`` is ``slash``. The same key must not pass for two."""
    return next(iter(Binding.make_bindings([Binding(key, "")]))).key


def _split(keys: str) -> list[str]:
    return [key.strip() for key in keys.split(",") if key.strip()]
