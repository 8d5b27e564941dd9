"""Lets a sandbox out to the hosts people agreed to, while its commands run.

The sandbox keeps its network ``none``. What it sends to :data:`~.forwarder.PORT` on its own loopback comes to this
process, which asks the rules of :mod:`.egress` and makes the connection itself. Everything is bounded for each task:
connections at once, bytes, idle time. Each connection and each refusal is a line of the task's output.

All of it lives in the attempt's nursery: when the work ends, or is cancelled, no connection is left.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import structlog
import trio

from chorus_tui.contract.hosts import Target
from chorus_tui.engine.execution.egress import ESTABLISHED, Allowance, Gate, HeadReader, Refused
from chorus_tui.engine.execution.errors import ExecutionError, NoForwarder
from chorus_tui.engine.execution.forwarder import Inner, connection, listening
from chorus_tui.engine.execution.sandbox import Sandbox

log = structlog.get_logger(__name__)

AT_ONCE = 8
HEAD_S = 10.0
CONNECT_S = 10.0
IDLE_S = 60.0
_END_S = 5.0
_PAUSE_S = 0.5
_PIECE = 65536

Note = Callable[[str], Awaitable[None]]
_Carried = Callable[[bytes, Callable[[bytes], Awaitable[None]]], Awaitable[None]]


class LettingOut:
    """The way out of one sandbox. ``summary`` tells what went through it."""

    def __init__(self, sandbox: Sandbox, gate: Gate, note: Note) -> None:
        self._sandbox = sandbox
        self._gate = gate
        self._note = note
        self._allowance = Allowance()
        # Taken before a connection's streams are opened: those beyond wait within the sandbox, at its cost.
        self._room = trio.Semaphore(AT_ONCE)
        self._passed = 0
        self._refused = 0

    @property
    def summary(self) -> str:
        """In words; empty when nothing was tried."""
        if not self._passed and not self._refused:
            return ""
        return f"out: {self._passed} let through, {self._refused} refused, {self._allowance.used} bytes"

    async def serve(self, scope: trio.CancelScope, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Until ``scope`` is cancelled or the sandbox is gone. Its start tells the error for which nothing listens, if so."""
        begun = False
        with scope:
            async with trio.open_nursery() as nursery:
                try:
                    async with listening(self._sandbox) as names:
                        begun = True
                        task_status.started(None)
                        await self._take(names, nursery)
                    await self._again(nursery)
                except ExecutionError as error:
                    if not begun:
                        task_status.started(error)
                    # Else the commands' own calls meet the same trouble, and say it.
                    log.info("the way out of a sandbox is lost", error=str(error))

    async def _again(self, nursery: trio.Nursery) -> None:
        """A command that ran out of time took all processes along, the listener among them."""
        while True:
            await trio.sleep(_PAUSE_S)
            try:
                async with listening(self._sandbox) as names:
                    await self._take(names, nursery)
            except NoForwarder as error:
                log.debug("nothing listens in a sandbox", error=str(error))

    async def _take(self, names: AsyncIterator[str], nursery: trio.Nursery) -> None:
        async for name in names:
            await self._room.acquire()
            nursery.start_soon(self._carry, name)

    async def _carry(self, name: str) -> None:
        try:
            async with connection(self._sandbox, name) as inner:
                await self._serve_one(inner)
        except ExecutionError as error:
            log.debug("a connection out of a sandbox broke off", error=str(error))
        finally:
            self._room.release()

    async def _serve_one(self, inner: Inner) -> None:
        try:
            where, rest = await self._asked(inner)
            self._gate.check(where)
            if self._allowance.spent:
                raise Refused(429, "the task has carried all it may", str(where))
            outer = await self._connected(where)
        except Refused as refused:
            self._refused += 1
            await self._note(f"── out: {refused.where or 'a request'} refused: {refused}")
            with trio.move_on_after(_END_S):
                await inner.send(refused.answer())
                await inner.end()
            return
        async with outer:
            self._passed += 1
            await self._note(f"── out: {where} let through")
            await inner.send(ESTABLISHED)
            await self._both_ways(inner, outer, rest, where)

    async def _asked(self, inner: Inner) -> tuple[Target, bytes]:
        reader = HeadReader()
        with trio.move_on_after(HEAD_S):
            while data := await inner.receive():
                where = reader.feed(data)
                if where is not None:
                    return where, reader.rest
            raise Refused(400, "the connection ended before it said where to")
        raise Refused(408, f"it did not say within {HEAD_S:.0f} s where to")

    async def _connected(self, where: Target) -> trio.SocketStream:
        """To the first address that answers, of those that were checked and no other."""
        why = f"no answer within {CONNECT_S:.0f} s"
        with trio.move_on_after(CONNECT_S):
            try:
                # As bytes: it is ASCII already, and a resolver that prepares names may refuse one, or make another of it.
                name = where.host.encode("ascii")
                found = await trio.socket.getaddrinfo(name, where.port, type=trio.socket.SOCK_STREAM)
            except OSError as error:
                raise Refused(502, f"its name is not known here ({error.strerror})", str(where)) from None
            for address in self._gate.passing(where, [str(one[4][0]) for one in found]):
                family = trio.socket.AF_INET if address.version == 4 else trio.socket.AF_INET6
                socket = trio.socket.socket(family, trio.socket.SOCK_STREAM)
                try:
                    await socket.connect((str(address), where.port))
                except OSError as error:
                    socket.close()
                    why = error.strerror or "no connection"
                except BaseException:
                    socket.close()
                    raise
                else:
                    return trio.SocketStream(socket)
        raise Refused(502, f"it cannot be reached: {why}", str(where))

    async def _both_ways(self, inner: Inner, outer: trio.SocketStream, first: bytes, where: Target) -> None:
        with trio.CancelScope(deadline=trio.current_time() + IDLE_S) as quiet:
            async with trio.open_nursery() as nursery:

                async def carried(data: bytes, onward: Callable[[bytes], Awaitable[None]]) -> None:
                    if not self._allowance.take(len(data)):
                        await self._note(f"── out: {where} cut off: the task has carried all it may")
                        nursery.cancel_scope.cancel()
                        await trio.lowlevel.checkpoint()
                    quiet.deadline = trio.current_time() + IDLE_S
                    await onward(data)

                nursery.start_soon(self._up, inner, outer, first, carried, nursery.cancel_scope)
                nursery.start_soon(self._down, inner, outer, carried, nursery.cancel_scope)

    async def _up(
        self, inner: Inner, outer: trio.SocketStream, first: bytes, carried: _Carried, both: trio.CancelScope
    ) -> None:
        """What the task sends. Its end is passed on; the answer may still come."""
        try:
            data = first or await inner.receive()
            while data:
                await carried(data, outer.send_all)
                data = await inner.receive()
            await outer.send_eof()
        except (trio.BrokenResourceError, ExecutionError):
            both.cancel()

    async def _down(self, inner: Inner, outer: trio.SocketStream, carried: _Carried, both: trio.CancelScope) -> None:
        """What comes back. Its end ends the connection, once the task has it all."""
        try:
            while data := await outer.receive_some(_PIECE):
                await carried(data, inner.send)
            await inner.end()
        except (trio.BrokenResourceError, ExecutionError) as error:
            log.debug("a connection out of a sandbox broke off", error=str(error))
        both.cancel()


@asynccontextmanager
async def let_out(nursery: trio.Nursery, sandbox: Sandbox, gate: Gate, note: Note) -> AsyncIterator[LettingOut]:
    """While the block runs the sandbox has its way out.

    Raises :class:`NoForwarder` when nothing inside can listen, another :class:`ExecutionError` when the sandbox is gone.
    """
    out = LettingOut(sandbox, gate, note)
    scope = trio.CancelScope()
    problem: ExecutionError | None = await nursery.start(out.serve, scope)
    try:
        if problem is not None:
            raise problem
        yield out
    finally:
        scope.cancel()
