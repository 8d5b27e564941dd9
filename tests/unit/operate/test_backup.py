"""A backup of a data folder: what is in it, what is not, and what is never restored."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import os
import shutil
import sqlite3
import tarfile
from pathlib import Path
from typing import get_args

import pytest

from chorus_tui.contract.models.portals import PortalKind
from chorus_tui.engine.control.store import ControlStore
from chorus_tui.engine.data_folder import FolderLocked
from chorus_tui.engine.journal.database import StoreError
from chorus_tui.engine.runtime import stores
from chorus_tui.engine.runtime.backup import contents, restoring
from chorus_tui.engine.runtime.backup.contents import ABOUT, SUMS, About, BadBackup
from chorus_tui.engine.runtime.backup.making import make
from chorus_tui.engine.runtime.backup.restoring import restore
from chorus_tui.engine.vault import archives
from chorus_tui.engine.vault.age_identity import AgeKeyError
from chorus_tui.engine.vault.files import decrypt, encrypt
from chorus_tui.engine.vault.interface import NotForUs, NotReadable

OLD = Path(__file__).parents[2] / "vectors/data-format-1"


class Case:
    """A data folder, the key of its backups, and an empty place."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "peer"
        shutil.copytree(OLD, self.folder)
        (self.folder / "identity.key").chmod(0o600)
        (self.folder / "blobs/ab").mkdir(parents=True)
        (self.folder / "blobs/ab/abcd").write_bytes(b"a blob" * 100_000)
        self.recipient = archives.make_key(tmp_path / "key")
        self.keys = archives.keys_of(tmp_path / "key")
        self.file = tmp_path / "backup.age"
        self.target = tmp_path / "restored"

    def make(self) -> None:
        make(self.folder, self.file, [self.recipient])

    def restore(self):
        return restore(self.file, self.target, "agent", self.keys)

    def left(self) -> list[str]:
        """What stands in the place to restore to, besides the lock."""
        return sorted(path.name for path in self.target.iterdir() if path.name != "engine.lock")

    def members(self) -> dict[str, bytes]:
        with tarfile.open(fileobj=io.BytesIO(decrypt(self.file.read_bytes(), self.keys))) as archive:
            return {member.name: archive.extractfile(member).read() for member in archive}

    def seal(self, members: list[tuple[str, bytes]], kind: bytes = tarfile.REGTYPE) -> None:
        """Somebody else's archive in the place of ours."""
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            for name, content in members:
                info = tarfile.TarInfo(name)
                info.size, info.type, info.linkname = (
                    len(content),
                    kind if name == "odd" else tarfile.REGTYPE,
                    "/etc/passwd",
                )
                archive.addfile(info, io.BytesIO(content))
        self.file.write_bytes(encrypt(out.getvalue(), [self.recipient]))


@pytest.fixture
def case(tmp_path) -> Case:
    return Case(tmp_path)


def test_what_is_restored_is_what_was_there(case):
    """Files of every kind come back byte by byte, mode 0600; the stores come back entry by entry, verified."""
    case.make()
    answer = case.restore()

    assert (answer.files, answer.control_entries, answer.problems) == (4, 4, [])
    assert answer.entries == 13
    for name in ("identity.key", "blobs/ab/abcd"):
        assert (case.target / name).read_bytes() == (case.folder / name).read_bytes()
        assert (case.target / name).stat().st_mode & 0o777 == 0o600
    assert case.left() == ["blobs", "control.db", "identity.key", "journal.db"]


def test_nothing_of_the_moment_is_in_it(case):
    """No lock, no log of SQLite beside its store, no half of a blob, no report of a failure; the copies that a killed backup left
    are not in it either, and gone from the folder."""
    for name in ("engine.lock", "journal.db-wal", "blobs/partial/x", "crashes/1.json", ".backup-x/journal.db"):
        (case.folder / name).parent.mkdir(exist_ok=True)
        (case.folder / name).write_bytes(b"")
    (case.folder / "link").symlink_to("/etc/passwd")
    case.make()

    assert list(case.members()) == [ABOUT, "control.db", "journal.db", "identity.key", "blobs/ab/abcd", SUMS]
    assert not list(case.folder.glob(".backup-*"))


def test_the_log_and_the_invitations_stay_where_they_are():
    """Not packed; a backup of before, which has them, is restored all the same."""
    logs = [f"portal-{kind}.log" for kind in get_args(PortalKind)]
    for name in ("engine.log", *logs, "portals/ssh-7.json", "portals/7-abc"):
        assert not contents.belongs(name)
        assert contents.file_name(name) == name
    assert contents.belongs("engine.logs")


def test_a_copy_votes_for_nobody(case, tmp_path):
    """What makes a store a voter, its binding and incarnation, is not in it, nor whom it voted for; its term is."""
    with contextlib.closing(sqlite3.connect(case.folder / "control.db")) as before:
        state = dict(before.execute("SELECT name, value FROM state"))
    assert state["bound_to"]
    assert '"vote": "12D3' in state["hard"]
    case.make()
    case.restore()
    database = stores.open_store(case.target, stores.CONTROL)
    try:
        store = ControlStore(database)

        assert (store.bound_to(), store.incarnation()) == (None, "")
        assert (store.hard_state().term, store.hard_state().vote) == (1, None)
    finally:
        database.close()


def test_nothing_in_clear_reaches_the_disk(case):
    """The file has neither the peer's key nor a word of the journal in it, and only its owner may read it."""
    case.make()
    sealed = case.file.read_bytes()

    assert (case.folder / "identity.key").read_bytes() not in sealed
    assert b"reason 1" not in sealed
    assert case.file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "name", ["../x", "/outside", "a/../../x", "a//x", "./x", "engine.lock", "a\nb", ".restoring/x", "control.db-wal"]
)
def test_no_file_leads_out_of_the_folder(case, name):
    """Names that lead elsewhere, or that no data folder keeps, end the restoring; nothing is written there, nothing of it stays."""
    around = sorted(case.target.parent.iterdir())
    elsewhere = case.target.parent / "elsewhere"
    name = name.replace("/outside", str(elsewhere))
    told = About(backup=1, version="1", made_at="", peer_id="", formats={}).model_dump_json().encode()
    case.seal([(ABOUT, told), ("identity.key", b"x"), (name, b"x"), (SUMS, b"")])
    with pytest.raises(BadBackup, match="no data folder has"):
        case.restore()

    assert case.left() == []
    assert sorted(path for path in case.target.parent.iterdir() if path != case.target) == sorted({*around, case.file})


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_nothing_but_plain_files_is_restored(case, kind):
    """A link could be written through."""
    told = About(backup=1, version="1", made_at="", peer_id="", formats={}).model_dump_json().encode()
    case.seal([(ABOUT, told), ("odd", b""), (SUMS, b"")], kind)
    with pytest.raises(BadBackup, match="no backup holds"):
        case.restore()

    assert case.left() == []


def test_a_newer_backup_is_refused_with_both_versions(case):
    """By its first member, before anything else is looked at."""
    told = About(backup=9, version="7.1", made_at="", peer_id="", formats={}).model_dump_json().encode()
    case.seal([(ABOUT, told)])
    with pytest.raises(BadBackup, match=r"format 9, made by version 7\.1; this version reads up to format 1"):
        case.restore()


def test_a_newer_store_is_refused(case):
    """The backup may be old, what is in it not."""
    with contextlib.closing(sqlite3.connect(case.folder / "control.db")) as store:
        store.execute("PRAGMA user_version=1")
    case.make()
    members = case.members()
    changed = io.BytesIO(members["control.db"]).getbuffer()
    changed[60:64] = (9).to_bytes(4, "big")  # SQLite's user version
    members["control.db"] = bytes(changed)
    members[SUMS] = contents.sums(
        {name: hashlib.sha256(raw).hexdigest() for name, raw in members.items() if name not in (ABOUT, SUMS)}
    )
    case.seal(list(members.items()))
    with pytest.raises(StoreError, match="format 9"):
        case.restore()

    assert case.left() == []


@pytest.mark.parametrize("at", [0.02, 0.5, 0.9999])
def test_a_cut_backup_is_not_restored(case, at):
    """Wherever it ends: a part of a history is not taken for the whole."""
    case.make()
    whole = case.file.read_bytes()
    case.file.write_bytes(whole[: int(len(whole) * at)])
    with pytest.raises((NotReadable, BadBackup)):
        case.restore()

    assert case.left() == []


def test_an_archive_that_ends_too_early_is_not_restored(case):
    """Sealed well, but its last member lacks, or a file that this names."""
    case.make()
    members = case.members()
    sums = members.pop(SUMS)
    case.seal(list(members.items()))
    with pytest.raises(BadBackup, match="not a whole one"):
        case.restore()
    del members["blobs/ab/abcd"]
    case.seal([*members.items(), (SUMS, sums)])
    with pytest.raises(BadBackup, match="blobs/ab/abcd"):
        case.restore()

    assert case.left() == []


def test_an_entry_that_does_not_verify_is_dropped_and_told(case):
    """Members bring it again; a decision that does not verify refuses the whole, since nothing can be built on it."""
    with contextlib.closing(sqlite3.connect(case.folder / "journal.db")) as store, store:
        store.execute("UPDATE entries SET sig = replace(sig, substr(sig, 1, 8), '00000000') WHERE seq = 12")
    case.make()
    answer = case.restore()

    assert answer.entries == 12
    assert "12" in answer.problems[0]
    shutil.rmtree(case.target)
    with contextlib.closing(sqlite3.connect(case.folder / "control.db")) as store, store:
        store.execute("UPDATE log SET sig = replace(sig, substr(sig, 1, 8), '00000000') WHERE idx = 3")
    case.file.unlink()
    case.make()
    with pytest.raises(BadBackup, match="does not verify"):
        case.restore()

    assert case.left() == []


def test_only_its_key_opens_it(case, tmp_path):
    """Another key is told so; a file that is no backup, too."""
    case.make()
    archives.make_key(tmp_path / "other")
    with pytest.raises(NotForUs):
        restore(case.file, case.target, "agent", archives.keys_of(tmp_path / "other"))
    case.file.write_bytes(b"no age file")
    with pytest.raises(NotReadable):
        case.restore()
    case.file.write_bytes(encrypt(b"not a tar archive" * 100, [case.recipient]))
    with pytest.raises(BadBackup):
        case.restore()

    assert case.left() == []


def test_only_into_an_empty_folder_that_nobody_uses(case):
    """What is there is named and stays."""
    case.make()
    case.target.mkdir()
    (case.target / "mine").write_text("x")
    with pytest.raises(BadBackup, match="mine"):
        case.restore()
    assert (case.target / "mine").read_text() == "x"
    (case.target / "mine").unlink()
    held = restoring.DataFolder.open(case.target, "agent")
    try:
        with pytest.raises(FolderLocked):
            case.restore()
    finally:
        held.close()


def test_no_engine_starts_on_half_a_restored_folder(case):
    """The folder inside tells that not everything is in its place; an engine would make another peer of it."""
    case.target.mkdir()
    (case.target / contents.UNFINISHED).mkdir()
    with pytest.raises(StoreError, match="did not end"):
        stores.check(case.target)


def test_one_backup_of_a_folder_is_made_at_a_time(case, tmp_path):
    """A second one is refused while the first is made: it would take away its copies."""
    handle = os.open(case.folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(BadBackup, match="Another backup"):
            case.make()
    finally:
        os.close(handle)
    case.make()

    assert case.file.exists()


def test_what_cannot_be_made_leaves_nothing(case, tmp_path):
    """Not over a file that is there, not for a recipient that is none, not of a folder without a peer."""
    case.make()
    there = case.file.read_bytes()
    with pytest.raises(BadBackup, match="is there already"):
        case.make()
    with pytest.raises(AgeKeyError, match="no age recipient"):
        make(case.folder, tmp_path / "x", ["age1nonsense"])
    with pytest.raises(BadBackup, match="no data folder"):
        make(tmp_path / "nobody", tmp_path / "x", [case.recipient])
    (case.folder / "journal.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreError, match="damaged"):
        make(case.folder, tmp_path / "x", [case.recipient])

    assert case.file.read_bytes() == there
    assert not [path for path in tmp_path.iterdir() if "x" in path.name.split(".")]
