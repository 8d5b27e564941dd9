"""The bridge between trio, where the engine lives, and asyncio, where its API server lives in a thread of its own.

Errors and cancellation are carried both ways, and leaving ``open_bridge`` means that nothing runs any more on either
side. One call costs about 50 µs. Trio's guest mode was no faster and would share one thread, so that a slow frame on
one side stalls the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import trio

T = TypeVar("T")


class EngineStopping(Exception):
    """The engine ended while it was asked."""


class Bridge:
    """Carries calls across; made by :func:`open_bridge`."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._token = trio.lowlevel.current_trio_token()
        self._nursery = nursery
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), name="api", daemon=True)

    async def call(self, fn: Callable[..., Awaitable[T]], *args: Any) -> T:
        """From asyncio: run ``fn(*args)`` in trio. Cancelling this call cancels it there.

        Raises what ``fn`` raised, or :class:`EngineStopping`.
        """
        loop, scope = asyncio.get_running_loop(), trio.CancelScope()
        answer: asyncio.Future[T] = loop.create_future()

        def settle(method: Callable[[Any], None], value: Any) -> None:
            def apply() -> None:
                if not answer.done():
                    method(value)

            # The loop is closed only when nobody waits any more.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(apply)

        async def run_in_trio() -> None:
            settled = False
            try:
                with scope:
                    value = await fn(*args)
                    settle(answer.set_result, value)
                    settled = True
            except Exception as error:  # noqa: BLE001 - carried to the caller, whatever it is
                settle(answer.set_exception, error)
                settled = True
            finally:
                if not settled:
                    settle(answer.set_exception, EngineStopping("The engine is stopping"))

        def spawn() -> None:
            if self._closed:
                settle(answer.set_exception, EngineStopping("The engine is stopping"))
            else:
                self._nursery.start_soon(run_in_trio)

        self._into_trio(spawn)
        try:
            return await answer
        except asyncio.CancelledError:
            self._into_trio(scope.cancel)
            raise

    async def run(self, fn: Callable[[], Awaitable[T]]) -> T:
        """From trio: run ``fn()`` in the asyncio thread. Cancelling this cancels it there and waits until it ended."""
        loop, ended = self._loop, trio.Event()
        assert loop is not None, "the bridge is open"
        tasks: list[asyncio.Task[T]] = []

        async def awaited() -> T:
            return await fn()

        def start() -> None:
            tasks.append(loop.create_task(awaited()))
            tasks[0].add_done_callback(lambda _: self._into_trio(ended.set))

        loop.call_soon_threadsafe(start)
        try:
            await ended.wait()
        except trio.Cancelled:
            loop.call_soon_threadsafe(lambda: tasks[0].cancel())  # noqa: PLW0108 - it may not have started yet
            with trio.CancelScope(shield=True):
                await ended.wait()
            raise
        if tasks[0].cancelled():
            raise EngineStopping("The API ended")
        return tasks[0].result()

    def _into_trio(self, fn: Callable[[], object]) -> None:
        try:
            self._token.run_sync_soon(fn)
        except trio.RunFinishedError:
            raise EngineStopping("The engine is stopping") from None

    async def _live(self) -> None:
        """The asyncio thread's main task: lives until stopped; ``asyncio.run`` then cancels and awaits all others."""
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._started.set()
        await self._stop.wait()

    async def start(self) -> None:
        """Start the asyncio thread; returns when its loop runs."""
        self._thread.start()
        await trio.to_thread.run_sync(self._started.wait)

    async def stop(self) -> None:
        """End every asyncio task, then the thread."""
        assert self._loop is not None, "the bridge was started"
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        await trio.to_thread.run_sync(self._thread.join)

    def close(self) -> None:
        """Refuse further calls into trio."""
        self._closed = True


@asynccontextmanager
async def open_bridge() -> AsyncIterator[Bridge]:
    """From trio: a bridge that lives as long as the block. Calls that still run on leaving are cancelled."""
    async with trio.open_nursery() as nursery:
        bridge = Bridge(nursery)
        await bridge.start()
        try:
            yield bridge
        finally:
            bridge.close()
            with trio.CancelScope(shield=True):
                # The asyncio side first: its tasks cancel their calls, which the nursery still carries out.
                await bridge.stop()
            nursery.cancel_scope.cancel()
