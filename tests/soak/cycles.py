"""Sandboxes made and gone: ``python -m tests.soak cycles --count N``.

A round is 50 tasks, three at once, ending in every way; it holds when each ended as it had to and no container, volume,
network, folder or open file was left. ``seconds`` is the middle of its plain tasks.
"""

from __future__ import annotations

import argparse
import secrets
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

import trio

from chorus_tui.engine.execution.image_build import build_images
from chorus_tui.engine.execution.settings import ExecutionSettings
from tests.integration.execution.conftest import Bench
from tests.integration.execution.cycles import AT_ONCE, Cycled, cycles
from tests.soak.row import Row
from tests.support.docker_engine import DOCKER_HOST

COUNT = 1000
A_ROUND = 50


def main(arguments: list[str]) -> int:
    """Exit code 1 when a round did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak cycles")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--anew", action="store_true", help="forget what was measured before")
    asked = parser.parse_args(arguments)
    row = Row("cycles", anew=asked.anew, at_once=AT_ONCE, tasks_a_round=A_ROUND)
    trio.run(partial(build_images, [], lambda _: None, docker_host=DOCKER_HOST))
    while row.done * A_ROUND < asked.count:
        done = one_round()
        if done.faults:
            row.fail("; ".join(done.faults))
        else:
            row.add(seconds=round(median(done.seconds), 3), tasks=A_ROUND)
        print(row.line(-(-asked.count // A_ROUND)), flush=True)
    return 1 if row.failed else 0


def one_round() -> Cycled:
    """With an owner of its own."""
    with tempfile.TemporaryDirectory(prefix="chorus-soak-") as made:
        folder = Path(made)
        owner = f"soak-{secrets.token_hex(6)}"
        bench = Bench(ExecutionSettings(docker_host=DOCKER_HOST, owner=owner, scratch=folder), folder)
        return trio.run(cycles, bench, A_ROUND)
