"""What the client's terminal can do, by the little that it tells: its type and four variables. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Colours = Literal["standard", "256", "truecolor"]

TOLD: Final = (b"COLORTERM", b"LANG", b"NO_COLOR", b"TERM")
"""The variables that a client may send; others are not even kept."""
LONGEST: Final = 64

_TRUECOLOUR: Final = ("kitty", "ghostty", "alacritty", "wezterm", "foot", "contour", "konsole", "iterm", "vte", "rio")

RESET: Final = "".join(
    f"\x1b[{code}"
    for code in (
        "?1000l",
        "?1002l",
        "?1003l",
        "?1015l",
        "?1006l",
        "?2004l",
        "?1004l",
        "?2026l",
        "<u",
        "?7h",
        "?1049l",
        "0m",
        "?25h",
    )
)
"""Gives a terminal back as it was: no mouse, no paste marks, no key protocol, wrapped lines, the first screen, a cursor."""


class Environment(dict[bytes, bytes]):
    """What a client sends as its environment: the names above, short values; anything else is let fall."""

    def __setitem__(self, name: bytes, value: bytes) -> None:
        if name in TOLD and len(value) <= LONGEST:
            super().__setitem__(name, value)

    def text(self) -> dict[str, str]:
        """As text, printable parts only."""
        return {name.decode(): _printable(value) for name, value in self.items()}


def _printable(value: bytes) -> str:
    return "".join(sign for sign in value.decode("utf-8", "replace") if sign.isprintable())


@dataclass(frozen=True, slots=True)
class Terminal:
    """A client's terminal. ``kind`` is its TERM."""

    kind: str
    colours: Colours
    monochrome: bool

    @property
    def environment(self) -> dict[str, str]:
        """What Rich should believe the environment to be."""
        return {"TERM": self.kind}


def terminal(kind: str, told: Mapping[str, str]) -> Terminal:
    """By the type of the pseudo-terminal, and by what the client sent besides."""
    kind = "".join(sign for sign in kind if sign.isprintable())[:LONGEST].lower() or "xterm"
    truecolour = told.get("COLORTERM", "").lower() in {"truecolor", "24bit"} or kind.endswith(("-direct", "-truecolor"))
    colours: Colours = "standard"
    if truecolour or any(name in kind for name in _TRUECOLOUR):
        colours = "truecolor"
    elif "256" in kind:
        colours = "256"
    plain = kind in {"dumb", "vt100", "vt220"} or kind.endswith("-mono")
    return Terminal(kind, colours, bool(told.get("NO_COLOR")) or plain)
