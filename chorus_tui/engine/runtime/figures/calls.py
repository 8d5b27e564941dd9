"""Times the operations of the API where the engine answers them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from chorus_tui.contract.problem import Problem
from chorus_tui.engine.clock import Clock
from chorus_tui.engine.telemetry.histogram import Histogram

Handler = Callable[[Any, Any], Awaitable[Any]]


class Calls:
    """What became of all operations of one engine."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.took = Histogram()
        self.outcomes: Counter[str] = Counter()
        """``ok``; ``refused``: the caller was told why; ``failed``: a fault of ours."""

    def counted(self, handlers: dict[str, Handler]) -> dict[str, Handler]:
        """The same handlers, counted."""
        return {name: self._around(handler) for name, handler in handlers.items()}

    def _around(self, handler: Handler) -> Handler:
        @wraps(handler)
        async def counted(request: Any, caller: Any) -> Any:
            began, outcome = self._clock.monotonic(), "failed"
            try:
                answer = await handler(request, caller)
                outcome = "ok"
            except Problem as problem:
                outcome = "failed" if problem.status >= 500 else "refused"
                raise
            finally:
                self.outcomes[outcome] += 1
                self.took.observe(self._clock.monotonic() - began)
            return answer

        return counted
