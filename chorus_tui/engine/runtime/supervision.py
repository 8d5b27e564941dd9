"""Supervision: a service that fails is restarted with back-off and shows as degraded until it has been calm for a minute; a critical
one that keeps failing ends the process with its reason."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import structlog
import trio

from chorus_tui.engine.clock import Clock

log = structlog.get_logger("chorus.runtime")

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
CALM_S = 60.0
MOST_FAILURES = 5
LONGEST_PROBLEM = 300


class ServiceFailed(Exception):
    """A critical service failed for good. The text names it and its reason."""


@dataclass(slots=True)
class Service:
    """One supervised service. ``run`` takes ``task_status`` like any trio service."""

    name: str
    run: Callable[..., Awaitable[Any]]
    critical: bool = False
    restartable: bool = True
    failures: int = 0
    failed_ever: int = 0
    failed_at: float = float("-inf")
    """When it failed last, on the monotonic clock."""
    problem: str = ""


class _Starting:
    """Passes a service's word that it has started on to trio, and remembers it: trio does not say."""

    def __init__(self, status: Any) -> None:
        self._status = status
        self.told = False

    def started(self, value: object = None) -> None:
        """As trio's."""
        self.told = True
        self._status.started(value)


@dataclass(slots=True)
class Supervisor:
    """Runs services; knows which are in trouble. ``redact``: an error's words go to whoever asks how this engine is."""

    clock: Clock
    redact: Callable[[str], str]
    services: list[Service] = field(default_factory=list)

    async def start(self, nursery: trio.Nursery, service: Service) -> None:
        """Start one and wait until it says it has started. What it raises before that is the caller's."""
        self.services.append(service)
        await nursery.start(self._keep, service)

    async def _keep(self, service: Service, *, task_status: Any) -> None:
        pause = FIRST_PAUSE_S
        starting = _Starting(task_status)
        status: Any = starting
        while True:
            began = self.clock.monotonic()
            try:
                await service.run(task_status=status)
            except Exception as error:
                if not starting.told:
                    raise
                log.exception("⚠️ A service failed", service=service.name)
                service.failed_ever += 1
                service.failed_at = self.clock.monotonic()
                # Before it is cut: half a secret is found by no rule.
                service.problem = self.redact(f"{type(error).__name__}: {error}")[:LONGEST_PROBLEM]
            else:
                return
            calm = self.clock.monotonic() - began > CALM_S
            service.failures = 1 if calm else service.failures + 1
            pause = FIRST_PAUSE_S if calm else min(pause * 2, LONGEST_PAUSE_S)
            if not service.restartable or (service.critical and service.failures >= MOST_FAILURES):
                raise ServiceFailed(f"{service.name} failed for good: {service.problem}")
            await trio.sleep(pause)
            status = trio.TASK_STATUS_IGNORED
            service.problem = f"restarted after: {service.problem}"

    def problems(self) -> list[tuple[str, str]]:
        """(service, problem) of those that failed lately: who has been calm for a minute since is well again."""
        now = self.clock.monotonic()
        return [
            (service.name, service.problem)
            for service in self.services
            if service.problem and now - service.failed_at <= CALM_S
        ]
