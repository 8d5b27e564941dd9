"""What an agent in a container takes when nothing is asked of it: ``python -m tests.soak containers --count N``.

A round watches three agents of the compose file for a minute, after a minute of settling; it holds when they still agree on their
admin at its end. Figures are of the middle agent: memory without what the kernel would give back, and processor time.
"""

from __future__ import annotations

import argparse
import secrets
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import trio

from chorus_tui.engine.execution.image_build import build_images
from tests.deploy.containers import AGENTS, Containers, build_image, images_there, remove_image
from tests.soak.row import Row
from tests.support.docker_engine import DOCKER_HOST, SOCKET

COUNT = 20
SETTLE_S = 60
ROUND_S = 60


def main(arguments: list[str]) -> int:
    """Exit code 1 when a round did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak containers")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--anew", action="store_true", help="forget what was measured before")
    asked = parser.parse_args(arguments)
    row = Row("containers", anew=asked.anew, agents=len(AGENTS), round_s=ROUND_S, settle_s=SETTLE_S)
    if row.done >= asked.count:
        return 1 if row.failed else 0
    tag, there = f"soak-{secrets.token_hex(4)}", images_there()
    with tempfile.TemporaryDirectory(prefix="chorus-soak-") as made:
        mesh = Containers(Path(made), tag)
        try:
            build_image(tag)
            trio.run(lambda: build_images([], lambda _: None, docker_host=DOCKER_HOST))
            mesh.up()
            mesh.agreed(*AGENTS)
            time.sleep(SETTLE_S)
            while row.done < asked.count:
                one_round(mesh, row)
                print(row.line(asked.count), flush=True)
        finally:
            mesh.gone()
            remove_image(tag, there)
    return 1 if row.failed else 0


def one_round(mesh: Containers, row: Row) -> None:
    """Watch for a minute, and add what was seen."""
    before, began = used(mesh), time.monotonic()
    time.sleep(ROUND_S)
    after, passed = used(mesh), time.monotonic() - began
    cores = median((after[agent]["cpu_s"] - before[agent]["cpu_s"]) / passed for agent in AGENTS)
    seen = {
        "cpu_percent": round(100 * cores, 2),
        "memory_mb": round(median(after[agent]["memory_mb"] for agent in AGENTS), 1),
    }
    try:
        mesh.agreed(*AGENTS)
    except AssertionError as error:
        row.fail(str(error), **seen)
    else:
        row.add(**seen)


def used(mesh: Containers) -> dict[str, dict[str, float]]:
    """Processor seconds since the start and MiB held now, of each agent, as the engine counts them."""
    with httpx.Client(transport=httpx.HTTPTransport(uds=SOCKET), base_url="http://docker", timeout=30) as engine:
        return {
            agent: _figures(engine.get(f"/containers/{mesh.container(agent)}/stats?stream=false&one-shot=true").json())
            for agent in AGENTS
        }


def _figures(stats: Any) -> dict[str, float]:
    memory = stats["memory_stats"]
    held = memory["usage"] - memory["stats"].get("inactive_file", memory["stats"].get("total_inactive_file", 0))
    return {"cpu_s": stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9, "memory_mb": held / (1 << 20)}
