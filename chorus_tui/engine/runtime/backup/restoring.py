"""Restores a backup into an empty folder: nothing of it counts before all of it was verified.

Files come to lie in a folder inside, every store is opened and every signature in it checked, and only then do they take their
places, the peer's key last. While the folder inside is there no engine starts on it (:func:`chorus_tui.engine.runtime.stores.check`).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import trio

from chorus_tui.contract.models.operate import Restored
from chorus_tui.engine.control.store import ControlStore
from chorus_tui.engine.data_folder import DataFolder, kept_identity
from chorus_tui.engine.journal.rebuilding import rebuild
from chorus_tui.engine.runtime import stores
from chorus_tui.engine.runtime.backup import contents
from chorus_tui.engine.runtime.backup.contents import ABOUT, SUMS, UNFINISHED, About, BadBackup
from chorus_tui.engine.vault import archives

_PIECE = 1024 * 1024
_KEY = "identity.key"


def restore(backup: Path, folder: Path, kind: str, keys: Sequence[Any]) -> Restored:
    """Raises :class:`BadBackup`, ``FolderError``, ``StoreError``, ``NotReadable``, ``NotForUs``; then ``folder`` is as empty as it was."""
    held = DataFolder.open(folder, kind)
    inside = folder / UNFINISHED
    try:
        there = sorted({entry.name for entry in folder.iterdir()} - {"engine.lock", "lost+found"})
        if there:
            raise BadBackup(f"{folder} is not empty: it holds {', '.join(there[:3])}. --data-dir names another folder")
        inside.mkdir(mode=0o700)
        try:
            told, hashes = _unpacked(backup, inside, keys)
            verified = _verified(inside, told)
            _take_places(inside, folder)
        except BaseException:
            _empty(folder)
            raise
    except OSError as error:
        raise BadBackup(f"It cannot be restored into {folder}: {error}") from error
    finally:
        held.close()
    return Restored(folder=str(folder), files=len(hashes), peer_id=told.peer_id, made_at=told.made_at, **verified)


def _unpacked(backup: Path, inside: Path, keys: Sequence[Any]) -> tuple[About, dict[str, str]]:
    """All files, each with the hash that the backup tells."""
    end, start = os.pipe()
    failures: list[Exception] = []

    def open_it(file: IO[bytes], out: IO[bytes]) -> None:
        try:
            with out:
                archives.unseal(file, out, keys)
        except Exception as error:  # noqa: BLE001 - raised below, by who waits for it
            failures.append(error)

    with backup.open("rb") as file, os.fdopen(end, "rb") as reader:
        archives.check(file)
        thread = threading.Thread(target=open_it, args=(file, os.fdopen(start, "wb")), name="opening")
        thread.start()
        wrong: Exception | None = None
        try:
            found = _extracted(reader, inside)
            while reader.read(_PIECE):
                pass  # to the end: only age's last piece says that nothing was cut off
        except (tarfile.TarError, BadBackup) as error:
            wrong = error
        finally:
            reader.close()
            thread.join()
    # Where the archive ends too early, age knows why.
    if failures and not (isinstance(wrong, BadBackup) and _broken_pipe(failures[0])):
        raise failures[0]
    if wrong is not None:
        raise wrong if isinstance(wrong, BadBackup) else BadBackup(f"It is no backup: {wrong}")
    return found


def _broken_pipe(error: Exception) -> bool:
    return "pipe" in str(error).lower() or isinstance(error, BrokenPipeError)


def _extracted(reader: IO[bytes], inside: Path) -> tuple[About, dict[str, str]]:
    about: About | None = None
    told: bytes | None = None
    found: dict[str, str] = {}
    with tarfile.open(fileobj=reader, mode="r|") as archive:
        for member in archive:
            data = archive.extractfile(member) if member.isreg() else None
            if data is None or told is not None:
                raise BadBackup(f"It holds something that no backup holds: {member.name!r:.200}")
            if about is None or member.name == SUMS:
                if member.size > contents.MOST_SMALL:
                    raise BadBackup(f"{member.name!r:.200} is too large")
                raw = data.read()
                about, told = (contents.about(raw), None) if about is None else (about, raw)
            else:
                name = contents.file_name(member.name)  # before anything is written under it
                found[name] = _write(inside / name, data)
    if about is None or told is None:
        raise BadBackup(f"It has no {ABOUT} or no {SUMS}: it is no backup, or not a whole one")
    contents.compare(told, found)
    return about, found


def _write(path: Path, data: IO[bytes]) -> str:
    digest = hashlib.sha256()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
        while piece := data.read(_PIECE):
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _verified(inside: Path, told: About) -> dict[str, Any]:
    """Whose it is, and every signature of both stores."""
    me = kept_identity(inside)
    if me is None or me.peer_id != told.peer_id:
        raise BadBackup(f"Its {_KEY} is not that of {told.peer_id}")
    stores.check(inside)
    feeds, decisions = stores.open_store(inside, stores.JOURNAL), stores.open_store(inside, stores.CONTROL)
    try:
        made = trio.run(rebuild, feeds)
        decided, problems = ControlStore(decisions).verify()
    finally:
        feeds.close()
        decisions.close()
    if problems:
        raise BadBackup(f"What it says was decided does not verify: {problems[0]}. Take another backup")
    return {"entries": made.entries, "control_entries": decided, "problems": made.problems}


def _take_places(inside: Path, folder: Path) -> None:
    for entry in sorted(inside.iterdir(), key=lambda entry: entry.name == _KEY):
        entry.rename(folder / entry.name)
    inside.rmdir()
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.name in ("engine.lock", "lost+found"):
            continue
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
