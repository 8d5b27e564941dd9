"""What is shown of a command's output is redacted before anything is left out of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.execution.output import Window
from chorus_tui.engine.shhh.redactor import Redactor
from chorus_tui.engine.shhh.stream import StreamRedactor

REDACTOR = Redactor([])
SECRET = "wJa1rXUtnFEMIK7MDENGbPxRfiCYzEXAMPLEkeyQ"
LINE = f"aws_secret_access_key={SECRET}\n".encode()
FILLER = b"nothing to see here\n"
EDGES = {"where the beginning ends": Window.HEAD, "where the end begins": -Window.TAIL}


@given(st.sampled_from(sorted(EDGES)), st.integers(0, len(LINE) + 40), st.integers(1, 700))
def test_a_secret_across_an_edge_is_not_shown_in_part(edge, offset, step):
    """At whatever offset it lies there, and however the output came in pieces: no part of it that would be of use. The edge moves with
    the words that take its place, so the window may also show it whole, as what was taken out."""
    size = 2 * (Window.HEAD + Window.TAIL)
    at = EDGES[edge] % size - offset
    text = (FILLER * size)[:at] + b"\n" + LINE + (FILLER * size)[: size - at]
    window = Window(StreamRedactor(REDACTOR))
    for begin in range(0, len(text), step):
        window.add(text[begin : begin + step])
    shown = window.text()

    assert window.cut
    for begin in range(len(SECRET) - 7):
        assert SECRET[begin : begin + 8] not in shown


@pytest.mark.parametrize("size", [10, Window.HEAD, Window.HEAD + Window.TAIL])
def test_what_fits_is_shown_to_its_last_byte(size):
    """What was held back because it might have become a secret comes at the end, also without a line's end."""
    window = Window(StreamRedactor(REDACTOR))
    window.add(b"x" * size)

    assert window.text() == "x" * size
    assert (window.total, window.cut) == (size, False)
