"""Metrics of the process and of its machine."""

from __future__ import annotations

from chorus_tui.engine.telemetry.catalogue.base import counter, gauge, histogram

SYSTEM = (
    gauge("chorus_build_info", "1; which program this is", "package", "version", "python", "kind"),
    gauge("chorus_uptime_seconds", "Since the engine started", "clock", unit="seconds"),
    gauge("chorus_start_time_seconds", "When it started, in Unix time", "clock", unit="seconds"),
    counter("chorus_process_cpu_seconds_total", "CPU time of the engine's process", "operating system", unit="seconds"),
    gauge("chorus_process_resident_memory_bytes", "Memory of the engine's process", "operating system", unit="bytes"),
    gauge("chorus_process_open_fds", "Open file descriptors", "operating system"),
    gauge("chorus_process_max_fds", "File descriptors it may open", "operating system"),
    gauge("chorus_process_threads", "Threads of the engine's process", "operating system"),
    gauge("chorus_process_tasks", "Tasks of the engine's loop", "trio"),
    histogram("chorus_loop_lag_seconds", "How much later than asked the engine's loop woke, once a second", "pulse of the loop"),
    gauge("chorus_machine_load_ratio", "Load of the last minute a core", "operating system", unit="ratio"),
    gauge("chorus_disk_free_bytes", "Room on the data folder's disk", "look at the disk", unit="bytes"),
    gauge("chorus_disk_size_bytes", "Size of the data folder's disk", "look at the disk", unit="bytes"),
    gauge("chorus_clock_offset_seconds", "This machine's clock against the other members', positive: ahead", "journal", unit="seconds"),
    gauge("chorus_ready", "1 while it may be sent tasks", "readiness"),
    gauge("chorus_draining", "1 while it takes nothing new, before it stops", "engine"),
    gauge("chorus_health_score", "Mean of all checks: 1 healthy, 0.5 degraded, 0 failing", "health"),
    gauge("chorus_component_health_score", "One check: 1 healthy, 0.5 degraded, 0 failing", "health", "component"),
    counter("chorus_service_failures_total", "Failures of supervised services", "supervision", "service"),
    counter("chorus_log_events_total", "Lines logged", "log", "level"),
    counter("chorus_log_events_suppressed_total", "Lines left out because the same had just been logged often", "log"),
)  # fmt: skip
