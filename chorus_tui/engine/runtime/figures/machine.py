"""Readers of the figures of the process and its machine."""

from __future__ import annotations

import os
import platform
import resource
import threading
from pathlib import Path

import trio

from chorus_tui import __version__
from chorus_tui.engine.runtime import health
from chorus_tui.engine.runtime.engine import Engine
from chorus_tui.engine.runtime.figures.pulse import Pulse
from chorus_tui.engine.runtime.supervision import Supervisor
from chorus_tui.engine.telemetry import logs
from chorus_tui.engine.telemetry.metrics import Samples

_PAGE = os.sysconf("SC_PAGE_SIZE")


def process(engine: Engine) -> Samples:
    """What the process uses."""
    build: dict[tuple[str, ...], float] = {(__version__, platform.python_version(), engine.kind): 1}
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, resident, *_ = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return {
        "chorus_build_info": build,
        "chorus_uptime_seconds": engine.clock.wall() - engine.started_at,
        "chorus_start_time_seconds": engine.started_at,
        "chorus_process_cpu_seconds_total": used.ru_utime + used.ru_stime,
        "chorus_process_resident_memory_bytes": int(resident) * _PAGE,
        "chorus_process_open_fds": sum(1 for _ in Path("/proc/self/fd").iterdir()),
        "chorus_process_max_fds": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "chorus_process_threads": threading.active_count(),
        "chorus_process_tasks": trio.lowlevel.current_statistics().tasks_living,
        "chorus_machine_load_ratio": os.getloadavg()[0] / (os.cpu_count() or 1),
    }


def condition(engine: Engine, supervisor: Supervisor, pulse: Pulse) -> Samples:
    """How well it is."""
    found = health.checks(engine, supervisor, pulse)
    scores = {check.name: health.SCORE[check.level] for check in found}
    offset = engine.journal.delays.offset(engine.clock.wall())
    return {
        "chorus_loop_lag_seconds": pulse.lag,
        "chorus_disk_free_bytes": pulse.disk_free,
        "chorus_disk_size_bytes": pulse.disk_size,
        **({} if offset is None else {"chorus_clock_offset_seconds": offset}),
        "chorus_ready": int(not health.not_ready(engine)),
        "chorus_draining": int(engine.draining),
        "chorus_health_score": sum(scores.values()) / len(scores),
        "chorus_component_health_score": scores,
        "chorus_service_failures_total": {service.name: service.failed_ever for service in supervisor.services},
        "chorus_log_events_total": dict(logs.written()),
        "chorus_log_events_suppressed_total": logs.suppressed(),
    }
