"""``chorus-tui simulate``: a mesh in simulated time. Needs no engine: the work is done by the engine's own module."""

from __future__ import annotations

import os
import sys

import click


@click.command()
@click.option("--seed", type=int, default=1, show_default=True, help="Decides everything that happens.")
@click.option("--peers", type=click.IntRange(2, 20), default=5, show_default=True)
@click.option("--minutes", type=click.FloatRange(0.1, 600), default=2.0, show_default=True, help="Simulated minutes.")
@click.option("--faults", default="all", show_default=True, help="all, none, or names with commas between them.")
@click.option("--scenario", default="", help="A situation that surely happens, by name; a wrong one lists them.")
@click.option("--timeline", is_flag=True, help="Print everything that happened.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def simulate(
    *, seed: int, peers: int, minutes: float, faults: str, scenario: str, timeline: bool, as_json: bool
) -> None:
    """Run real peers in simulated time, with crashes, cuts and lies, and check that nothing goes wrong.

    A seed replays byte for byte. Exit code 1: an invariant did not hold.
    """
    # -P: no module is taken from the folder we stand in.
    arguments = [sys.executable, "-P", "-m", "chorus_tui.engine", "simulate", f"--seed={seed}", f"--peers={peers}"]
    arguments += [f"--minutes={minutes}", f"--faults={faults}", f"--scenario={scenario}"]
    arguments += [*(["--timeline"] if timeline else []), *(["--json"] if as_json else [])]
    sys.stdout.flush()
    os.execv(sys.executable, arguments)  # noqa: S606 - our own interpreter, no shell
