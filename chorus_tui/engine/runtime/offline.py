"""Work on a journal without an engine: ``python -m chorus_tui.engine journal rebuild|verify``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import trio

from chorus_tui.contract.harmless import as_json
from chorus_tui.contract.models.journal import Rebuilt, Verification
from chorus_tui.engine.data_folder import DataFolder, FolderError
from chorus_tui.engine.journal.database import StoreError
from chorus_tui.engine.journal.rebuilding import rebuild
from chorus_tui.engine.runtime import stores
from chorus_tui.engine.runtime.verifying import verify
from chorus_tui.locations import data_dir


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the ``journal`` command."""
    actions = parser.add_subparsers(dest="action", required=True)
    anew = actions.add_parser("rebuild", help="make what is derived anew from the verified entries")
    anew.add_argument("--kind", choices=["agent", "human"], default="agent")
    anew.add_argument("--data-dir", help="data folder; default: CHORUS_DATA_DIR, or one per kind")
    anew.add_argument("--json", action="store_true")
    check = actions.add_parser("verify", help="check an export; nothing else is needed")
    check.add_argument("--json", action="store_true")
    check.add_argument("file", metavar="FILE")


def run(arguments: argparse.Namespace) -> int:
    """Exit codes: 0 well, 1 something was wrong, or folder or file cannot be used."""
    return _verify(arguments) if arguments.action == "verify" else _anew(arguments)


def _verify(arguments: argparse.Namespace) -> int:
    try:
        with Path(arguments.file).open("rb") as file:
            answer = verify(file)
    except OSError as error:
        print(f"✗ {arguments.file} cannot be read: {error.strerror}", file=sys.stderr)
        return 1
    if arguments.json:
        print(as_json(answer.model_dump_json()))
    else:
        _print_verified(answer)
    return 0 if answer.ok else 1


def _anew(arguments: argparse.Namespace) -> int:
    folder = data_dir(arguments.kind, arguments.data_dir or os.environ.get("CHORUS_DATA_DIR"))
    try:
        answer = _rebuild(folder, arguments.kind)
    except (FolderError, StoreError) as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(as_json(answer.model_dump_json()))
    else:
        _print_rebuilt(answer)
    return 0 if answer.ok else 1


def _rebuild(path: Path, kind: str) -> Rebuilt:
    """Raises :class:`FolderError` when an engine runs on the folder, or when there is no journal."""
    file = path / stores.JOURNAL
    if not file.exists():
        raise FolderError(f"There is no journal in {path}. --data-dir names the folder of the peer that is meant")
    folder = DataFolder.open(path, kind)
    try:
        stores.check(path)
        print(f"⚠️ Rebuilding {file}: every entry is verified, and what does not verify is dropped", file=sys.stderr)
        database = stores.open_store(path, stores.JOURNAL)
        try:
            return trio.run(rebuild, database)
        finally:
            database.close()
    finally:
        folder.close()


def _print_verified(answer: Verification) -> None:
    word = "All well" if answer.ok else f"{len(answer.problems)} problems"
    erased = f", {answer.erased} of them without their text" if answer.erased else ""
    print(f"{word}: {answer.feeds} feeds, {answer.entries} entries{erased}, {answer.control_entries} control entries")
    for text in [*answer.problems, *answer.forks]:
        print(f"  {text}")


def _print_rebuilt(answer: Rebuilt) -> None:
    for problem in answer.problems:
        print(f"  {problem}")
    print(f"{answer.entries} entries verify; {answer.corrected} of them were found under wrong columns")
    if answer.bodies_dropped or answer.entries_dropped:
        print(
            f"⚠️ {answer.entries_dropped} entries and {answer.bodies_dropped} bodies were dropped. Members that hold them bring them "
            "again when the engine runs; what nobody else held is lost"
        )
