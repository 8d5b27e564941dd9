"""Metrics of work: tasks of the mesh, what runs here, models."""

from __future__ import annotations

from chorus_tui.engine.telemetry.catalogue.base import counter, gauge, histogram

TASKS = (
    gauge("chorus_tasks", "Tasks of the mesh", "board", "state"),
    gauge("chorus_tasks_active", "Tasks and checks running here", "worker"),
    gauge("chorus_tasks_capacity", "Tasks this peer takes at once", "settings"),
    gauge("chorus_tasks_oldest_waiting_seconds", "Age of the oldest task that nobody holds", "board", unit="seconds"),
    counter("chorus_tasks_announced_total", "Tasks announced in the mesh", "fold of all feeds"),
    counter("chorus_tasks_granted_total", "Grants of the mesh", "fold of the control log"),
    counter("chorus_tasks_returned_total", "Grants that came back, given back or expired", "fold of the control log", "cause"),
    counter("chorus_tasks_ended_total", "Tasks of the mesh that ended", "fold of the control log", "outcome"),
    counter("chorus_tasks_completed_total", "Attempts of this peer that completed", "own results"),
    counter("chorus_tasks_failed_total", "Attempts of this peer that did not complete", "own results"),
    histogram("chorus_task_duration_seconds", "An attempt of this peer, all phases", "own results"),
    histogram("chorus_task_wait_seconds", "From announcement to grant", "fold of the control log"),
    counter("chorus_tasks_checked_total", "Results this peer checked", "own reports", "verdict"),
)  # fmt: skip

EXECUTION = (
    gauge("chorus_docker_up", "1 while the Docker Engine answers", "Docker watch"),
    gauge("chorus_docker_weaknesses", "Known weaknesses its runtime may have, by version", "Docker watch"),
    gauge("chorus_sandbox_containers_active", "Sandboxes running here", "worker"),
    gauge("chorus_sandbox_warm", "Sandboxes that wait started", "executor"),
    gauge("chorus_sandbox_cpu_usage", "Cores used by the sandboxes here; the original's name", "figures of running tasks", unit="cores"),
    gauge("chorus_sandbox_cpu_cores", "Cores used by the sandboxes here", "figures of running tasks", unit="cores"),
    gauge("chorus_sandbox_memory_usage_bytes", "Memory used by the sandboxes here", "figures of running tasks", unit="bytes"),
    gauge("chorus_sandbox_disk_usage_bytes", "Writable folders of the sandboxes here", "figures of running tasks", unit="bytes"),
    counter("chorus_sandbox_reaped_total", "Sandboxes past their deadline that had to be removed", "Docker watch"),
    histogram("chorus_sandbox_phase_seconds", "A phase of an attempt of this peer", "own results", "phase"),
    histogram("chorus_sandbox_peak_memory_bytes", "Most memory an attempt of this peer held", "own results", unit="bytes"),
    histogram("chorus_sandbox_output_bytes", "Output of an attempt of this peer", "own results", unit="bytes"),
    counter("chorus_sandbox_errors_total", "Attempts of this peer that could not be run", "own results", "reason"),
)  # fmt: skip

AI = (
    counter("chorus_ai_requests_total", "Tries at a provider of models", "chain of providers", "provider"),
    counter("chorus_ai_failures_total", "Tries without an answer", "chain of providers", "provider"),
    counter("chorus_ai_tokens_total", "Tokens read and written", "chain of providers", "provider"),
    gauge("chorus_ai_provider_up", "1 while the provider is well", "chain of providers", "provider"),
    gauge("chorus_ai_provider_left_alone", "1 while it is not asked, after failures", "chain of providers", "provider"),
    histogram("chorus_ai_request_seconds", "One try, however it ended", "chain of providers", "provider"),
    counter("chorus_ai_agent_steps_total", "Steps of agents of this peer at tasks with a goal", "own results"),
)  # fmt: skip
