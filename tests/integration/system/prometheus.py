"""A real Prometheus that scrapes real peers and judges our alert rules, in seconds instead of minutes."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.integration.system.peers import Peer, eventually

RULES = Path(__file__).parents[3] / "deploy/prometheus/alerts.yml"
WINDOW_S = 20


def api_port(peer: Peer) -> int:
    """From the greeting in its log, which it may write after its first answer."""
    found: list[str] = []

    def greeted() -> bool:
        found[:] = re.findall(r'"api_port": (\d+)', peer.log.read_text())
        return bool(found)

    eventually("its greeting is logged, with its port", greeted)
    return int(found[-1])


def hurried(text: str) -> str:
    """The rules with all their minutes made seconds, and ten minutes of waiting six seconds: what they ask and of which series
    stays."""
    text = re.sub(r"for: \d+m", "for: 1s", text)
    text = re.sub(r"(_seconds\)?) > 600", r"\1 > 6", text)
    return re.sub(r"\[\d+m\]", f"[{WINDOW_S}s]", text)


class Prometheus:
    """Answers questions about what it scraped."""

    def __init__(self, url: str, targets: Path) -> None:
        self._client = httpx.Client(base_url=url, timeout=80)
        self._targets = targets

    def scrape(self, peers: list[Peer]) -> None:
        """From now on these, each under its name: who was started again listens elsewhere."""
        aim(self._targets, peers)

    def ready(self) -> bool:
        """Whether it has read what it holds, and answers."""
        return self._client.get("/-/ready").is_success

    def ask(self, query: str) -> dict[str, float]:
        """An instant query: value by the series' labels, sorted and joined."""
        answer = self._client.get("/api/v1/query", params={"query": query}).json()
        assert answer["status"] == "success", answer
        return {_name(row["metric"]): float(row["value"][1]) for row in answer["data"]["result"]}

    def firing(self) -> set[tuple[str, str]]:
        """(alert, instance or empty) of all that fire."""
        alerts: list[dict[str, Any]] = self._client.get("/api/v1/alerts").json()["data"]["alerts"]
        return {
            (one["labels"]["alertname"], one["labels"].get("instance", ""))
            for one in alerts
            if one["state"] == "firing"
        }

    def close(self) -> None:
        self._client.close()


def aim(targets: Path, peers: list[Peer]) -> None:
    """Write whom to scrape, in one step."""
    rows = [{"targets": [f"127.0.0.1:{api_port(peer)}"], "labels": {"instance": peer.name}} for peer in peers]
    beside = targets.with_suffix(".new")
    beside.write_text(json.dumps(rows))
    beside.replace(targets)


def _name(labels: dict[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()) if key != "__name__")


@contextlib.contextmanager
def prometheus(folder: Path, peers: list[Peer]) -> Iterator[Prometheus]:
    """It scrapes ``peers`` every two seconds, each under its name."""
    folder.mkdir()
    (folder / "alerts.yml").write_text(hurried(RULES.read_text()))
    config = {
        "global": {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "1s"},
        "rule_files": ["alerts.yml"],
        "scrape_configs": [
            {
                "job_name": "chorus",
                "file_sd_configs": [{"files": [str(folder / "targets.json")], "refresh_interval": "2s"}],
            }
        ],
    }
    aim(folder / "targets.json", peers)
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [
                "prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                "--web.listen-address=127.0.0.1:0",
            ],
            stdout=output,
            stderr=output,
        )  # fmt: skip
    try:
        port = eventually(
            "it listens", lambda: re.findall(r'msg="Listening on" address=127\.0\.0\.1:(\d+)', log.read_text()), 30
        )[-1]
        asked = Prometheus(f"http://127.0.0.1:{port}", folder / "targets.json")
        eventually("it answers questions", asked.ready, 60)  # for a while after it listens it refuses them
        try:
            yield asked
        finally:
            asked.close()
    finally:
        process.terminate()
        process.wait(80)
