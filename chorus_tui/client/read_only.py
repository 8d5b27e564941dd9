"""A client that only looks: what would change something is refused before it leaves, whoever asks for it.

The engine refuses it to a token that may only read, too; this one keeps a person with a full token from doing it by mistake.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from typing import TYPE_CHECKING, Any

from chorus_tui.contract.operations import BY_NAME, Scope
from chorus_tui.contract.problem import Problem

if TYPE_CHECKING:
    from pydantic import BaseModel

    from chorus_tui.client import Connection, EngineClient
    from chorus_tui.contract.feed import Batch
    from chorus_tui.contract.models.status import Hello


WAY_OUT = "Open it without --read-only; over SSH or in a browser, ask who serves it for the scope operate."
"""For a person at this machine, and for a guest, who has no such option."""


class ReadOnly:
    """``inner``, with nothing but what reads."""

    def __init__(self, inner: EngineClient) -> None:
        self._inner = inner

    @property
    def connection(self) -> Connection:
        """That of the client inside."""
        return self._inner.connection

    @connection.setter
    def connection(self, connection: Connection) -> None:
        self._inner.connection = connection

    @property
    def on_connection(self) -> Callable[[Connection], None] | None:
        """Told of each change."""
        return self._inner.on_connection

    @on_connection.setter
    def on_connection(self, told: Callable[[Connection], None] | None) -> None:
        self._inner.on_connection = told

    @property
    def hello(self) -> Hello | None:
        """That of the client inside."""
        return self._inner.hello

    @hello.setter
    def hello(self, hello: Hello | None) -> None:
        self._inner.hello = hello

    async def call(self, operation: str, request: BaseModel | None = None) -> Any:
        """As the client inside; raises ``Problem`` 403 for what is not there to read."""
        if not reads(operation):
            raise refusal(operation)
        return await self._inner.call(operation, request)

    def events(self, topics: Iterable[str]) -> AsyncIterator[Batch]:
        """As the client inside."""
        return self._inner.events(topics)

    async def close(self) -> None:
        """As the client inside."""
        await self._inner.close()


def reads(operation: str) -> bool:
    """Whether an operation only looks; one that is not in the contract does not."""
    known = BY_NAME.get(operation)
    return known is not None and known.scope is Scope.READ


def refusal(operation: str) -> Problem:
    """In words."""
    known = BY_NAME.get(operation)
    what = known.help if known is not None else operation
    return Problem(403, "read-only", "This portal is read only", f"It was not done: {what}. {WAY_OUT}")
