"""What a caller gives for base64 is bytes, or refused by the name of its field: nothing in between."""

from __future__ import annotations

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chorus_tui.contract.problem import Problem
from chorus_tui.engine import service_settings
from chorus_tui.engine.carried_bytes import decoded


@given(st.binary())
def test_what_was_encoded_comes_back(data):
    """Whatever the bytes."""
    assert decoded(base64.b64encode(data).decode(), "file.content") == data


@given(st.text())
@example("aé=")
@example("=")
def test_any_text_is_decoded_or_refused_by_the_name_of_its_field(text):
    """No text, of whatever alphabet, ends in an error of another kind."""
    refused = None
    try:
        decoded(text, "data")
    except Problem as problem:
        refused = problem

    assert refused is None or (refused.status, set(refused.fields)) == (422, {"data"})


@given(st.text(min_size=1))
@example("ключ")
def test_a_key_of_any_alphabet_is_a_key_or_a_wrong_value(text):
    """A setting that is no key is told as one, and does not end the start in an error of its own."""
    if len(text) == 64:
        return
    with pytest.raises(ValueError, match="not a public key"):
        service_settings.public_key(text)
