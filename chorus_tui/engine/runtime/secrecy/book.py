"""Keeps the audit book and the key of its hashes in the data folder, mode 0600, so that equal secrets stay equal over restarts."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

import structlog
import trio

from chorus_tui.engine.private_file import replace_private
from chorus_tui.engine.shhh.audit import AuditBook

log = structlog.get_logger("chorus.shhh")

KEY_BYTES: Final = 16
WRITE_S: Final = 5.0


class KeyFileError(Exception):
    """The key file cannot be kept. The text names it and says why."""


def kept_key(path: Path) -> bytes:
    """The key; a fresh one on first use, and when what is there is none. Raises :class:`KeyFileError`."""
    try:
        key = _read(path)
        if key is None:
            key = os.urandom(KEY_BYTES)
            replace_private(path, f"{key.hex()}\n".encode())
    except OSError as error:
        raise KeyFileError(f"Cannot keep the key of SHHH in {path}: {error.strerror}") from error
    return key


def _read(path: Path) -> bytes | None:
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        return None
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        log.warning("⚠️ The key of SHHH is damaged and made anew; markers made before are told apart", file=str(path))
        return None
    return key


class KeptBook:
    """Reads the book at the start and writes it while the engine runs."""

    def __init__(self, path: Path, book: AuditBook) -> None:
        self._path = path
        self._book = book
        self._written = book.changes
        if path.exists():
            self._restore()

    def _restore(self) -> None:
        try:
            stored = json.loads(self._path.read_bytes())
            self._book.restore(stored if isinstance(stored, list) else [])
        except (OSError, ValueError, TypeError):
            log.warning("⚠️ The audit book of SHHH cannot be read and begins anew", file=str(self._path))

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Write what is new every few seconds, and once more at the end."""
        task_status.started()
        try:
            while True:
                await trio.sleep(WRITE_S)
                if self._written != self._book.changes:
                    await trio.to_thread.run_sync(self.write)
        finally:
            self.write()

    def write(self) -> None:
        """In one step, so that a crash leaves the old or the new. Raises ``OSError``: what is not kept shows as a service that fails."""
        changes = self._book.changes
        replace_private(self._path, json.dumps(self._book.stored()).encode())
        self._written = changes
