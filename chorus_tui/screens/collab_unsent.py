"""What was typed into a text that was left before the engine had all of it: kept, sent, and there again when one comes back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from chorus_tui.client import ContractRefused
from chorus_tui.screens.collab_exchange import Exchange

RETRY_S = 0.5
QUIT_S = 3.0
"""So long the portal tries to send the last words before it asks whether to leave all the same."""


class Unsent:
    """Of one portal: exchanges of texts that are not open, by session."""

    def __init__(self) -> None:
        self._of: dict[str, Exchange] = {}

    def keep(self, exchange: Exchange) -> None:
        """Its text is left."""
        if exchange.pending:
            self._of[exchange.session] = exchange

    def back(self, session: str) -> Exchange | None:
        """Its text is opened again: from now on its screen sends what is missing. None: nothing is."""
        return self._of.pop(session, None)

    async def send(self, exchange: Exchange) -> None:
        """For as long as it takes, or until its text is opened again."""
        await _give(exchange, lambda: self._of.get(exchange.session) is exchange)
        if self._of.get(exchange.session) is exchange:
            del self._of[exchange.session]

    async def send_all(self, opened: Exchange | None, within_s: float = QUIT_S) -> list[Exchange]:
        """All of it and that of the open text, if it can be done in this time; those that still lack something."""
        waiting = [one for one in (*self._of.values(), opened) if one is not None and one.pending]
        with contextlib.suppress(TimeoutError, ContractRefused):
            async with asyncio.timeout(within_s):
                await asyncio.gather(*(_give(one, lambda: True) for one in waiting))
        return [one for one in waiting if one.pending]


async def _give(exchange: Exchange, wanted: Callable[[], bool]) -> None:
    """Batch after batch; while the engine is away or does not take it, again after a while."""
    while exchange.pending and wanted():
        answer = await exchange.next()
        if answer is None or not answer.took:
            await asyncio.sleep(RETRY_S)
