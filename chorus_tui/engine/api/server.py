"""The API server: opens the doors, serves beside the engine, closes in order.

``ApiServer.run`` is a trio service; the HTTP part runs in the bridge's asyncio thread. What is served stands in
:mod:`~chorus_tui.engine.api.routes`; an operation without a handler is absent.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog
import trio
from aiohttp import web

from chorus_tui.engine.api.bridge import Bridge, open_bridge
from chorus_tui.engine.api.connections import listen
from chorus_tui.engine.api.doors import Doors, listen_tcp, listen_unix
from chorus_tui.engine.api.probes import Probes, add_probes
from chorus_tui.engine.api.problems import answer_problems
from chorus_tui.engine.api.requests import MAX_BODY
from chorus_tui.engine.api.routes import OperationHandler, Routes
from chorus_tui.engine.api.token_file import TokenFileError
from chorus_tui.engine.api.tokens import Tokens
from chorus_tui.engine.journal.events import EventBus

RECENT_S = 5.0
SAVE_USE_S = 60.0
"""How often it is written down when tokens were used last."""
IDLE_S = 30.0
"""How long a connection may say nothing, or take over the head of a request, before it is closed."""

_log = structlog.get_logger("api")


class ApiServer:
    """The doors of one engine."""

    def __init__(
        self, handlers: Mapping[str, OperationHandler], events: EventBus, tokens: Tokens, probes: Probes, doors: Doors,
        *, ucxi: bool = False,
    ) -> None:  # fmt: skip
        self._tokens = tokens
        self._probes = probes
        self._doors = doors
        self._routes = Routes(handlers, events, tokens, probes, doors, ucxi=ucxi)
        self.api_port: int | None = None
        """The TCP port of the API once :meth:`run` has started, also when any free one was asked for."""
        self.health_port: int | None = None
        """Likewise for probes."""

    @property
    def calls_total(self) -> int:
        """Calls answered so far, for metrics."""
        return self._routes.calls.total

    @property
    def refused(self) -> dict[str, float]:
        """Requests that were refused so far, by status, for metrics."""
        return {str(status): float(count) for status, count in dict(self._routes.outcomes.refused).items()}

    @property
    def throttled(self) -> int:
        """Requests refused because their token asked too often."""
        return self._routes.throttled

    def clients(self) -> int:
        """Open event streams, calls in flight, and 1 more when a call ended within the last 5 s. Probes don't count."""
        recent = 1 if time.monotonic() - self._routes.calls.last_at < RECENT_S else 0
        return self._routes.streams() + self._routes.calls.running + recent

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled. ``started`` is told when every door is open.

        Raises :class:`~chorus_tui.engine.api.doors.CannotListen`. Must run under the data folder's lock.
        """
        with contextlib.ExitStack() as cleanup:
            listeners = self._listen(cleanup)
            async with open_bridge() as bridge:
                up = trio.Event()
                token = trio.lowlevel.current_trio_token()
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(
                        bridge.run, lambda: self._serve(bridge, listeners, lambda: token.run_sync_soon(up.set))
                    )
                    await up.wait()
                    nursery.start_soon(self._save_use)
                    task_status.started()

    def _listen(self, cleanup: contextlib.ExitStack) -> list[tuple[str, socket.socket]]:
        """Open every door, TCP first, so that a port in use is found before the socket tells that we are here."""
        listeners = []
        for name, address in (("api", self._doors.api), ("health", self._doors.health)):
            if address is not None:
                listeners.append((name, listen_tcp(address)))
                cleanup.callback(listeners[-1][1].close)
        for name, listener in listeners:
            port = listener.getsockname()[1]
            self.api_port, self.health_port = (port, self.health_port) if name == "api" else (self.api_port, port)
        if self._doors.unix is not None:
            listener = listen_unix(self._doors.unix)
            listeners.append(("unix", listener))
            cleanup.callback(_remove_socket, listener, self._doors.unix, self._doors.unix.stat().st_ino)
        return listeners

    async def _serve(
        self, bridge: Bridge, listeners: list[tuple[str, socket.socket]], up: Callable[[], object]
    ) -> None:
        self._tokens.on_change.append(self._look_again(asyncio.get_running_loop()))
        async with contextlib.AsyncExitStack() as cleanup:
            for name, listener in listeners:
                app = self._health_app(bridge) if name == "health" else self._routes.app(bridge, tcp=name == "api")
                # Reads are cancelled when their caller leaves; a change, once begun, is carried to its end.
                runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
                cleanup.push_async_callback(runner.cleanup)
                await runner.setup()
                assert runner.server is not None
                listening = await listen(runner.server, listener, IDLE_S, self._routes.outcomes.one_too_many)
                cleanup.callback(listening.close)
            up()
            await asyncio.Event().wait()

    def _look_again(self, loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
        """Ends what a revoked token began. Any thread may call what it gives."""

        def look_again() -> None:
            self._routes.readers.look_again()
            # The loop is closed only after the last call has ended.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._routes.calls.look_again)

        return look_again

    async def _save_use(self) -> None:
        try:
            while True:
                await trio.sleep(SAVE_USE_S)
                await self._save_use_once()
        finally:
            with trio.CancelScope(shield=True):
                await self._save_use_once()

    async def _save_use_once(self) -> None:
        try:
            await trio.to_thread.run_sync(self._tokens.save_use)
        except TokenFileError as error:
            _log.warning("⚠️ It could not be noted when tokens were used last", reason=str(error))

    def _health_app(self, bridge: Bridge) -> web.Application:
        app = web.Application(middlewares=[answer_problems], client_max_size=MAX_BODY)
        add_probes(app, self._probes, bridge)
        return app


def _remove_socket(listener: socket.socket, path: Path, inode: int) -> None:
    """Close, and unlink the path if it is still ours."""
    listener.close()
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_ino == inode:
            path.unlink()
