"""Counts what callers of the HTTP doors were told, by status; probes are not among them.

What an operation answers is counted where the engine answers it. This counts the rest too: requests that never came so far,
because their token, their host, their size, their shape or their number was wrong.
"""

from __future__ import annotations

from collections import Counter

from aiohttp import web

from chorus_tui.engine.api import probes
from chorus_tui.engine.api.problems import Handler

REFUSALS = (400, 401, 403, 404, 405, 408, 409, 413, 422, 429, 431, 500, 502, 503, 504, 507)
"""Statuses that are there from the start, so that the first one is an increase."""


class Outcomes:
    """Of all doors of one server. Counted in the API's thread, read from the engine's."""

    def __init__(self) -> None:
        self.refused: Counter[int] = Counter(dict.fromkeys(REFUSALS, 0))
        """Answers that were a problem, by status."""

    def one_too_many(self) -> None:
        """A connection was not taken."""
        self.refused[503] += 1

    @web.middleware
    async def counted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Outermost: what it sees is what the caller is told."""
        answer = await handler(request)
        if answer.status >= 400 and request.path not in probes.PATHS:
            self.refused[answer.status] += 1
        return answer
