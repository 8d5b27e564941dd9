"""CPUs shared among the sandboxes of one agent: together they never get more than the settings give.

A sandbox alone gets what it asked for; each one that comes makes the others give way, each that goes gives back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import trio

from chorus_tui.engine.execution.docker_api import DockerApi
from chorus_tui.engine.execution.errors import ExecutionError

_LEAST = 0.05


def spread(total: float, wishes: Mapping[str, float]) -> dict[str, float]:
    """Share ``total`` fairly: nobody gets more than the wish, what one leaves goes to the others."""
    shares: dict[str, float] = {}
    left = total
    for at, (name, wish) in enumerate(sorted(wishes.items(), key=lambda item: (item[1], item[0]))):
        shares[name] = max(_LEAST, min(wish, left / (len(wishes) - at)))
        left = max(0.0, left - shares[name])
    return shares


class CpuBudget:
    """Who runs now, and what each has."""

    def __init__(self, api: DockerApi, total: float) -> None:
        self._api = api
        self._total = total
        self._wishes: dict[str, float] = {}
        self._given: dict[str, float] = {}

    @asynccontextmanager
    async def share(self, container: str, wish: float) -> AsyncIterator[None]:
        """Count a started container in for the time of the block."""
        self._wishes[container] = self._given[container] = wish
        await self._apply()
        try:
            yield
        finally:
            del self._wishes[container], self._given[container]
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 0.2):
                await self._apply()

    async def _apply(self) -> None:
        for container, cpus in spread(self._total, self._wishes).items():
            if self._given.get(container) not in {None, cpus}:
                self._given[container] = cpus
                try:
                    await self._api.set_cpus(container, cpus)
                except ExecutionError:
                    # It is ending at this moment; whoever runs it meets the true error.
                    continue
