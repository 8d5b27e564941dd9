"""Health in words: each check says what is so and, where it is not well, what to do."""

from __future__ import annotations

import shutil
from typing import Any, Literal

from chorus_tui.contract.models.status import Check
from chorus_tui.engine.runtime.engine import Engine
from chorus_tui.engine.runtime.supervision import Supervisor

Level = Literal["healthy", "degraded", "failing"]
LITTLE_DISK = 512 * 1024 * 1024


def checks(engine: Engine, supervisor: Supervisor) -> list[Check]:
    """All checks, in a fixed order."""
    found = [_peers(engine), _control(engine), _docker(engine), *_models(engine), _disk(engine), _feeds(engine)]
    found += [Check(name=name, level="degraded", detail=problem) for name, problem in supervisor.problems()]
    found += [Check(name="network", level="degraded", detail=problem) for problem in engine.mesh.problems()]
    return found


def level(found: list[Check]) -> Level:
    """The worst of all."""
    levels = {check.level for check in found}
    return "failing" if "failing" in levels else "degraded" if "degraded" in levels else "healthy"


def not_ready(engine: Engine) -> list[str]:
    """Why no task should be sent here now; empty when ready."""
    reasons = []
    if engine.draining:
        reasons.append("draining")
    if engine.control.mesh_id is None:
        reasons.append(f"no mesh yet: {engine.control.detail}")
    if engine.max_tasks:
        if not engine.docker.state.available:
            reasons.append(f"Docker: {engine.docker.state.problem}")
        if engine.settings.ai_providers and not engine.models.available:
            reasons.append(f"models: {'; '.join(found.detail for found in engine.models.health())}")
        if engine.tasks.worker.running >= engine.max_tasks:
            reasons.append(f"full: {engine.tasks.worker.running} of {engine.max_tasks} tasks run")
    return reasons


def report(engine: Engine, supervisor: Supervisor) -> dict[str, Any]:
    """The body of ``/health``."""
    found = checks(engine, supervisor)
    return {
        "status": level(found),
        "checks": [check.model_dump() for check in found],
        "active_tasks": engine.tasks.worker.running,
        "capacity": engine.max_tasks,
        "admin_heard_s": engine.control.admin_heard_s(),
    }


def _peers(engine: Engine) -> Check:
    count = len(engine.mesh.links())
    if count:
        return Check(name="peers", level="healthy", detail=f"{count} connected")
    return Check(name="peers", level="degraded", detail="no other peer is connected")


def _control(engine: Engine) -> Check:
    control = engine.control
    if control.obstacle:
        return Check(name="control log", level="failing", detail=control.obstacle)
    if control.mesh_id is None:
        return Check(name="control log", level="degraded", detail=control.detail)
    if control.state == "no_admin":
        return Check(name="control log", level="degraded", detail=control.detail)
    return Check(name="control log", level="healthy", detail=f"term {control.term}, {control.commit} entries")


def _docker(engine: Engine) -> Check:
    state = engine.docker.state
    if state.available:
        images = ", ".join(state.languages) or "none yet; chorus-tui images build makes some"
        said = "; ".join([f"{state.version}; images: {images}", *(f"⚠️ {weakness}" for weakness in state.weaknesses)])
        return Check(name="Docker", level="healthy", detail=said)
    if not engine.max_tasks:
        return Check(name="Docker", level="healthy", detail="not needed: this peer takes no tasks")
    return Check(name="Docker", level="degraded", detail=state.problem)


def _models(engine: Engine) -> list[Check]:
    """One check for all providers; none where none is configured, which is nobody's fault."""
    found = engine.models.health()
    if not found:
        return []
    troubles = [provider.detail for provider in found if provider.detail]
    well = ", ".join(f"{provider.name} with {provider.model}" for provider in found if not provider.detail)
    if troubles:
        return [
            Check(name="models", level="degraded", detail="; ".join([*troubles, *([f"{well}: ok"] if well else [])]))
        ]
    return [Check(name="models", level="healthy", detail=well)]


def _disk(engine: Engine) -> Check:
    free = shutil.disk_usage(engine.folder.path).free
    text = f"{free / 2**30:.1f} GiB free"
    return Check(name="disk", level="healthy" if free > LITTLE_DISK else "degraded", detail=text)


def _feeds(engine: Engine) -> Check:
    forks = engine.journal.forks()
    if forks:
        authors = ", ".join(sorted({engine.control.name(author) for author, _, _ in forks}))
        text = (
            f"said two different things under one number: {authors}; nothing after that counts (journal forks shows it)"
        )
        return Check(name="feeds", level="degraded", detail=text)
    return Check(name="feeds", level="healthy", detail=f"{engine.journal.count()} entries")
