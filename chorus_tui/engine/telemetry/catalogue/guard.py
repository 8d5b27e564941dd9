"""Metrics of what guards: secrets, licence, keys, the API's door."""

from __future__ import annotations

from chorus_tui.engine.telemetry.catalogue.base import counter, gauge, histogram

SECURITY = (
    counter("chorus_shhh_findings_total", "Secrets redacted", "redactor", "rule"),
    counter("chorus_license_checks_total", "Checks of the licence", "licensing"),
    counter("chorus_license_failures_total", "Checks of the licence that failed", "licensing"),
    gauge("chorus_license_valid", "1 while the licence holds, in grace as well", "licensing"),
    gauge("chorus_license_grace", "1 while it holds only because its server cannot be asked", "licensing"),
    gauge("chorus_vault_keys_lacking", "Role keys this peer may hold and has not got", "vault"),
    gauge("chorus_vault_keys_lacking_seconds", "For how long it has lacked some", "vault", unit="seconds"),
    gauge("chorus_network_open", "1 while the network key is switched off", "settings"),
)  # fmt: skip

API = (
    counter("chorus_api_calls_total", "Calls the API took", "API"),
    counter("chorus_api_answers_total", "Operations answered", "wrapper of the handlers", "outcome"),
    counter("chorus_api_refused_total", "Requests answered with a problem, those that reached no operation among them", "API", "status"),
    counter("chorus_api_throttled_total", "Requests refused because their token asked too often", "gate of the API"),
    histogram("chorus_api_operation_seconds", "Time the engine took for an operation", "wrapper of the handlers"),
    gauge("chorus_api_clients", "Clients: event streams, calls in flight, and one for a call just ended", "API"),
    counter("chorus_callbacks_total", "Calls of finished tasks: delivered, failed and tried again, given up", "callbacks", "outcome"),
    gauge("chorus_callbacks_waiting", "Calls of finished or running tasks that nobody has got yet", "callbacks"),
    gauge("chorus_api_scrape_failures", "Readers of metrics that failed in this scrape", "telemetry"),
)  # fmt: skip
