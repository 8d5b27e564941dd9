"""The vectors of the age format by its authors: right, or refused as not supported."""

from __future__ import annotations

from pathlib import Path

import pytest

from chorus_tui.engine.vault.files import decrypt
from chorus_tui.engine.vault.header import Unsupported
from chorus_tui.engine.vault.interface import NotReadable
from tests.vectors.age_vectors import judge, load, markdown

VECTORS = {vector.name: vector for vector in load()}


@pytest.mark.parametrize("name", VECTORS)
def test_each_vector_is_right_or_refused_as_unsupported(name):
    """Unsupported only where it takes a passphrase or a post-quantum key; where it opens, its content has the hash named. Before an
    error nothing is released at all."""
    outcome = judge(VECTORS[name])

    assert outcome.verdict in ("right", "unsupported"), outcome
    assert outcome.verdict == "right" or VECTORS[name].needs


def test_the_page_is_what_the_script_writes():
    """``docs/age-vectors.md`` tells of this code."""
    page = Path(__file__).parents[3] / "docs" / "age-vectors.md"
    assert page.read_text(encoding="utf-8") == markdown(), "run: make age-vectors"


@pytest.mark.parametrize("name", ["stanza_missing_body", "stanza_missing_final_line", "scrypt_work_factor_23"])
def test_what_the_library_would_take_is_refused_before_it_sees_it(name):
    """The three files that the age library opens although the format forbids them: by our own words, not as damaged."""
    with pytest.raises(NotReadable, match="not opened"):
        decrypt(VECTORS[name].file, [])


def test_white_space_round_an_armoured_file_is_taken_off():
    """The one file that the library refuses although the format allows it."""
    assert judge(VECTORS["armor_whitespace_outside"]).why == "opened, 3 bytes"


@pytest.mark.parametrize(("name", "kind"), [("scrypt", "passphrase"), ("hybrid", "mlkem768x25519")])
def test_what_is_not_supported_is_told_by_its_kind(name, kind):
    """Typed, so that a caller can say so."""
    with pytest.raises(NotReadable, match=kind) as caught:
        decrypt(VECTORS[name].file, [])
    assert isinstance(caught.value.__cause__, Unsupported)
