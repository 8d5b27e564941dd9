"""Output kept within bounds, and shown without harm."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.execution.output import OutputLog, readable

MIB = 1 << 20


@given(st.binary(max_size=300))
def test_what_is_readable_has_no_control_characters(data):
    """Whatever bytes come: only text, tabs and newlines go to a screen; and doing it twice changes nothing."""
    text = readable(data)

    assert not any(ord(c) < 32 and c not in "\n\t" for c in text)
    assert not any(0x7F <= ord(c) < 0xA0 for c in text)
    assert readable(text.encode()) == text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"a\x1b[31mred\x1b[0m", "ared"),
        (b"\x1b]52;c;c2VjcmV0\x07x", "x"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b"one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("a\u202eb\u2066c".encode(), "abc"),
        (b"\xff\x00ok\x9b31m", "\ufffdok\ufffd31m"),
    ],
)
def test_known_tricks_are_taken_out_whole(raw, shown):
    """Colours, clipboard writes, links, bare returns, marks that turn text round."""
    assert shown == readable(raw)


@given(st.lists(st.integers(1, 400_000), max_size=12))
def test_beginning_and_end_are_kept_and_the_middle_counted(sizes):
    """The log never exceeds its bound by more than the line that says what is missing; nothing is lost uncounted."""
    pieces = [bytes([97 + at % 26]) * size for at, size in enumerate(sizes)]
    everything = b"".join(pieces)
    with tempfile.TemporaryDirectory() as folder:
        log = OutputLog(Path(folder) / "log", 1)
        live = b"".join(log.add(piece) for piece in pieces)
        log.close()
        kept = log.path.read_bytes()

    assert log.total == len(everything)
    assert everything.startswith(live)
    if log.cut == 0:
        assert kept == everything
    else:
        assert len(kept) < MIB + 100
        assert kept.endswith(everything[-MIB // 4 :])
        assert f"{log.cut} bytes".encode() in kept


def test_the_tail_is_at_most_6_kib_and_begins_at_a_line(tmp_path):
    """A person sees whole lines."""
    log = OutputLog(tmp_path / "log", 1)
    log.add(b"".join(b"line %d of many\n" % n for n in range(3000)))
    log.close()

    assert len(log.tail().encode()) <= 6144
    assert log.tail().startswith("line ")
    assert log.tail().endswith("line 2999 of many\n")
