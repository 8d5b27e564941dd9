"""Text of others in logs and JSON: a terminal obeys none of it."""

from __future__ import annotations

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract.harmless import as_json, plain

OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
TEXT = st.text(st.one_of(st.characters(), st.sampled_from("\x1b\x07\x7f\x9b\x9d\u202e\u2066\u2028\U000e0041\n")))


@given(st.recursive(TEXT, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner)), st.sampled_from([None, 1]))
def test_json_says_the_same_without_what_is_obeyed(value, indent):
    """However it is laid out."""
    said = as_json(json.dumps(value, ensure_ascii=False, indent=indent))

    assert json.loads(said) == value
    assert OBEYED.search(said) is None


@given(TEXT)
def test_plain_text_is_one_line_or_its_own_lines(text):
    """Each sign that would be obeyed is one that is seen."""
    assert OBEYED.search(plain(text) + plain(text, lines=True)) is None
    assert "\n" not in plain(text)
    assert plain(text, lines=True).count("\n") == text.count("\n")
    assert len(plain(text)) == len(text)
