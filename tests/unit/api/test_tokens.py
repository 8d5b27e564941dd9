"""Tokens: made once, private, told apart, and refused when others could have read them."""

import pytest

from chorus_tui.contract.operations import Scope
from chorus_tui.engine.api.tokens import TokenFileError, Tokens


def test_made_once_and_private(tmp_path):
    """The first start writes three tokens, mode 0600; the second reads the same ones."""
    path = tmp_path / "api.tokens"
    first = Tokens.load_or_create(path)
    second = Tokens.load_or_create(path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert first.secrets() == second.secrets()
    assert len(set(first.secrets())) == 3
    assert [first.scope_of(token) for token in first.secrets()] == list(Scope)


@pytest.mark.parametrize("token", ["", "x", "chorus-admin-", "\udcff", "é" * 40])
def test_wrong_token(tmp_path, token):
    """A token that is none has no scope, whatever its characters."""
    assert Tokens.load_or_create(tmp_path / "t").scope_of(token) is None


def test_readable_by_others(tmp_path):
    """A file that others can read is refused, and the text says how to mend it."""
    path = tmp_path / "t"
    Tokens.load_or_create(path)
    path.chmod(0o644)

    with pytest.raises(TokenFileError, match="chmod 600"):
        Tokens.load_or_create(path)


@pytest.mark.parametrize("text", ["", "admin", "root aaaaaaaaaaaaaaaaaaaa", "read short", "read " + "a" * 20])
def test_damaged(tmp_path, text):
    """A damaged or incomplete file is an error that names it, never a door without a lock."""
    path = tmp_path / "t"
    path.write_text(text)
    path.chmod(0o600)

    with pytest.raises(TokenFileError, match=str(path)):
        Tokens.load_or_create(path)


def test_link_is_not_followed(tmp_path):
    """A symbolic link in the place of the file is refused."""
    Tokens.load_or_create(tmp_path / "t")
    (tmp_path / "link").symlink_to(tmp_path / "t")

    with pytest.raises(TokenFileError):
        Tokens.load_or_create(tmp_path / "link")
