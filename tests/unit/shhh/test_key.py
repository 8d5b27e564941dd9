"""The key of the hashes in markers: kept over restarts, replaced when it is none."""

from __future__ import annotations

import pytest

from chorus_tui.engine.runtime.secrecy.book import KEY_BYTES, KeyFileError, kept_key


def test_the_key_is_kept(tmp_path):
    """Equal at the next start, for its owner's eyes, with nothing beside it."""
    path = tmp_path / "shhh.key"
    key = kept_key(path)

    assert len(key) == KEY_BYTES
    assert kept_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("written", [b"", b"\n", b"z" * 32 + b"\n", b"\xff" * 33, b"ab" * 8, b"ab" * 40])
def test_a_key_that_is_none_is_made_anew(tmp_path, written):
    """Empty, torn, no hex: the engine starts, and the next start has the same key."""
    path = tmp_path / "shhh.key"
    path.write_bytes(written)
    key = kept_key(path)

    assert len(key) == KEY_BYTES
    assert kept_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_key_that_cannot_be_kept_is_told_with_its_file(tmp_path):
    """In words for whoever starts the engine."""
    (tmp_path / "shhh.key").mkdir()

    with pytest.raises(KeyFileError, match=r"shhh\.key: Is a directory"):
        kept_key(tmp_path / "shhh.key")
