"""``python -m chorus_tui.engine bundle``."""

from __future__ import annotations

import argparse
import os
import sys

import trio

from chorus_tui.contract.harmless import as_json, plain
from chorus_tui.engine.runtime.bundle.gathering import CannotWrite, bundle
from chorus_tui.engine.runtime.bundle.secrets import SecretLeft


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the ``bundle`` command."""
    parser.add_argument("--to", metavar="FILE")
    parser.add_argument("--kind", choices=["agent", "human"], default="agent")
    parser.add_argument("--data-dir", help="data folder; default: CHORUS_DATA_DIR, or one per kind")
    parser.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    """Exit codes: 0 written, 1 not."""
    try:
        answer = trio.run(bundle, arguments.kind, os.environ, arguments.data_dir, arguments.to)
    except SecretLeft as error:
        print(f"✗ Nothing was written: {plain(str(error))}. Please report this, naming the part only", file=sys.stderr)
        return 1
    except CannotWrite as error:
        print(f"✗ {plain(str(error))}", file=sys.stderr)
        return 1
    if arguments.json:
        print(as_json(answer.model_dump_json()))
    else:
        print(f"{plain(answer.file)}: {answer.size} bytes, {', '.join(answer.parts)}")
        print(
            "It was searched for secrets. It still names peers, addresses and tasks: look at it before you pass it on"
        )
    return 0
