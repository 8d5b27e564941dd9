"""``simulate``: run seeds, say how each went, and show the time-line of one that failed."""

from __future__ import annotations

import argparse
import json
import sys

from chorus_tui.engine.simulation.faults import FAULTS
from chorus_tui.engine.simulation.plan import Options
from chorus_tui.engine.simulation.run import Report, simulate
from chorus_tui.engine.simulation.scenarios import FEWEST, SCENARIOS

LAST = 60
"""Lines of the time-line that are shown of a run that failed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--seed", type=int, default=1, help="decides everything that happens")
    parser.add_argument("--peers", type=_peers, default=5, help="2 to 20")
    parser.add_argument("--minutes", type=float, default=2.0, help="simulated minutes of faults and load")
    names = ", ".join(FAULTS)
    parser.add_argument("--faults", type=_faults, default=tuple(FAULTS), help=f"all, none, or a list of: {names}")
    parser.add_argument(
        "--scenario", choices=("", *SCENARIOS), default="", help="a situation that surely happens, among the faults"
    )
    parser.add_argument("--timeline", action="store_true", help="print everything that happened")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _peers(text: str) -> int:
    number = int(text)
    if not 2 <= number <= 20:
        raise argparse.ArgumentTypeError(f"{number} peers: from 2 to 20 can be simulated")
    return number


def _faults(text: str) -> tuple[str, ...]:
    if text in ("all", "none"):
        return tuple(FAULTS) if text == "all" else ()
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    unknown = [name for name in names if name not in FAULTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no such fault: {', '.join(unknown)}; there are {', '.join(FAULTS)}")
    return names


def run(arguments: argparse.Namespace) -> int:
    """0 when every invariant held, 1 when one did not, 2 when that cannot be simulated."""
    if arguments.scenario and arguments.peers < FEWEST:
        print(f"--peers {arguments.peers}: a scenario needs at least {FEWEST}", file=sys.stderr)
        return 2
    asked = Options(arguments.seed, arguments.peers, arguments.minutes, arguments.faults, arguments.scenario)
    report = simulate(asked)
    if arguments.json:
        print(json.dumps(as_json(report, timeline=arguments.timeline), ensure_ascii=False))
    else:
        for line in report.timeline if arguments.timeline else [] if report.ok else report.timeline[-LAST:]:
            print(line)
        print(summary(report))
    return 0 if report.ok else 1


def summary(report: Report) -> str:
    """One run in a few lines for people."""
    speed = report.simulated_s / max(report.real_s, 1e-9)
    counts = ", ".join(f"{name} {count}" for name, count in report.counts.items())
    lines = [
        f"seed {report.options.seed}, {report.options.peers} peers: {len(report.timeline)} events",
        f"{report.simulated_s:.0f} simulated seconds in {report.real_s:.1f} s, {speed:.0f} times as fast",
        f"happened: {counts}",
        f"time-line {report.digest}",
    ]
    broken = report.violation
    if broken is None:
        return "\n".join([*lines, "✓ every invariant held"])
    return "\n".join([*lines, f"✗ {broken.name} at {broken.at:.3f} s, seed {report.options.seed}: {broken.text}"])


def as_json(report: Report, *, timeline: bool) -> dict[str, object]:
    """One run for programs; the whole time-line when it is wanted, its end when the run failed."""
    broken = report.violation
    options = report.options
    return {
        "seed": options.seed, "peers": options.peers, "minutes": options.minutes, "faults": list(options.faults),
        "scenario": options.scenario,
        "ok": report.ok, "events": len(report.timeline), "simulated_s": round(report.simulated_s, 3),
        "real_s": round(report.real_s, 3), "counts": report.counts, "digest": report.digest,
        "violation": None if broken is None else {"at": round(broken.at, 3), "name": broken.name, "text": broken.text},
        "timeline": report.timeline if timeline else [] if report.ok else report.timeline[-LAST:],
    }  # fmt: skip
