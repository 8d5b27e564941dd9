"""The engine that guests of this process are shown, and how each of them asks it: with a credential of his own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chorus_tui.client import ContractRefused, EngineClient, EngineGone, Progress
from chorus_tui.contract.problem import Problem
from chorus_tui.serve.credentials import Credential, Credentials
from chorus_tui.serve.ssh.authorized import AuthorizedKey

if TYPE_CHECKING:
    from chorus_tui.client.socket_client import SocketClient

Opener = Callable[[Progress], Awaitable["SocketClient"]]
"""Finds or starts the engine, as its admin."""


class Reception:
    """``address`` is where guests reach the engine: its socket, or its URL. ``root`` is the folder of this machine that they may open."""

    def __init__(self, address: Path | str, opener: Opener, root: Path | None = None) -> None:
        self._address = address
        self._opener = opener
        self._credentials = Credentials("ssh", str(root) if root is not None and isinstance(address, Path) else "")
        self._given: dict[EngineClient, Credential] = {}
        self._opening = asyncio.Lock()
        self._admin: SocketClient | None = None
        self._watch: asyncio.Task[None] | None = None

    async def open(self, progress: Progress) -> None:
        """Find or start the engine. Raises as its opener does."""
        async with self._opening:
            if self._admin is not None and await self._answers(self._admin):
                return
            await self._let_go()
            self._admin = await self._opener(progress)
            self._watch = asyncio.get_running_loop().create_task(self._stay(self._admin))
        with contextlib.suppress(EngineGone, Problem):
            await self._credentials.sweep(self._ask)

    async def client(self, guest: AuthorizedKey, progress: Progress) -> EngineClient:
        """A greeted client with the scope and the name of ``guest``. Raises ``EngineGone``, ``ContractRefused``, ``Problem``."""
        from chorus_tui.client.socket_client import SocketClient

        await self.open(progress)
        credential = await self._credentials.issue(self._ask, guest.person, guest.scope)
        client = SocketClient(self._address, credential.secret)
        self._given[client] = credential
        try:
            await client.greet()
        except BaseException:
            await self.leave(client)
            raise
        return client

    async def leave(self, client: EngineClient) -> None:
        """The guest has gone: his connection is closed, his token opens nothing any more."""
        await client.close()
        credential = self._given.pop(client, None)
        if credential is not None and self._admin is not None:
            await self._credentials.void(self._ask, credential)

    async def close(self) -> None:
        """The engine goes on, or stops by itself when it was started for this portal."""
        for client in list(self._given):
            await self.leave(client)
        await self._let_go()

    async def _ask(self, operation: str, request: Any) -> Any:
        assert self._admin is not None
        return await self._admin.call(operation, request)

    async def _answers(self, admin: SocketClient) -> bool:
        try:
            await admin.call("engine.hello")
        except (EngineGone, Problem):
            return False
        return True

    async def _stay(self, admin: SocketClient) -> None:
        """An engine that was started for a front stops when its last client has left: as long as we serve, one is here."""
        with contextlib.suppress(ContractRefused, Problem):
            async for _ in admin.events(("inbox",)):
                continue

    async def _let_go(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
            self._watch = None
        if self._admin is not None:
            await self._admin.close()
            self._admin = None
