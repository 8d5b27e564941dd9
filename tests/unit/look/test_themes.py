"""The portal's own themes: what they colour can be read."""

from __future__ import annotations

import pytest
from textual.color import Color
from textual.theme import Theme

from chorus_tui.look.grey import READABLE, contrast
from chorus_tui.look.themes import MONOCHROME, SIGNS_ON_DARK, SIGNS_ON_LIGHT, THEMES

LISTS = {"chorus-light": "#f4f4f4"}
"""What is behind a list: the surface, tinted while it has the keys. On dark ground that is lighter than the surface by less than a panel."""
COLOURED = [theme for theme in THEMES if theme.name != MONOCHROME]


def grounds(theme: Theme) -> list[Color]:
    """All that words and signs stand on."""
    panel = theme.panel if theme.dark else LISTS[theme.name]
    return [Color.parse(one) for one in (theme.background, theme.surface, panel) if one]


@pytest.mark.parametrize("number", range(1, 7), ids=["red", "green", "yellow", "blue", "magenta", "cyan"])
@pytest.mark.parametrize("theme", COLOURED, ids=lambda theme: theme.name)
def test_signs_can_be_read(theme: Theme, number: int):
    """Each colour of a sign or a state, on all that it stands on, in both themes that have colours; none is another."""
    signs = SIGNS_ON_DARK if theme.dark else SIGNS_ON_LIGHT
    sign = Color(*signs.ansi_colors[number])

    assert min(contrast(sign, behind) for behind in grounds(theme)) >= READABLE
    assert len({signs.ansi_colors[n] for n in range(1, 7)}) == 6


@pytest.mark.parametrize("theme", COLOURED, ids=lambda theme: theme.name)
def test_what_is_wrong_can_be_read(theme: Theme):
    """The words of a fault have the theme's own colour for it."""
    assert theme.error is not None
    assert min(contrast(Color.parse(theme.error), behind) for behind in grounds(theme)) >= READABLE


@pytest.mark.parametrize("theme", COLOURED, ids=lambda theme: theme.name)
def test_the_keys_of_the_footer_can_be_read(theme: Theme):
    """They have the accent, on the panel's colour."""
    assert theme.accent is not None
    assert theme.panel is not None
    assert contrast(Color.parse(theme.accent), Color.parse(theme.panel)) >= READABLE
