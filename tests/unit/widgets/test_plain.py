"""The one function that all text of others goes through before it is drawn."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.widgets.plain import MAX_MARKS, plain, plain_lines, typed

HOSTILE = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(
            "\x1b\x07\x00\x9b\u202e\u2066\u200d\u0301\u20dd\ufeff\u2028\u3164[]\\\t\r\n\ud800\U000e0041\U0001f3fd"
        ),
    ),
    max_size=200,
)


@given(HOSTILE)
def test_nothing_that_a_terminal_obeys_is_left(text):
    """No control, no direction trick, no half of a character, no line separator: only what has a place on the line."""
    shown = plain(text)

    assert {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} == set()


@given(HOSTILE)
def test_a_field_gets_nothing_unseen_and_loses_nothing_seen(text):
    """No control but line ends and tabs, no direction trick, no tower; what is taken once is taken again as it is."""
    taken = typed(text)
    seen = [char for char in taken if char not in "\t\r\n"]

    assert {unicodedata.category(char) for char in seen} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} == set()
    assert typed(taken) == taken
    assert [char for char in taken if char.isascii()] == [
        char
        for char in unicodedata.normalize("NFC", text)
        if char.isascii() and (char.isprintable() or char in "\t\r\n")
    ]


@given(HOSTILE)
def test_no_tower_of_marks_is_left(text):
    """More than a few marks on one letter would run over the lines above."""
    run = 0
    for char in plain(text):
        run = run + 1 if unicodedata.category(char).startswith("M") else 0
        assert run <= MAX_MARKS


@given(HOSTILE, st.integers(min_value=1, max_value=50))
def test_the_length_is_bounded_and_what_is_cut_is_said(text, limit):
    """Never more than the limit, a tab being four; what was cut ends with a sign."""
    shown = plain(text, limit=limit)

    assert len(shown) <= 4 * limit + 1
    assert (len(text) > limit) <= shown.endswith("…")


@given(HOSTILE)
def test_what_is_harmless_stays_so(text):
    """What was made harmless once is shown as it is; letters and digits are never touched."""
    assert plain(plain(text)) == plain(text)
    assert plain("Grüße 你好 שלום ✓ [red]x[/] $HOME") == "Grüße 你好 שלום ✓ [red]x[/] $HOME"


def test_the_work_is_bounded_by_what_is_seen():
    """Ten million characters, in one line or in as many lines, cost what the shown part costs."""

    class Counted(str):
        __slots__ = ()
        seen = 0

        def __getitem__(self, key):
            part = super().__getitem__(key)
            Counted.seen += len(part)
            return part

    plain(Counted("é" * 10_000_000))
    lines = plain_lines("x\n" * 5_000_000, most=100)

    assert Counted.seen == 2001
    assert len(lines) == 101
    assert lines[-1] == "… and 4,999,901 more lines"


def test_a_tower_is_cut_to_a_few_marks():
    """Hundreds of accents on one letter leave three."""
    assert plain("Z" + "\u0301" * 500 + "a") == "Z" + "\u0301" * MAX_MARKS + "a"
