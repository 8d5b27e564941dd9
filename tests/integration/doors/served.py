"""A real API server in front of handlers that hold their answers in memory, for the tests of doors, client and CLI."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trio

from chorus_tui.contract import CONTRACT_VERSION
from chorus_tui.contract.models.common import Empty
from chorus_tui.contract.models.status import Hello
from chorus_tui.contract.operations import Scope
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.api.doors import Address, Caller, Doors
from chorus_tui.engine.api.probes import Probes
from chorus_tui.engine.api.server import ApiServer
from chorus_tui.engine.api.tokens import Tokens
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.locations import socket_path
from tests.support.patience import PATIENCE

TASK = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


@dataclass
class Served:
    """A running server; ``seen`` are (operation, request, caller) in order."""

    data: Path
    server: ApiServer
    events: EventBus
    tokens: Tokens
    seen: list[tuple[str, Any, Caller]]
    token: dict[Scope, str] = field(default_factory=dict)
    ready: list[str] = field(default_factory=list)
    stop: Callable[[], None] = lambda: None

    @property
    def socket(self) -> Path:
        return socket_path(self.data)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.api_port}"


@contextmanager
def serve(
    data: Path, answers: dict[str, Any] | None = None, contract: tuple[int, int] = CONTRACT_VERSION, **doors_set: Any
) -> Iterator[Served]:
    """Serve ``answers`` (operation: a model, or a function of the request that gives one or raises); ``doors_set`` as
    :class:`Doors` has them."""
    data.mkdir(parents=True, exist_ok=True)
    hello = Hello(
        contract=contract, version="0.1.0", agent_id="me", peer_id="p-me", kind="human", pid=1, data_dir=str(data)
    )
    given = {"engine.hello": hello, "engine.stop": Empty(), **(answers or {})}
    seen: list[tuple[str, Any, Caller]] = []
    reasons: list[str] = []

    tokens = Tokens.load_or_create(data / "api.tokens")
    probes = Probes(lambda: True, lambda: reasons, lambda: {"status": "healthy"}, lambda: b"chorus_up 1\n")
    doors = Doors(
        socket_path(data), Address("127.0.0.1", 0, "CHORUS_API_PORT"), Address("127.0.0.1", 0, "CHORUS_HEALTH_PORT"),
        **doors_set,
    )  # fmt: skip
    events = EventBus()
    server = ApiServer({n: _handler(n, a, seen) for n, a in given.items()}, events, tokens, probes, doors)
    scope, up, failure = trio.CancelScope(), threading.Event(), []
    trio_token: list[trio.lowlevel.TrioToken] = []

    async def main() -> None:
        trio_token.append(trio.lowlevel.current_trio_token())
        with scope:
            async with trio.open_nursery() as nursery:
                await nursery.start(server.run)
                up.set()

    def run() -> None:
        try:
            trio.run(main)
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            while isinstance(error, BaseExceptionGroup):
                error = error.exceptions[0]
            failure.append(error)
        up.set()

    thread = threading.Thread(target=run)
    thread.start()
    up.wait(80)
    if failure:
        raise failure[0]
    served = Served(data, server, events, tokens, seen, ready=reasons)

    def stop() -> None:
        if thread.is_alive():
            trio_token[0].run_sync_soon(scope.cancel)
        thread.join(20)

    served.stop = stop
    served.token = {tokens.find(secret).scope: secret for secret in tokens.secrets()}
    try:
        yield served
    finally:
        stop()
        if failure:
            raise failure[0]


def _handler(name: str, answer: Any, seen: list[tuple[str, Any, Caller]]) -> Any:
    async def handle(request: Any, caller: Caller) -> Any:
        seen.append((name, request, caller))
        value = answer(request) if callable(answer) else answer
        return await value if hasattr(value, "__await__") else value

    return handle


def refuse(status: int, code: str, title: str) -> Any:
    """An answer that is a problem."""

    def answer(_: Any) -> Any:
        raise Problem(status, code, title)

    return answer


async def until(holds: Any) -> None:
    """Wait until ``holds()``, for 10 s at most, on a calm machine. What is watched lives in another thread or process, so it is asked."""
    async with asyncio.timeout(10 * PATIENCE):
        while not holds():
            await asyncio.sleep(0.01)
