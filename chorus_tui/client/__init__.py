"""How a front reaches an engine: two methods, a connection state, and typed errors. Screens and CLI know no more.

``SocketClient`` (:mod:`chorus_tui.client.socket_client`) speaks to a real engine; :mod:`chorus_tui.client.launcher`
finds or starts one. This module imports neither aiohttp nor pydantic, so that a front paints before it connects.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from chorus_tui.contract.feed import Batch

if TYPE_CHECKING:
    from pydantic import BaseModel

    from chorus_tui.contract.models.status import Hello

__all__ = [
    "Batch",
    "Connection",
    "Connector",
    "ContractRefused",
    "EngineClient",
    "EngineGone",
    "EngineStartFailed",
    "Progress",
]


class EngineGone(Exception):
    """No engine answers there (any more). The text says where it was looked for and what to do."""


class EngineStartFailed(EngineGone):
    """An engine was started and did not come up. The text is the engine's own reason."""


class ContractRefused(Exception):
    """Client and engine speak different major versions of the contract. The text says how to go on."""


@dataclass(frozen=True, slots=True)
class Connection:
    """How a client stands to its engine.

    ``connecting`` until the first greeting; ``connected``; ``lost``: it reconnects by itself; ``refused``: it does
    not try again. ``since`` is Unix time in seconds; ``detail`` is for people.
    """

    state: Literal["connecting", "connected", "lost", "refused"]
    since: float
    detail: str = ""


class EngineClient(Protocol):
    """An engine, seen from a front."""

    connection: Connection
    """The present state."""

    on_connection: Callable[[Connection], None] | None
    """Called at each change of :attr:`connection`, in the event loop; set by the one owner of the client."""

    hello: Hello | None
    """The engine's last greeting, or None before the first."""

    async def call(self, operation: str, request: BaseModel | None = None) -> BaseModel:
        """Ask for ``operation`` (a name of the contract's list); the answer is its response model.

        ``request`` may be None where the operation needs nothing. Raises :class:`EngineGone` when no engine answers,
        :class:`~chorus_tui.contract.problem.Problem` when it says no, or answers what this side does not understand.
        """
        ...

    def events(self, topics: Iterable[str]) -> AsyncIterator[Batch]:
        """Follow ``topics``, for ever, over lost connections.

        The first batch of each connection has ``fresh`` set and no events: what happened before is not in the stream,
        so ask for the present state then, and likewise when ``dropped`` is not 0. Ends with
        :class:`ContractRefused` or a ``Problem`` (a topic that is none, a token that does not do), never with a lost
        connection. Close the iterator (``aclose``) to stop following.
        """
        ...

    async def close(self) -> None:
        """Let go of the connection; the engine goes on."""
        ...


Progress = Callable[[str], None]
"""Is told each step of connecting, in words for people."""

Connector = Callable[[Progress], Awaitable[EngineClient]]
"""Finds or starts an engine and greets it. Raises :class:`EngineGone`, :class:`EngineStartFailed`,
:class:`ContractRefused`, or ``Problem``."""
