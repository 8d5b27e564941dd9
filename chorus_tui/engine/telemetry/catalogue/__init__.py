"""The one table of metrics: what a scrape may hold, docs/metrics.md, and what alerts and dashboards may name.

A new metric is a row here and a value in a reader of :mod:`chorus_tui.engine.runtime.figures`; nothing else names it.
"""

from __future__ import annotations

from itertools import chain

from chorus_tui.engine.telemetry.catalogue.base import Metric
from chorus_tui.engine.telemetry.catalogue.guard import API, SECURITY
from chorus_tui.engine.telemetry.catalogue.network import DHT, P2P, PUBSUB
from chorus_tui.engine.telemetry.catalogue.people import COORDINATION
from chorus_tui.engine.telemetry.catalogue.system import SYSTEM
from chorus_tui.engine.telemetry.catalogue.truth import ELECTION, JOURNAL
from chorus_tui.engine.telemetry.catalogue.work import AI, EXECUTION, TASKS

CATEGORIES: dict[str, tuple[Metric, ...]] = {
    "system": SYSTEM,
    "p2p": P2P,
    "pubsub": PUBSUB,
    "dht": DHT,
    "journal": JOURNAL,
    "election": ELECTION,
    "tasks": TASKS,
    "execution": EXECUTION,
    "ai": AI,
    "coordination": COORDINATION,
    "security": SECURITY,
    "api": API,
}

METRICS: dict[str, Metric] = {metric.name: metric for metric in chain.from_iterable(CATEGORIES.values())}
"""By name, in the order of a scrape."""

ORIGINAL = (
    "chorus_tasks_active", "chorus_tasks_completed_total", "chorus_tasks_failed_total", "chorus_task_duration_seconds",
    "chorus_peers_connected", "chorus_pubsub_messages_sent_total", "chorus_pubsub_messages_received_total",
    "chorus_dht_queries_total", "chorus_dht_cache_hits_total", "chorus_dht_cache_misses_total",
    "chorus_sandbox_containers_active", "chorus_sandbox_cpu_usage", "chorus_sandbox_memory_usage_bytes",
    "chorus_shhh_findings_total", "chorus_license_checks_total", "chorus_license_failures_total",
)  # fmt: skip
"""Names of the original, kept so that its dashboards go on working."""


def series(metric: Metric) -> list[str]:
    """The names of its series, as queries use them."""
    if metric.kind == "histogram":
        return [f"{metric.name}_{part}" for part in ("bucket", "sum", "count")]
    return [metric.name]


def markdown() -> str:
    """docs/metrics.md."""
    lines = [
        "# Metrics", "",
        "`/metrics` on the API's port and on the health port, in Prometheus' text format. Made from the table in",
        "`chorus_tui/engine/telemetry/catalogue/` by `make docs`; do not edit. Counters and histograms begin at 0 when an engine starts.",
        "No label holds an id, a name of a person or an address; a metric has 100 series at most, what is over is summed as `other`.",
        "Alert rules: `deploy/prometheus/alerts.yml`. Dashboard: `deploy/grafana/chorus.json`.",
    ]  # fmt: skip
    for category, metrics in CATEGORIES.items():
        lines += [
            "",
            f"## {category}",
            "",
            "| metric | kind | unit | labels | meaning | from |",
            "|---|---|---|---|---|---|",
        ]
        for metric in metrics:
            name = f"`{metric.name}`" + (" (original)" if metric.name in ORIGINAL else "")
            labels = ", ".join(metric.labels)
            lines.append(f"| {name} | {metric.kind} | {metric.unit} | {labels} | {metric.meaning} | {metric.source} |")
    return "\n".join(lines) + "\n"
