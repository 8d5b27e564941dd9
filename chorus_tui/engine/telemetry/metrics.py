"""Metrics in Prometheus' format, read at the moment of the scrape from the counters the rooms keep."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class ModelFigures(Protocol):
    """What is counted of one provider of models."""

    @property
    def name(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def asked(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def tokens(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Reading:
    """All figures at one moment. Times in seconds, sizes in bytes."""

    peers: int
    members: int
    sent: int
    received: int
    refused: dict[str, int]
    feed_entries: int
    control_commit: int
    control_term: int
    is_admin: bool
    tasks_running: int
    tasks_by_state: dict[str, int]
    findings: dict[str, int]
    api_calls: int
    models: tuple[ModelFigures, ...]
    uptime_s: float


class _FromReading(Collector):
    def __init__(self, read: Callable[[], Reading]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        now = self._read()
        yield GaugeMetricFamily("chorus_peers_connected", "Peers connected now", now.peers)
        yield GaugeMetricFamily("chorus_mesh_members", "Members of the mesh", now.members)
        yield CounterMetricFamily("chorus_pubsub_messages_sent", "Gossip messages handed to the network", now.sent)
        yield CounterMetricFamily("chorus_pubsub_messages_received", "Gossip messages accepted", now.received)
        refused = CounterMetricFamily(
            "chorus_pubsub_messages_refused", "Messages refused, by reason", labels=["reason"]
        )
        for reason, count in sorted(now.refused.items()):
            refused.add_metric([reason], count)
        yield refused
        yield GaugeMetricFamily("chorus_journal_entries", "Feed entries held", now.feed_entries)
        yield GaugeMetricFamily("chorus_control_commit_index", "Control log entries committed", now.control_commit)
        yield GaugeMetricFamily("chorus_election_term", "Term of the control log", now.control_term)
        yield GaugeMetricFamily("chorus_election_is_admin", "1 while this peer leads", int(now.is_admin))
        yield GaugeMetricFamily("chorus_tasks_active", "Tasks running here", now.tasks_running)
        yield GaugeMetricFamily("chorus_sandbox_containers_active", "Sandboxes running here", now.tasks_running)
        states = GaugeMetricFamily("chorus_tasks", "Tasks of the mesh, by state", labels=["state"])
        for state, count in sorted(now.tasks_by_state.items()):
            states.add_metric([state], count)
        yield states
        findings = CounterMetricFamily("chorus_shhh_findings", "Secrets redacted, by rule", labels=["rule"])
        for rule, count in sorted(now.findings.items()):
            findings.add_metric([rule], count)
        yield findings
        yield from _of_models(now)
        yield CounterMetricFamily("chorus_api_calls", "API calls answered", now.api_calls)
        yield GaugeMetricFamily("chorus_uptime_seconds", "Seconds since the engine started", now.uptime_s)


def _of_models(now: Reading) -> Iterable[Metric]:
    asked = CounterMetricFamily("chorus_ai_requests", "Tries at a provider of models", labels=["provider"])
    failed = CounterMetricFamily("chorus_ai_failures", "Tries without an answer", labels=["provider"])
    tokens = CounterMetricFamily("chorus_ai_tokens", "Tokens read and written", labels=["provider"])
    well = GaugeMetricFamily("chorus_ai_provider_up", "1 while the provider is well", labels=["provider"])
    for provider in now.models:
        asked.add_metric([provider.name], provider.asked)
        failed.add_metric([provider.name], provider.failed)
        tokens.add_metric([provider.name], provider.tokens)
        well.add_metric([provider.name], int(provider.state == "ok"))
    yield from (asked, failed, tokens, well)


def renderer(read: Callable[[], Reading]) -> Callable[[], bytes]:
    """A function that renders the present figures."""
    registry = CollectorRegistry()
    registry.register(_FromReading(read))
    return lambda: generate_latest(registry)
