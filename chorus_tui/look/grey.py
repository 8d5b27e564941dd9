"""The grey theme's filter: all colours become grey, and what a colour told stays as easy to read as the text around it.

Textual's own takes a colour's brightness for its grey. Red is the darkest of colours, so that a failure was all but black on black.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter, monochrome_style

READABLE: Final = 4.5
"""The least contrast of text, by the Web Content Accessibility Guidelines 2.2, 1.4.3."""
COLOURED: Final = 24
"""A colour's parts (0 to 255) differ by more than this; less is a grey, whose brightness is meant."""
LIGHT: Final = Color(208, 208, 208)
DARK: Final = Color(24, 24, 24)


class Grey(LineFilter):
    """Grey all over, colours of code and of signs, too."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments in grey."""
        return [
            Segment(text, style and grey(style, background.brightness > 0.5), control)
            for text, style, control in segments
        ]


@lru_cache(maxsize=4096)
def grey(style: Style, on_light: bool) -> Style:
    """``style`` in grey."""
    made = monochrome_style(style)
    front, back = _triplet(style.color), _triplet(made.bgcolor)
    shown = _triplet(made.color)
    if front is None or shown is None or max(front.rgb) - min(front.rgb) <= COLOURED:
        return made
    behind = back or (LIGHT if on_light else DARK)
    if contrast(shown, behind) >= READABLE:
        return made
    return made + Style(color=max(LIGHT, DARK, key=lambda one: contrast(one, behind)).rich_color)


def contrast(one: Color, other: Color) -> float:
    """Between 1, the same, and 21, black and white."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: Color) -> float:
    """Relative luminance, as the guidelines define it."""
    parts = (part / 255 for part in colour.rgb)
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _triplet(colour: RichColor | None) -> Color | None:
    return Color(*colour.triplet) if colour is not None and colour.triplet is not None else None
