"""Text from elsewhere is shown, never obeyed."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.cli.plain import clean, duration, size


@given(st.text(), st.booleans())
def test_nothing_a_terminal_obeys(text, lines):
    """No control character and no mark that turns the writing direction is left, whatever came in."""
    allowed = {"\n", "\t"} if lines else set()

    for character in set(clean(text, lines=lines)) - allowed:
        assert unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"}
        assert unicodedata.bidirectional(character) not in {
            "LRE",
            "RLE",
            "LRO",
            "RLO",
            "PDF",
            "LRI",
            "RLI",
            "FSI",
            "PDI",
        }


@given(st.text())
def test_clean_twice(text):
    """Cleaning what is clean changes nothing."""
    assert clean(clean(text)) == clean(text)


def test_for_people():
    """Spans and sizes have units."""
    assert [duration(None), duration(1.25), duration(61), duration(7300)] == ["", "1.2 s", "1 min 01 s", "2 h 01 min"]
    assert [size(0), size(2048), size(5 << 20), size(3 << 30)] == ["0 B", "2.0 KiB", "5.0 MiB", "3.0 GiB"]
