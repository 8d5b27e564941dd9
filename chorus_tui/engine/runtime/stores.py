"""The stores of a data folder: the one table of files with a format, and the look at all of them before any is touched."""

from __future__ import annotations

from pathlib import Path

from chorus_tui.engine.callbacks import store as callback_store
from chorus_tui.engine.control import store as control_store
from chorus_tui.engine.journal import store as feed_store
from chorus_tui.engine.journal.database import SqliteDatabase, StoreError, refuse_newer
from chorus_tui.engine.runtime.backup.contents import UNFINISHED

CONTROL, JOURNAL, CALLBACKS = "control.db", "journal.db", "callbacks.db"
SCHEMAS = {CONTROL: control_store.SCHEMA, JOURNAL: feed_store.SCHEMA, CALLBACKS: callback_store.SCHEMA}
"""File: what leads from each of its formats to the next."""


def check(folder: Path) -> None:
    """Raises ``StoreError`` when a newer version wrote any of them, or when they are not all there yet.

    Before the first is opened: one that is older would be brought to this version's format, and then the newer version that
    the folder belongs to would find the folder in two formats.
    """
    if (folder / UNFINISHED).exists():
        raise StoreError(
            f"A backup was being restored into {folder}, and that did not end. Empty the folder and restore it again"
        )
    for name, schema in SCHEMAS.items():
        refuse_newer(folder / name, schema)


def open_store(folder: Path, name: str) -> SqliteDatabase:
    """One of them, in this version's format. Raises ``StoreError``."""
    return SqliteDatabase.open(folder / name, SCHEMAS[name])
