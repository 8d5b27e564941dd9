"""``python -m chorus_tui.engine backup make|restore``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from chorus_tui.contract.counting import many
from chorus_tui.contract.harmless import as_json, plain
from chorus_tui.contract.models.operate import BackedUp, Restored
from chorus_tui.engine.data_folder import FolderError
from chorus_tui.engine.journal.database import StoreError
from chorus_tui.engine.runtime.backup.contents import BadBackup
from chorus_tui.engine.runtime.backup.making import make
from chorus_tui.engine.runtime.backup.restoring import restore
from chorus_tui.engine.vault import archives
from chorus_tui.engine.vault.age_identity import AgeKeyError
from chorus_tui.engine.vault.interface import NotForUs, NotReadable
from chorus_tui.locations import data_dir

_KNOWN = (BadBackup, FolderError, StoreError, AgeKeyError, NotForUs, NotReadable)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the ``backup`` command."""
    actions = parser.add_subparsers(dest="action", required=True)
    making = actions.add_parser("make", help="into a new file")
    making.add_argument("--to", required=True, metavar="FILE")
    making.add_argument("--recipient", action="append", default=[], metavar="age1…")
    making.add_argument("--new-key", metavar="KEYFILE")
    restoring = actions.add_parser("restore", help="into an empty folder")
    restoring.add_argument("file", metavar="FILE")
    restoring.add_argument("--key", required=True, metavar="KEYFILE")
    for one in (making, restoring):
        one.add_argument("--kind", choices=["agent", "human"], default="agent")
        one.add_argument("--data-dir", help="data folder; default: CHORUS_DATA_DIR, or one per kind")
        one.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    """Exit codes: 0 well, 1 not, or something of what was restored had to be dropped."""
    os.umask(0o077)
    folder = data_dir(arguments.kind, arguments.data_dir or os.environ.get("CHORUS_DATA_DIR"))
    try:
        if arguments.action == "make":
            answer: BackedUp | Restored = _made(arguments, folder)
        else:
            print("Every entry is verified; of a long history that takes minutes", file=sys.stderr)
            answer = restore(Path(arguments.file), folder, arguments.kind, archives.keys_of(Path(arguments.key)))
    except _KNOWN as error:
        print(f"✗ {plain(str(error))}", file=sys.stderr)
        return 1
    if arguments.json:
        print(as_json(answer.model_dump_json()))
    elif isinstance(answer, BackedUp):
        _print_made(answer)
    else:
        _print_restored(answer)
    return 1 if isinstance(answer, Restored) and answer.problems else 0


def _made(arguments: argparse.Namespace, folder: Path) -> BackedUp:
    recipients, to = list(arguments.recipient), Path(arguments.to)
    if not arguments.new_key:
        if not recipients:
            raise BadBackup(
                "It holds keys, so it is sealed: name who opens it with --recipient age1…, or make a key with --new-key KEYFILE"
            )
        return make(folder, to, recipients)
    key = Path(arguments.new_key)
    recipients.append(archives.make_key(key))
    try:
        answer = make(folder, to, recipients)
    except BaseException:
        key.unlink(missing_ok=True)
        raise
    print(f"{plain(arguments.new_key)} opens the backup, and nothing else does: keep it apart from it", file=sys.stderr)
    return answer


def _print_made(answer: BackedUp) -> None:
    print(f"{plain(answer.file)}: {answer.size} bytes, {many(answer.files, 'file')} of peer {answer.peer_id}")
    print(f"Whoever has the key of {' or '.join(answer.recipients)} can be this peer with it")


def _print_restored(answer: Restored) -> None:
    print(f"{plain(answer.folder)}: peer {answer.peer_id} as of {plain(answer.made_at)}, {many(answer.files, 'file')}")
    entries, decisions = many(answer.entries, "entry", "entries"), many(answer.control_entries, "decision")
    print(f"verified: {entries}, {decisions}")
    for problem in answer.problems:
        print(f"⚠️ {plain(problem)}")
    print("Start it only where the original never starts again: two copies of one peer fork its feed")
    print("It speaks, reads and works as before, and fetches what it missed")
    print("If it was a voter, it votes again once the admin has made it a voter anew")
