"""The grey theme: what a colour told can be read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style
from textual.color import Color

from chorus_tui.look.grey import COLOURED, READABLE, contrast, grey

part = st.integers(0, 255)
colours = st.tuples(part, part, part)


def hexed(colour: tuple[int, int, int]) -> str:
    return "#" + "".join(f"{one:02x}" for one in colour)


@given(colours, colours)
def test_coloured_text_is_grey_and_readable(front, back):
    """On any ground: no colour is left, and text that had one has the contrast that is asked of text, or the most there is here."""
    made = grey(Style(color=hexed(front), bgcolor=hexed(back)), on_light=False)
    shown, behind = (Color(*colour.triplet) for colour in (made.color, made.bgcolor))

    assert len(set(shown.rgb)) == len(set(behind.rgb)) == 1
    if max(front) - min(front) > COLOURED:
        most = max(contrast(Color(24, 24, 24), behind), contrast(Color(208, 208, 208), behind))
        assert contrast(shown, behind) >= min(READABLE, most)


@given(part, st.booleans())
def test_grey_text_stays_as_it_is(front, on_light):
    """Its brightness is meant: what is muted stays muted."""
    made = grey(Style(color=hexed((front,) * 3), bold=True), on_light)

    assert made.color.triplet == (front,) * 3
    assert made.bold


def test_contrast_is_that_of_the_guidelines():
    """Black on white 21, a colour on itself 1, the well-known #767676 on white just enough."""
    white = Color(255, 255, 255)

    assert contrast(Color(0, 0, 0), white) == 21
    assert contrast(white, white) == 1
    assert 4.5 <= contrast(Color(118, 118, 118), white) < 4.6
