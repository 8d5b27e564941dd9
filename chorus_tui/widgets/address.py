"""Typing an address: completed by what is known."""

from __future__ import annotations

from textual.suggester import Suggester

from chorus_tui.store import Store


class KnownPlaces(Suggester):
    """Completes an address by those that are known, the first by name."""

    def __init__(self, store: Store) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._store = store

    async def get_suggestion(self, value: str) -> str | None:
        """The first that goes on so."""
        return next((place for place in sorted(self._store.places) if value and place.startswith(value)), None)
