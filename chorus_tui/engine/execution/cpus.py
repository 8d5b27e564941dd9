"""CPUs shared among the sandboxes of one agent: together they never get more than the settings give for longer than a moment.

A sandbox alone gets what it asked for; each one that stays makes the others give way, each that goes gives back. A change of shares costs
Docker as much as a short command does, so it waits half a second, in which most short tasks are over: four of those at once took two
thirds longer with shares that changed at once. Meanwhile the weight of a sandbox, a tenth of that of others, keeps them behind whatever
else the machine has to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog
import trio

from chorus_tui.engine.bell import Change
from chorus_tui.engine.execution.docker_api import DockerApi
from chorus_tui.engine.execution.errors import ExecutionError

_log = structlog.get_logger(__name__)
SETTLE_S = 0.5
"""Between a change and the shares that follow from it."""
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
        self._changed = Change()

    @contextmanager
    def share(self, nursery: trio.Nursery, container: str, wish: float) -> Iterator[None]:
        """Count a started container, which has what it wishes, in for the time of the block."""
        scope = trio.CancelScope()
        self._wishes[container] = wish
        self._changed.tell()
        nursery.start_soon(self._follow, container, wish, scope)
        try:
            yield
        finally:
            scope.cancel()
            del self._wishes[container]
            self._changed.tell()

    async def _follow(self, container: str, given: float, scope: trio.CancelScope) -> None:
        with scope:
            while True:
                await trio.sleep(SETTLE_S)
                changed, cpus = self._changed.next, spread(self._total, self._wishes)[container]
                if cpus != given:
                    try:
                        await self._api.set_cpus(container, cpus)
                        given = cpus
                    except ExecutionError as error:
                        # It is ending at this moment; whoever runs it meets the true error.
                        _log.debug("a sandbox kept the CPUs it had", error=str(error))
                await changed.wait()
