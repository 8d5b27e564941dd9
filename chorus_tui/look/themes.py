"""The portal's own themes, and which one it begins with.

Colours are an addition: every state is told by a word and a sign, too, so that each theme, grey ones included, tells the same.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Final

from rich.terminal_theme import TerminalTheme
from textual.theme import Theme

DEFAULT: Final = "chorus-dark"
MONOCHROME: Final = "chorus-mono"

THEMES: Final = (
    Theme(DEFAULT, primary="#5fafd7", secondary="#87afaf", accent="#d7af5f", warning="#d7af5f", error="#e87878",
          success="#87af5f", background="#121417", surface="#191c20", panel="#262b31", foreground="#d7dae0", dark=True),
    Theme("chorus-light", primary="#005f87", secondary="#5f8787", accent="#8f4e00", warning="#af8700", error="#af0000",
          success="#5f8700", background="#fafaf7", surface="#ffffff", panel="#e4e4de", foreground="#24292f", dark=False),
    Theme(MONOCHROME, primary="#d0d0d0", secondary="#a8a8a8", accent="#ffffff", warning="#e4e4e4", error="#ffffff",
          success="#d0d0d0", background="#000000", surface="#121212", panel="#303030", foreground="#e4e4e4", dark=True),
)  # fmt: skip

SIGNS_ON_LIGHT: Final = TerminalTheme(
    (250, 250, 247), (36, 41, 47),
    [(0, 0, 0), (170, 55, 49), (58, 122, 32), (138, 97, 0), (50, 92, 192), (122, 62, 157), (0, 113, 154), (247, 247, 247)],
    [(119, 119, 119), (170, 55, 49), (58, 122, 32), (138, 97, 0), (50, 92, 192), (122, 62, 157), (0, 113, 154), (247, 247, 247)],
)  # fmt: skip
"""The colours of signs on light ground, dark enough to be read: Textual's own yellow is all but white on white."""
SIGNS_ON_DARK: Final = TerminalTheme(
    (18, 20, 23), (215, 218, 224),
    [(26, 26, 26), (255, 108, 118), (152, 224, 36), (253, 151, 31), (174, 130, 255), (255, 120, 200), (88, 209, 235), (196, 197, 181)],
    [(98, 94, 76), (255, 108, 118), (152, 224, 36), (224, 213, 97), (174, 130, 255), (255, 120, 200), (88, 209, 235), (246, 246, 239)],
)  # fmt: skip
"""Those on dark ground, light enough to be read: Textual's own red is too dark on a panel, and its magenta is the same colour."""


def first(environ: Mapping[str, str], kept: str, known: Container[str]) -> tuple[str, str]:
    """The theme to begin with, and in words what was wrong with the wish for another.

    ``NO_COLOR`` counts most, then ``CHORUS_THEME``, then what was chosen last time.
    """
    if environ.get("NO_COLOR"):
        return MONOCHROME, ""
    wanted = environ.get("CHORUS_THEME", "").strip()
    if wanted and wanted not in known:
        return DEFAULT, f"CHORUS_THEME: there is no theme {wanted!r}; the palette (ctrl+p, Theme) shows all"
    return wanted or (kept if kept in known else DEFAULT), ""
