"""What is shown of a command's output is redacted before anything is left out of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.execution.output import OutputLog, Window
from chorus_tui.engine.shhh.redactor import Redactor
from chorus_tui.engine.shhh.stream import StreamRedactor

REDACTOR = Redactor([])
SECRET = "wJa1rXUtnFEMIK7MDENGbPxRfiCYzEXAMPLEkeyQ"
LINE = f"aws_secret_access_key={SECRET}\n".encode()
PAINTED = f"aws_secret_access_key=\x1b[01;31m\x1b[K{SECRET[:20]}\x1b[m{SECRET[20:]}\n".encode()
FILLER = b"nothing to see here\n"
EDGES = {"where the beginning ends": Window.HEAD, "where the end begins": -Window.TAIL}


def shown(pieces: Iterable[bytes], redactor: Redactor = REDACTOR) -> Window:
    """What the window on a command has of pieces that came through the task's log."""
    window = Window()
    with tempfile.TemporaryDirectory() as folder:
        log = OutputLog(Path(folder) / "log", 1, StreamRedactor(redactor))
        with log.into(window):
            for piece in pieces:
                log.add(piece)
        log.close()
    return window


@given(
    st.sampled_from([LINE, PAINTED]),
    st.sampled_from(sorted(EDGES)),
    st.integers(0, len(PAINTED) + 40),
    st.integers(1, 700),
)
def test_a_secret_across_an_edge_is_not_shown_in_part(line, edge, offset, step):
    """At whatever offset it lies there, painted or not, and however the output came in pieces: no part of it that would be of use.
    The edge moves with the words that take its place, so the window may also show it whole, as what was taken out."""
    size = 2 * (Window.HEAD + Window.TAIL)
    at = EDGES[edge] % size - offset
    text = (FILLER * size)[:at] + b"\n" + line + (FILLER * size)[: size - at]
    window = shown(text[begin : begin + step] for begin in range(0, len(text), step))
    text_shown = window.text()

    assert window.cut
    for begin in range(len(SECRET) - 7):
        assert SECRET[begin : begin + 8] not in text_shown


@pytest.mark.parametrize("size", [10, Window.HEAD, Window.HEAD + Window.TAIL])
def test_what_fits_is_shown_to_its_last_byte(size):
    """What was held back because it might have become a secret comes at the end, also without a line's end."""
    window = shown([b"x" * size])

    assert window.text() == "x" * size
    assert (window.total, window.cut) == (size, False)


class Counting(Redactor):
    """Counts the characters that it looks through."""

    seen = 0

    def text(self, text: str, door: str = "", place: str = "") -> str:
        self.seen += len(text)
        return super().text(text, door, place)


def test_output_is_looked_through_once_for_log_and_window():
    """Besides what a command leaves without a line's end, which is looked at when the command ends and when its line does."""
    redactor = Counting()
    text = FILLER * 10_000
    shown((text[begin : begin + 16_384] for begin in range(0, len(text), 16_384)), redactor)

    assert redactor.seen == len(text)


def test_the_log_goes_on_with_what_a_command_left_open(tmp_path):
    """A name that one command prints and a value that the next one does: the window of the first shows the name, and the log no value."""
    log, first, second = OutputLog(tmp_path / "log", 1, StreamRedactor(REDACTOR)), Window(), Window()
    with log.into(first):
        log.add(b"aws_secret_access_key=")
    with log.into(second):
        log.add(SECRET.encode() + b"\n")
    log.close()

    assert first.text() == "aws_secret_access_key="
    assert SECRET not in second.text()
    assert SECRET.encode() not in (tmp_path / "log").read_bytes()
