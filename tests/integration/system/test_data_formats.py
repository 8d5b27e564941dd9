"""The formats of a data folder: what an older version wrote is taken up, what a newer one wrote is left as it is."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import sqlite3
from pathlib import Path

import pytest

from chorus_tui import __version__
from chorus_tui.engine.journal.database import NewerFormat, format_of
from chorus_tui.engine.runtime import stores
from tests.integration.system.peers import Peer, mesh
from tests.integration.system.test_errors import ended

OLD = Path(__file__).parents[2] / "vectors/data-format-1"
STRANGER = "12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X"
PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ana\n"
USES = (
    (("ucxl", "put", "ucxl://ana:tester@shop:api/*^/a.txt", "-"), "words"),
    (("hmmm", "send", "1", f"look: ghp_{'aB3dE6gH9' * 4}"), ""),
    (("peers", "block", STRANGER, "--why", "a test"), ""),
    (("token", "new", "--scope", "read", "--name", "t"), ""),
    (("ssh", "--show"), ""),
    (("ssh", "keys", "add", "-", "--person", "ana"), PUBLIC),
)
"""What a person does that leaves something on the disk."""
ELSEWHERE = {
    ".backup-<name>/", ".restoring/", "blobs/held/<hash>", "blobs/partial/<name>", "crashes/<name>.json", "engine.log", "license.token",
    "portal-ssh.log", "portal-web.log", "portals/<name>",
}  # fmt: skip
"""What comes by a failure, by others or by a portal alone."""
PROTOCOL = Path(__file__).parents[3] / "docs/protocol.md"
OLD_MESH = "260d0bfa4471a599f64c4ffe2997b535a6dbcdd47451d2c09aaa5fc0fb9e3b59"


def old_folder(where: Path) -> Path:
    """A copy of the folder in format 1, as private as a data folder is."""
    shutil.copytree(OLD, where)
    where.chmod(0o700)
    (where / "identity.key").chmod(0o600)
    return where


def set_format(file: Path, number: int) -> None:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA user_version={number}")


def bytes_of(folder: Path) -> dict[str, str]:
    """Every file by its hash; the lock names its last holder, and is no data."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != "engine.lock"
    }


def test_a_folder_of_the_first_format_is_taken_up(tmp_path):
    """A real engine starts on it: the same peer in the same mesh, every entry and decision there and verified, the stores in
    this version's formats."""
    folder = old_folder(tmp_path / "old")
    peer = Peer(tmp_path, "old").start()
    try:
        peer.ready()
        said = peer.json("journal", "verify")
        mesh = peer.status()["mesh_id"]
        export = peer.run("journal", "export").stdout
    finally:
        peer.stop()

    assert mesh == OLD_MESH
    assert said["ok"], said
    assert said["control_entries"] >= 4
    assert all(f"reason {number}" in export for number in range(12))
    assert all(f"note {number}" in export for number in range(3))
    assert {name: format_of(folder / name) for name in (stores.JOURNAL, stores.CONTROL)} == {
        name: len(stores.SCHEMAS[name]) for name in (stores.JOURNAL, stores.CONTROL)
    }


@pytest.mark.parametrize("newer", [stores.CONTROL, stores.JOURNAL])
def test_a_newer_format_is_refused_and_nothing_is_written(tmp_path, newer):
    """Whichever store is newer, a real engine ends with 1 before it touches any: not a byte of the folder differs, no key is made,
    and the older store beside it stays in its format. The word names both formats and the ways out."""
    folder = old_folder(tmp_path / "new")
    (folder / "identity.key").unlink()
    set_format(folder / newer, 99)
    before = bytes_of(folder)
    code, said = ended(Peer(tmp_path, "new"))

    assert code == 1
    assert f"{newer} was written by a newer chorus-tui: it is in format 99" in said
    assert f"this version, {__version__}, reads up to format {len(stores.SCHEMAS[newer])}" in said
    for way_out in ("Install the newer version", "backup", "CHORUS_DATA_DIR"):
        assert way_out in said
    assert "Traceback" not in said
    assert bytes_of(folder) == before


def test_work_without_an_engine_refuses_a_newer_format_too(tmp_path):
    """``journal rebuild`` would drop what it does not know."""
    folder = old_folder(tmp_path / "new")
    set_format(folder / stores.CONTROL, 2)
    before = bytes_of(folder)
    done = Peer(tmp_path, "new").run("journal", "rebuild", "--data-dir", str(folder))

    assert done.returncode == 1
    assert "it is in format 2" in done.stderr
    assert bytes_of(folder) == before


def test_a_format_that_only_the_log_tells_is_seen(tmp_path):
    """A newer version that was killed left its last transactions in the write-ahead log: they count."""
    folder = old_folder(tmp_path / "killed")
    with contextlib.closing(sqlite3.connect(folder / stores.CONTROL, isolation_level=None)) as living:
        living.execute("PRAGMA journal_mode=WAL")
        living.execute("PRAGMA user_version=7")
        crashed = tmp_path / "crashed"
        shutil.copytree(folder, crashed)
    assert (crashed / f"{stores.CONTROL}-wal").stat().st_size

    with pytest.raises(NewerFormat, match="format 7"):
        stores.check(crashed)


def test_the_page_about_the_disk_tells_the_formats():
    """A format that is raised is raised there, too."""
    page = PROTOCOL.read_text(encoding="utf-8")

    for name, schema in stores.SCHEMAS.items():
        assert f"`{name}` {len(schema)}" in page


def files_told() -> dict[str, re.Pattern[str]]:
    """The files of the table on that page, and what each name in it stands for."""
    chapter = PROTOCOL.read_text(encoding="utf-8").partition("## 14. On disk")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", chapter, re.MULTILINE)
    names = [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]
    return {
        name: re.compile(re.sub(r"<[^>]*>|\\\*", "[^/]+", re.escape(name)) + (".*" if name.endswith("/") else ""))
        for name in names
    }


def names_in(folder: Path) -> set[str]:
    """Of every file, as the page writes them."""
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def test_every_file_of_a_data_folder_stands_on_the_page(tmp_path):
    """A real engine that people used leaves no file, while it runs or at its end, that the page does not name; and what the page names
    is really there, but for what comes in other ways."""
    with mesh(tmp_path) as made:
        (peer,) = made.grow("full", CHORUS_CALLBACK_HOSTS="127.0.0.1")
        for words, given in USES:
            done = peer.run(*words, stdin=given)
            assert done.returncode == 0, done.stderr
        assert peer.run("blobs", "pin", peer.json("blobs", "list")["blobs"][0]["digest"]).returncode == 0
        there = names_in(peer.data_dir)
    there |= names_in(peer.data_dir)
    told = files_told()

    assert [name for name in sorted(there) if not any(one.fullmatch(name) for one in told.values())] == []
    assert {name for name, one in told.items() if not any(one.fullmatch(file) for file in there)} == ELSEWHERE
