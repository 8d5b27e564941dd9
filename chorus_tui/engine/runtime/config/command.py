"""``python -m chorus_tui.engine config check``."""

from __future__ import annotations

import argparse
import os
import sys
from itertools import groupby
from pathlib import Path

import trio

from chorus_tui.contract.harmless import as_json, plain
from chorus_tui.contract.models.operate import Configuration, EffectiveSetting
from chorus_tui.engine.runtime.config.assigned import assigned
from chorus_tui.engine.runtime.config.effective import EnvironmentFileError, check


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the ``config`` command."""
    actions = parser.add_subparsers(dest="action", required=True)
    checks = actions.add_parser("check", help="effective values, origins, faults, clashes")
    checks.add_argument("--with", dest="other", metavar="OTHER.env", type=Path)
    checks.add_argument("--same-machine", action="store_true")
    checks.add_argument("--kind", choices=["agent", "human"], default="agent")
    checks.add_argument("--data-dir", help="overrides CHORUS_DATA_DIR, as it does when an engine starts")
    checks.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    """Exit codes: 0 all can be used, 1 the two clash, 2 something is wrong."""
    environ = dict(os.environ)
    if arguments.data_dir:
        environ["CHORUS_DATA_DIR"] = arguments.data_dir
        environ.pop("CHORUS_DATA_DIR_FILE", None)
    try:
        said, troubles = trio.run(assigned, environ, arguments.kind)
        answer = check(environ, arguments.kind, arguments.other, same_machine=arguments.same_machine, assigned=said)
    except EnvironmentFileError as error:
        print(f"✗ {plain(str(error))}", file=sys.stderr)
        return 2
    answer = answer.model_copy(update={"warnings": [*answer.warnings, *troubles]})
    if arguments.json:
        print(as_json(answer.model_dump_json()))
    else:
        _print(answer)
    return 2 if answer.problems else 1 if any(clash.fatal for clash in answer.clashes) else 0


def _print(answer: Configuration) -> None:
    width = max(len(one.name) for one in answer.settings)
    for group, rows in groupby(answer.settings, key=lambda one: one.group):
        print(group)
        for one in rows:
            print(f"  {one.name:<{width}}  {plain(one.value) or '(unset)'}  [{_origin(one)}]")
    for warning in answer.warnings:
        print(f"! {plain(warning)}")
    for problem in answer.problems:
        print(f"✗ {plain(problem)}")
    for clash in answer.clashes:
        print(f"{'✗' if clash.fatal else '!'} {', '.join(clash.names)}: {clash.what}\n  → {clash.advice}")
    if not answer.problems and not any(clash.fatal for clash in answer.clashes):
        print("✓ All can be used" + (f", and {plain(answer.other)} goes with it" if answer.other else ""))


def _origin(one: EffectiveSetting) -> str:
    return f"file {plain(one.file)}" if one.origin == "file" else one.origin
