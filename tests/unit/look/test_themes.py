"""The portal's own themes: what they colour can be read."""

from __future__ import annotations

import pytest
from textual.color import Color

from chorus_tui.look.grey import READABLE, contrast
from chorus_tui.look.themes import SIGNS_ON_LIGHT, THEMES

LISTS = "#f4f4f4"
"""What is behind a list in the light theme: its surface, tinted while it has the keys."""
LIGHT = next(theme for theme in THEMES if not theme.dark)


@pytest.mark.parametrize("number", range(1, 7), ids=["red", "green", "yellow", "blue", "magenta", "cyan"])
@pytest.mark.parametrize("behind", [LIGHT.background, LIGHT.surface, LISTS])
def test_signs_can_be_read_on_light_ground(number, behind):
    """Each colour of a sign or a state, on all that it stands on."""
    sign = Color(*SIGNS_ON_LIGHT.ansi_colors[number])

    assert contrast(sign, Color.parse(behind)) >= READABLE


def test_the_keys_of_the_footer_can_be_read_on_light_ground():
    """They have the accent, on the panel's colour."""
    assert contrast(Color.parse(LIGHT.accent), Color.parse(LIGHT.panel)) >= READABLE
