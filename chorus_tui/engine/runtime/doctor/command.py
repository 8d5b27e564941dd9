"""``python -m chorus_tui.engine doctor``."""

from __future__ import annotations

import argparse
import os

import trio

from chorus_tui.contract.harmless import as_json, plain
from chorus_tui.contract.models.operate import Diagnosis
from chorus_tui.engine.runtime.doctor.examination import examine

SIGNS = {"ok": "✓", "warn": "!", "fail": "✗"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the ``doctor`` command."""
    parser.add_argument("--kind", choices=["agent", "human"], default="agent")
    parser.add_argument("--data-dir", help="data folder; default: CHORUS_DATA_DIR, or one per kind")
    parser.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    """Exit codes: 0 nothing fails, 1 something does."""
    answer = trio.run(examine, arguments.kind, os.environ, arguments.data_dir)
    if arguments.json:
        print(as_json(answer.model_dump_json()))
    else:
        _print(answer)
    return 1 if answer.verdict == "fail" else 0


def _print(answer: Diagnosis) -> None:
    width = max(len(finding.name) for finding in answer.findings)
    for finding in answer.findings:
        print(f"{SIGNS[finding.verdict]} {finding.name:<{width}}  {plain(finding.found)}")
        if finding.advice:
            print(f"  {'':<{width}}  → {plain(finding.advice)}")
    count = {verdict: sum(one.verdict == verdict for one in answer.findings) for verdict in SIGNS}
    ran = "the engine that runs was asked" if answer.engine else "no engine runs on this data folder"
    print(f"{count['ok']} well, {count['warn']} to look at, {count['fail']} wrong; {ran}")
