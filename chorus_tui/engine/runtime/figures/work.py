"""Readers of the figures of tasks, sandboxes and models."""

from __future__ import annotations

from chorus_tui.engine.runtime.engine import Engine
from chorus_tui.engine.runtime.figures.counting import ENDINGS, MIB, RETURNS, Counting
from chorus_tui.engine.telemetry.metrics import Samples


def tasks(engine: Engine, counting: Counting) -> Samples:
    """Of the mesh, and those of this peer."""
    waiting = [
        task.announced.at_ms / 1000
        for task in engine.tasks.board.of_mesh(engine.control.mesh_id)
        if task.open and task.announced is not None
    ]
    now, decided = engine.clock.wall(), counting.decided
    return {
        "chorus_tasks": engine.tasks.by_state(),
        "chorus_tasks_active": engine.tasks.worker.running,
        "chorus_tasks_capacity": engine.max_tasks,
        "chorus_tasks_oldest_waiting_seconds": max(0.0, now - min(waiting)) if waiting else 0.0,
        "chorus_tasks_announced_total": counting.announced,
        "chorus_tasks_granted_total": decided["task_granted"],
        "chorus_tasks_returned_total": {cause: decided[type_] for type_, cause in RETURNS.items()},
        "chorus_tasks_ended_total": {outcome: decided[type_] for type_, outcome in ENDINGS.items()},
        "chorus_tasks_completed_total": counting.completed,
        "chorus_tasks_failed_total": counting.failed,
        "chorus_task_duration_seconds": counting.durations,
        "chorus_task_wait_seconds": counting.waits,
        "chorus_tasks_checked_total": {verdict: counting.checked[verdict] for verdict in ("passed", "failed", "error")},
    }


def execution(engine: Engine, counting: Counting) -> Samples:
    """Docker and the sandboxes."""
    board, me, state = engine.tasks.board, engine.identity.peer_id, engine.docker.state
    running = [
        phase.figures
        for key, phase in engine.tasks.phases.items()
        if phase.worker == me and phase.figures is not None and (task := board.tasks.get(key)) is not None
        and task.held is not None and task.held.attempt == phase.attempt and task.report is None
    ]  # fmt: skip
    cores = sum(figures.cpu_percent for figures in running) / 100
    return {
        "chorus_docker_up": int(state.available),
        "chorus_docker_weaknesses": len(state.weaknesses),
        "chorus_sandbox_containers_active": engine.tasks.worker.running,
        "chorus_sandbox_warm": engine.executor.warm,
        "chorus_sandbox_cpu_usage": cores,
        "chorus_sandbox_cpu_cores": cores,
        "chorus_sandbox_memory_usage_bytes": sum(figures.memory_mb for figures in running) * MIB,
        "chorus_sandbox_disk_usage_bytes": sum(figures.disk_mb for figures in running) * MIB,
        "chorus_sandbox_reaped_total": engine.docker.reaped,
        "chorus_sandbox_phase_seconds": dict(counting.phases),
        "chorus_sandbox_peak_memory_bytes": counting.peak_memory,
        "chorus_sandbox_output_bytes": counting.output,
        "chorus_sandbox_errors_total": dict(counting.errors),
    }


def models(engine: Engine, counting: Counting) -> Samples:
    """By provider."""
    found = engine.models.health()
    return {
        "chorus_ai_requests_total": {one.name: one.asked for one in found},
        "chorus_ai_failures_total": {one.name: one.failed for one in found},
        "chorus_ai_tokens_total": {one.name: one.tokens for one in found},
        "chorus_ai_provider_up": {one.name: int(one.state == "ok") for one in found},
        "chorus_ai_provider_left_alone": {one.name: int(one.state == "open") for one in found},
        "chorus_ai_request_seconds": engine.models.took(),
        "chorus_ai_agent_steps_total": counting.agent_steps,
    }
