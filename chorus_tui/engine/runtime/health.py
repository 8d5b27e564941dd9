"""Health in words: each check says what is so and, where it is not well, what to do.

The rules it keeps: no check waits for anything (what must be asked is asked elsewhere, regularly and with a bound, and
read here); nothing of what lies outside this process (a peer, Docker, a provider, the licence's server) makes it failing;
and being alive is no check at all: that the loop answers is the whole proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from chorus_tui.contract.counting import many
from chorus_tui.contract.models.status import Check
from chorus_tui.engine.ai.chain import PROBE_EVERY_S
from chorus_tui.engine.ai.link import PROBE_S
from chorus_tui.engine.execution.docker_api import QUICK_S
from chorus_tui.engine.runtime.docker_watch import LOOK_S
from chorus_tui.engine.runtime.engine import Engine
from chorus_tui.engine.runtime.figures.pulse import DISK_EVERY_S, DISK_TIMEOUT_S, Pulse
from chorus_tui.engine.runtime.supervision import Supervisor
from chorus_tui.engine.vault.wording import held_words, recovery_words
from chorus_tui.engine.whoosh import rules as whoosh_rules

Level = Literal["healthy", "degraded", "failing"]
SCORE = {"healthy": 1.0, "degraded": 0.5, "failing": 0.0}
LITTLE_DISK = 512 * 1024 * 1024
KEYS_LATE_S = 60.0
"""Role keys that are not here by then are told as lacking."""
CLOCK_OFF_S = 5.0
"""A clock that differs by more is told: votes and deadlines are read by it."""


@dataclass(frozen=True, slots=True)
class How:
    """How a check comes by what it says: asked every ``interval_s``, each time within ``timeout_s``; 0: known at any moment.

    ``critical``: when it fails this peer is failing; any other degrades it.
    """

    interval_s: float = 0.0
    timeout_s: float = 0.0
    critical: bool = False


HOW = {
    "control log": How(critical=True),
    "Docker": How(LOOK_S, QUICK_S),
    "models": How(PROBE_EVERY_S, PROBE_S),
    "disk": How(DISK_EVERY_S, DISK_TIMEOUT_S),
}
"""Of all checks but those that are known at any moment and critical to nothing."""


def checks(engine: Engine, supervisor: Supervisor, pulse: Pulse) -> list[Check]:
    """All checks, in a fixed order."""
    found = [
        _peers(engine),
        *_dht(engine),
        _control(engine),
        _docker(engine),
        *_models(engine),
        _disk(engine, pulse),
        *_clock(engine),
        _feeds(engine),
        _keys(engine),
        _license(engine),
        *_assignment(engine),
    ]
    found += [Check(name=name, level="degraded", detail=problem) for name, problem in supervisor.problems()]
    if problems := engine.mesh.problems():
        found.append(Check(name="network", level="degraded", detail="; ".join(problems)))
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


def report(engine: Engine, supervisor: Supervisor, pulse: Pulse) -> dict[str, Any]:
    """The body of ``/health``."""
    found = checks(engine, supervisor, pulse)
    return {
        "status": level(found),
        "checks": [check.model_dump() | _how(check.name) for check in found],
        "active_tasks": engine.tasks.worker.running,
        "capacity": engine.max_tasks,
        "admin_heard_s": engine.control.admin_heard_s(),
        "ready": not not_ready(engine),
        "not_ready": not_ready(engine),
    }


def _how(name: str) -> dict[str, Any]:
    how = HOW.get(name, How())
    return {"critical": how.critical, "interval_s": how.interval_s, "timeout_s": how.timeout_s}


def _peers(engine: Engine) -> Check:
    count = len(engine.mesh.links())
    if count:
        return Check(name="peers", level="healthy", detail=f"{count} connected")
    return Check(name="peers", level="degraded", detail="no other peer is connected")


def _dht(engine: Engine) -> list[Check]:
    """None where it is off. An empty table is no fault: alone there is nobody to keep anything."""
    values = engine.mesh.values
    if values is None:
        return []
    if values.problem:
        return [Check(name="DHT", level="degraded", detail=values.problem)]
    return [
        Check(
            name="DHT",
            level="healthy",
            detail=f"{many(values.known, 'peer keeps', 'peers keep')} records with this one",
        )
    ]


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


def _disk(engine: Engine, pulse: Pulse) -> Check:
    if pulse.disk_problem:
        age = engine.clock.monotonic() - pulse.disk_seen_at
        return Check(name="disk", level="degraded", detail=f"{pulse.disk_problem}; last looked at well {age:.0f} s ago")
    text = f"{pulse.disk_free / 2**30:.1f} GiB free"
    if pulse.disk_free > LITTLE_DISK:
        return Check(name="disk", level="healthy", detail=text)
    help_ = "make room, or lower CHORUS_BLOB_QUOTA_MB"
    return Check(name="disk", level="degraded", detail=f"{text} at {engine.folder.path}: {help_}")


def _clock(engine: Engine) -> list[Check]:
    """None until another member was heard."""
    offset = engine.journal.delays.offset(engine.clock.wall())
    if offset is None:
        return []
    if abs(offset) <= CLOCK_OFF_S:
        return [Check(name="clock", level="healthy", detail="with the other members'")]
    word = "ahead of" if offset > 0 else "behind"
    return [
        Check(
            name="clock",
            level="degraded",
            detail=f"{abs(offset):.0f} s {word} the other members' clocks: set this machine's by NTP (timedatectl set-ntp true), or theirs",
        )
    ]


def _feeds(engine: Engine) -> Check:
    forks = engine.journal.forks()
    if forks:
        authors = ", ".join(sorted({engine.control.name(author) for author, _, _ in forks}))
        text = (
            f"said two different things under one number: {authors}; nothing after that counts (journal forks shows it)"
        )
        return Check(name="feeds", level="degraded", detail=text)
    return Check(name="feeds", level="healthy", detail=f"{engine.journal.count()} entries")


def _keys(engine: Engine) -> Check:
    service = engine.memory.keys
    recovery = recovery_words(service.keyrings.of(engine.control.mesh_id))
    said = f"{held_words(service)}; {recovery}"
    if service.lacking_s() > KEYS_LATE_S:
        help_ = "a member that holds them brings them when it is in reach; when nobody does, a master can renew them (vault rotate)"
        return Check(name="keys", level="degraded", detail=f"{said}; {help_}")
    return Check(name="keys", level="healthy", detail=said)


def _license(engine: Engine) -> Check:
    """Never failing: a licence decides at the start, and while the engine runs at the end of a grace."""
    gate, members = engine.license, len(engine.control.members)
    problem = gate.problem()
    if gate.node_limit is not None and members > gate.node_limit:
        problem = problem or f"the mesh has {members} members, and the licence allows {gate.node_limit} nodes"
    said = ", ".join([str(gate), *([f"features {' '.join(gate.features)}"] if gate.features else [])])
    return Check(name="licence", level="degraded" if problem else "healthy", detail=problem or said)


def _assignment(engine: Engine) -> list[Check]:
    """What WHOOSH assigned, whether the mesh granted it, and what waits for a restart; none where there is nothing to tell."""
    whoosh, troubles = engine.sources.whoosh, []
    if whoosh.problem:
        troubles.append(f"the newest one from {whoosh.host} does not count: {whoosh.problem}")
    if engine.reload_problem:
        troubles.append(f"the settings that were read anew do not count: {engine.reload_problem}")
    if whoosh.url and engine.wish.refused:
        troubles.append(f"the mesh does not grant the role: {engine.wish.refused}")
    if engine.later:
        troubles.append(f"needs a restart: {', '.join(engine.later)}")
    if whoosh.unknown:
        troubles.append(f"keys without effect: {', '.join(whoosh.unknown)}")
    if not whoosh.url and not troubles:
        return []
    said = whoosh_rules.told(whoosh.assignment)
    detail = "; ".join([*troubles, *([f"in force: {said}"] if said else [])]) or "nothing is assigned"
    return [Check(name="assignment", level="degraded" if troubles else "healthy", detail=detail)]
