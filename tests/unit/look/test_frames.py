"""The pace of a portal in a person's own terminal."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SHOWN = """
from chorus_tui.cli import main
from chorus_tui.look import frames
frames.in_own_terminal()
from textual import constants
print(constants.MAX_FPS)
"""


@pytest.mark.parametrize(("asked", "pace"), [("", "120"), ("15", "15")])
def test_the_pace_holds_for_a_portal_that_the_command_line_opens(asked, pace):
    """Nothing that the command line has imported by then has fixed Textual's own, and a person's wish goes before ours."""
    environment = {name: value for name, value in os.environ.items() if name != "TEXTUAL_FPS"}
    if asked:
        environment["TEXTUAL_FPS"] = asked
    done = subprocess.run([sys.executable, "-c", SHOWN], env=environment, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == pace
