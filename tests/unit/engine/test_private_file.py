"""Private files: made, read, refused; whatever stands in their place."""

from __future__ import annotations

import os
import stat

import pytest

from chorus_tui.engine.data_folder import DataFolder, FolderError
from chorus_tui.engine.private_file import (
    NotPrivate,
    create_private,
    open_private,
    own_folder,
    read_private,
    replace_private,
)


@pytest.fixture(autouse=True)
def _nothing_is_masked():
    """As if somebody's shell masked nothing."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_made_private_whatever_the_mask(tmp_path):
    """A file 0600 and a folder 0700; an own folder that others can enter is closed; what is there is not made again."""
    folder = tmp_path / "a" / "b"
    own_folder(folder)
    create_private(folder / "key", b"k")
    open_to_all = tmp_path / "open"
    open_to_all.mkdir(0o777)
    own_folder(open_to_all)

    assert (mode(folder), mode(folder / "key"), mode(open_to_all)) == (0o700, 0o600, 0o700)
    assert read_private(folder / "key") == b"k"
    with pytest.raises(FileExistsError):
        create_private(folder / "key", b"other")


def test_what_is_not_private_is_refused_with_the_way_out(tmp_path):
    """Readable by others, a symbolic link, a hard link, a folder, a pipe: each refused, nothing behind it is touched."""
    secret = tmp_path / "elsewhere"
    create_private(secret, b"precious")
    cases = {
        "link": "is a link",
        "hard": "2 names",
        "wide": "chmod 600",
        "folder": "no plain file",
        "pipe": "no plain file",
    }
    (tmp_path / "link").symlink_to(secret)
    create_private(tmp_path / "other", b"x")
    os.link(tmp_path / "other", tmp_path / "hard")
    create_private(tmp_path / "wide", b"w")
    (tmp_path / "wide").chmod(0o640)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name, said in cases.items():
        with pytest.raises(NotPrivate, match=said):
            read_private(tmp_path / name)

    with pytest.raises(NotPrivate, match="is a link"):
        open_private(tmp_path / "link", os.O_RDWR | os.O_CREAT)
    assert secret.read_bytes() == b"precious"


@pytest.mark.parametrize("name", ["engine.lock", "identity.key"])
@pytest.mark.parametrize("target", ["file", "nothing", "hard"])
def test_links_in_the_data_folder_are_not_written_through(tmp_path, name, target):
    """A link in the place of the lock or of the key ends the start with its name; what it leads to stays as it is."""
    folder, outside = tmp_path / "data", tmp_path / "outside"
    folder.mkdir(0o700)
    if target != "nothing":
        create_private(outside, b"precious")
    if target == "hard":
        os.link(outside, folder / name)
    else:
        (folder / name).symlink_to(outside)
    with pytest.raises(FolderError, match=name):
        DataFolder.open(folder, "agent").identity()

    assert (outside.read_bytes() if target != "nothing" else outside.exists()) in (b"precious", False)


def test_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    """What was left beside it by a crash goes, a link there is not written through, and what cannot be written leaves the old one and nothing
    beside it."""
    path, elsewhere = tmp_path / "key", tmp_path / "elsewhere"
    elsewhere.write_bytes(b"precious")
    (tmp_path / ".key.new").symlink_to(elsewhere)
    replace_private(path, b"one")
    (tmp_path / ".key.new").write_bytes(b"half of it")
    replace_private(path, b"two")
    assert (read_private(path), mode(path), elsewhere.read_bytes()) == (b"two", 0o600, b"precious")

    def no_room(_handle) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(OSError, match="No space"):
        replace_private(path, b"three")
    assert read_private(path) == b"two"
    assert {one.name for one in tmp_path.iterdir()} == {"key", "elsewhere"}
