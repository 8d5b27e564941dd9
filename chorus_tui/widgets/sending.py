"""What a screen sends is not sent again before its answer is here: the engine would carry out both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

if TYPE_CHECKING:
    from pydantic import BaseModel
    from textual.app import App

KEPT: Final = "Nothing is lost: try again when it is back. What went out before may have been taken, so look first."
"""After an answer that did not come."""


class Sending:
    """Of a screen. ``SENDS`` are its actions that send, or would cut off what is on its way."""

    SENDS: ClassVar[frozenset[str]] = frozenset({"send"})
    _awaits_answer = False
    if TYPE_CHECKING:
        app: App[Any]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Not while an answer is awaited."""
        if self._awaits_answer and action in self.SENDS:
            return None
        allowed: bool | None = super().check_action(action, parameters)  # type: ignore[misc]
        return allowed

    async def call(self, operation: str, request: BaseModel) -> Any:
        """The engine's answer. Raises as the client does."""
        self._awaits_answer = True
        try:
            return await self.app.client.call(operation, request)  # type: ignore[attr-defined]
        finally:
            self._awaits_answer = False
