"""The whole examination: looks at everything, a running engine included, and lets the rules judge."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import trio

from chorus_tui.contract.models.operate import Diagnosis, Finding
from chorus_tui.engine.ai.configuration import build_models
from chorus_tui.engine.clock import SystemClock, SystemEntropy
from chorus_tui.engine.execution.executor import DockerExecutor
from chorus_tui.engine.execution.settings import ExecutionSettings
from chorus_tui.engine.journal.flow import MIB
from chorus_tui.engine.licensing.license import LicenseError, check
from chorus_tui.engine.mesh.hardening import SUPPORTED
from chorus_tui.engine.runtime.asking import ask
from chorus_tui.engine.runtime.doctor import machine, network, rules
from chorus_tui.engine.runtime.doctor.licence_server import look_at_licence_server
from chorus_tui.engine.settings import Settings, SettingsError, load
from chorus_tui.engine.shhh.redactor import Redactor
from chorus_tui.locations import data_dir

LOOK_S = 15.0
"""What is asked of others may take so long in sum."""
VERDICTS: dict[str, Literal["ok", "warn", "fail"]] = {"healthy": "ok", "degraded": "warn", "failing": "fail"}


async def examine(kind: Literal["agent", "human"], environ: Mapping[str, str], folder: str | None) -> Diagnosis:
    """Everything that can be looked at. Never raises for what is wrong here: that is a finding."""
    found = [
        rules.python(sys.version_info[:3]),
        rules.library(machine.installed("libp2p"), SUPPORTED),
        rules.git(machine.git_version()),
        rules.descriptors(machine.descriptors()),
    ]
    try:
        settings = load(environ, kind)
    except SettingsError as error:
        return Diagnosis(findings=[rules.settings(error.problems, []), *found, _clock(None)])
    path = data_dir(kind, folder or settings.data_dir or None)
    status = await ask(path, "/api/v1/status")
    licence, ahead_s = await _license(settings, path, status)
    found = [rules.settings([], settings.warnings), licence, *found, _clock(ahead_s)]
    found += rules.folder(machine.look_at_folder(path, settings.blob_quota_mb * MIB))
    found += _ports(settings, _pid(path) if status is not None else None)
    found.append(_mdns(settings))
    with trio.move_on_after(LOOK_S):
        found += await _docker(settings, needed=kind == "agent" and settings.max_tasks > 0)
        found += await _models(settings)
    if isinstance(status, dict):
        found += _of_engine(status)
    return Diagnosis(findings=found, engine=status is not None)


async def _license(settings: Settings, folder: Path, status: Any) -> tuple[Finding, float | None]:
    """With how far this machine's clock is ahead of the licence server's, where there is one that answers. The engine that runs knows
    its licence itself."""
    try:
        check(settings.license_id, settings.kaching_url)
    except LicenseError as error:
        return rules.license_("", str(error)), None
    if not settings.kaching_url:
        return rules.license_("for development", ""), None
    told = rules.licence_of_engine(status.get("checks", [])) if isinstance(status, dict) else None
    if told is not None:
        return told, None
    seen = await look_at_licence_server(settings, folder, time.time())
    return rules.licence_server(seen), seen.ahead_s


def _clock(ahead_s: float | None) -> Finding:
    return rules.clock(time.time(), synchronised=machine.synchronised(), ahead_s=ahead_s)


def _ports(settings: Settings, engine: int | None) -> list[Finding]:
    ports = {
        "CHORUS_P2P_PORT": (settings.p2p_host, settings.p2p_port),
        "CHORUS_API_PORT": (settings.api_host, settings.api_port),
        "CHORUS_HEALTH_PORT": (settings.health_host, settings.health_port),
    }
    same = rules.same_ports(ports)
    told = {finding.name for finding in same}
    seen = [network.look_at_port(variable, host, number, engine) for variable, (host, number) in ports.items()]
    return [*same, *(finding for one in seen if (finding := rules.port(one)).name not in told)]


def _mdns(settings: Settings) -> Finding:
    problem = network.mdns_problem() if settings.mdns_enabled else ""
    return rules.mdns(enabled=settings.mdns_enabled, interfaces=network.multicast_interfaces(), problem=problem)


async def _docker(settings: Settings, *, needed: bool) -> list[Finding]:
    executor = DockerExecutor(
        ExecutionSettings(owner="doctor", docker_host=settings.docker_host, images=settings.images)
    )
    return rules.docker(machine.look_at_docker(settings.docker_host, await executor.probe(), needed=needed))


async def _models(settings: Settings) -> list[Finding]:
    models = build_models(settings, Redactor(settings.secrets).text, SystemClock(), SystemEntropy())
    await models.look()
    return [rules.provider(one.name, one.detail, one.model) for one in models.health()]


def _of_engine(status: dict[str, Any]) -> list[Finding]:
    """What the running engine says of itself, where it is not well."""
    unwell = [one for one in status.get("checks", []) if one.get("level") != "healthy"]
    if not unwell:
        return [Finding(name="engine", verdict="ok", found="it runs, and all its checks are well")]
    return [
        Finding(
            name=f"engine: {one['name']}", verdict=VERDICTS.get(one["level"], "warn"), found=one["detail"],
            advice="chorus-tui status shows it as it goes on",
        )
        for one in unwell
    ]  # fmt: skip


def _pid(folder: Path) -> int | None:
    """The process that holds the data folder; its lock file begins with the number."""
    try:
        found = re.match(r"\d+", (folder / "engine.lock").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None
    return int(found[0]) if found else None
