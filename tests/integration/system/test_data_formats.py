"""The formats of a data folder: what an older version wrote is taken up, what a newer one wrote is left as it is."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from chorus_tui import __version__
from chorus_tui.engine.journal.database import NewerFormat, format_of
from chorus_tui.engine.runtime import stores
from tests.integration.system.peers import Peer
from tests.integration.system.test_errors import ended

OLD = Path(__file__).parents[2] / "vectors/data-format-1"
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
    page = (Path(__file__).parents[3] / "docs/protocol.md").read_text(encoding="utf-8")

    for name, schema in stores.SCHEMAS.items():
        assert f"`{name}` {len(schema)}" in page
