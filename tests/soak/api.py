"""The API under made-up calls: ``python -m tests.soak api --count N``.

A round is one run of schemathesis, all phases, with a seed of its own, against an engine of its own, with an admin's token. It holds when
nothing was found, no call ended in an error of the engine's own, and the engine lives. ``seconds`` is how long the run took.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from pathlib import Path

import httpx

from tests.integration.system.peers import mesh
from tests.soak.row import Row
from tests.support.api_fuzzing import found, fuzz

COUNT = 20
EXAMPLES = 25
ROUND_S = 3_600.0


def main(arguments: list[str]) -> int:
    """Exit code 1 when a round did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak api")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--examples", type=int, default=EXAMPLES, help="cases an operation")
    parser.add_argument("--anew", action="store_true", help="forget what was measured before")
    asked = parser.parse_args(arguments)
    row = Row("api", anew=asked.anew, examples=asked.examples)
    while row.done < asked.count:
        began = time.monotonic()
        why = one_round(seed=row.done, examples=asked.examples)
        if why:
            row.fail(why)
        else:
            row.add(seconds=round(time.monotonic() - began, 1))
        print(row.line(asked.count), flush=True)
    return 1 if row.failed else 0


def one_round(*, seed: int, examples: int) -> str:
    """What was found; empty when nothing was."""
    settings = {"CHORUS_UCXI_ENABLED": "true", "CHORUS_API_RATE": "100000", "CHORUS_FEED_PER_MINUTE": "100000"}
    with tempfile.TemporaryDirectory(prefix="chorus-soak-") as made, mesh(Path(made)) as engines:
        (alone,) = engines.grow("alone", **settings)
        lines = (alone.data_dir / "api.tokens").read_text().splitlines()
        token = dict(line.split() for line in lines if line and not line.startswith("#"))["admin"]
        port = re.findall(r"api_port\W+(\d+)", alone.log.read_text())[-1]
        url, document = f"http://127.0.0.1:{port}", Path(made) / "openapi.json"
        document.write_bytes(httpx.get(f"{url}/openapi.json", headers={"Authorization": f"Bearer {token}"}).content)
        phases = "examples,coverage,fuzzing,stateful"
        run = fuzz(document, url, token, phases=phases, examples=examples, seed=seed, seconds=ROUND_S)
        failed = [line for line in alone.log.read_text(errors="replace").splitlines() if "request failed" in line]
        if failed:
            return f"{len(failed)} calls ended in an error of the engine's own: {failed[0][:4_000]}"
        return found(run) or ("" if alone.probe("/healthz") == 200 else "the engine does not answer any more")
