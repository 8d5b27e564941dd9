"""``age.key``: one plain age identity file, whole at any moment."""

from __future__ import annotations

import os
import subprocess

import pytest
from pyrage import x25519

from chorus_tui.engine.vault.age_identity import AgeKeyError
from chorus_tui.engine.vault.key_file import KeyFile, RoleKey

MESH = "ab" * 32


def a_key(keyring: str = "decision", version: int = 1) -> RoleKey:
    return RoleKey(MESH, keyring, version, str(x25519.Identity.generate()))


def test_it_is_made_once_and_read_again(tmp_path):
    """Mode 0600; own identity first; role keys with a line for people above each; the age tools read it."""
    path = tmp_path / "age.key"
    made = KeyFile.load_or_create(path)
    key = a_key("role:review", 3)
    recipient = made.add(key)
    again = KeyFile.load_or_create(path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert (again.own.recipient, again.keys) == (made.own.recipient, {recipient: key})
    assert f"# keyring role:review, version 3, mesh {MESH}\n{key.secret}\n" in path.read_text()
    tool = subprocess.run(["age-keygen", "-y", str(path)], capture_output=True, text=True, check=True)
    assert tool.stdout.split() == [made.own.recipient, recipient]


def test_a_key_is_on_the_disk_before_it_is_used(tmp_path, monkeypatch):
    """When the disk refuses, it is not known here either, and what was there stays."""
    path = tmp_path / "age.key"
    made = KeyFile.load_or_create(path)
    before = path.read_text()

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(AgeKeyError, match="No space left"):
        made.add(a_key())
    assert not made.keys
    assert path.read_text() == before


def test_a_key_that_lost_is_taken_out_and_nothing_else(tmp_path):
    """By its recipient."""
    made = KeyFile.load_or_create(tmp_path / "age.key")
    first, second, third = (made.add(a_key(version=n)) for n in (1, 2, 3))
    made.forget(second)
    assert set(KeyFile.load_or_create(tmp_path / "age.key").keys) == set(made.keys) == {first, third}
    assert len(made.identities) == 3


def test_lines_by_hand_stay(tmp_path):
    """An identity that a person put there opens files too, and is kept."""
    path = tmp_path / "age.key"
    KeyFile.load_or_create(path)
    mine = str(x25519.Identity.generate())
    with path.open("a") as file:
        file.write(f"\n# an old one of mine\n{mine}\n")
    made = KeyFile.load_or_create(path)
    made.add(a_key())
    assert f"# an old one of mine\n{mine}\n" in path.read_text()
    assert len(made.identities) == 3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no age identity; restore it"),
        ("# only a comment\n", "no age identity; restore it"),
        ("AGE-SECRET-KEY-1QQQQ\n", "line 1: .*restore the file from a backup"),
        (
            "{secret}\n# keyring decision, version 1, mesh " + MESH + "\n{torn}\n",
            "line 3: .*given to this peer again",
        ),
        ("{secret}\n\x00\x00\x00", "line 2"),
    ],
    ids=["empty", "comment", "short", "torn", "zeros"],
)
def test_a_damaged_file_says_which_line_and_what_to_do(tmp_path, text, says):
    """Never a new identity in its place, which would lose the old one."""
    path = tmp_path / "age.key"
    secret = str(x25519.Identity.generate())
    path.write_text(text.replace("{secret}", secret).replace("{torn}", secret[:-9]))
    path.chmod(0o600)
    before = path.read_bytes()
    with pytest.raises(AgeKeyError, match=says) as caught:
        KeyFile.load_or_create(path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before


def test_others_may_not_read_it(tmp_path):
    """With the line that mends it."""
    path = tmp_path / "age.key"
    KeyFile.load_or_create(path)
    path.chmod(0o644)
    with pytest.raises(AgeKeyError, match="chmod 600"):
        KeyFile.load_or_create(path)
