"""Every alert on a real fault: ``python -m tests.soak alerts``.

A round is one alert of ``deploy/prometheus/alerts.yml``, at a real Prometheus that looks at real engines: silent before its
fault, firing during it, silent after it (:mod:`tests.integration.system.alerting`). ``seconds`` is how long the alert took to
fire, ``cleared_s`` how long after the fault's end it went; both are those of rules whose minutes are seconds.
What failed is made again by the next run. It takes root: one of the engines has a disk of its own.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from tests.integration.system.alerting import FAULTS, World, world
from tests.integration.system.peers import eventually
from tests.soak.row import Row

FIRES_S = 120.0
CLEARS_S = 120.0


def main(arguments: list[str]) -> int:
    """Exit code 1 when an alert did not fire or did not go."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak alerts")
    parser.add_argument(
        "--only", action="append", choices=list(FAULTS), metavar="ALERT", help="this one; may be repeated"
    )
    parser.add_argument("--anew", action="store_true", help="forget what was measured before")
    asked = parser.parse_args(arguments)
    row = Row("alerts", anew=asked.anew)
    wanted = [alert for alert in asked.only or FAULTS if alert not in row.held("alert")]
    row.forget_failed()
    if wanted:
        with tempfile.TemporaryDirectory(prefix="chorus-soak-") as folder, world(Path(folder)) as made:
            for alert in wanted:
                one_round(row, made, alert)
                print(row.line(len(FAULTS)), flush=True)
    return 1 if row.failed else 0


def one_round(row: Row, made: World, alert: str) -> None:
    """Silent, firing, silent."""
    try:
        eventually(f"{alert} is silent", lambda: not made.fires(alert), CLEARS_S)
        began = time.monotonic()
        with FAULTS[alert](made):
            eventually(f"{alert} fires", lambda: made.fires(alert), FIRES_S)
            fired = time.monotonic() - began
        ended = time.monotonic()
        eventually(f"{alert} is silent again", lambda: not made.fires(alert), CLEARS_S)
    except Exception as error:  # noqa: BLE001 - the row tells what did not hold, and goes on
        row.fail(f"{type(error).__name__}: {error}"[:1500], alert=alert)
    else:
        row.add(alert=alert, seconds=round(fired, 1), cleared_s=round(time.monotonic() - ended, 1))
