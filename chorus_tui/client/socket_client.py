"""The client of a real engine: HTTP for calls, one WebSocket a subscription, over a Unix socket or TCP.

aiohttp is imported when events are followed, so that a front paints before it, and a command that asks once never needs it.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, urlencode

from chorus_tui.client import Batch, Connection, ContractRefused, EngineGone
from chorus_tui.contract import CONTRACT_VERSION
from chorus_tui.contract.events import Event
from chorus_tui.contract.operations import BY_NAME, Operation
from chorus_tui.contract.problem import Problem
from chorus_tui.locations import check_own

if TYPE_CHECKING:
    import aiohttp
    from pydantic import BaseModel

    from chorus_tui.contract.models.status import Hello

CALL_TIMEOUT_S = 150.0
CONNECT_TIMEOUT_S = 10.0
GREETING_TIMEOUT_S = 30.0
"""For the event stream to open, of an engine that listens."""
HEARTBEAT_S = 10.0
RETRY_S = (0.25, 2.0)
"""First and longest pause before it connects again, in seconds; each is drawn between half of it and all."""


class SocketClient:
    """An engine at ``address``: the path of its Unix socket, or ``http(s)://host:port`` with a ``token``.

    A ``token`` at the socket asks with its scope and for its person, instead of with those of the socket's user.
    """

    def __init__(self, address: Path | str, token: str | None = None) -> None:
        self._unix = address if isinstance(address, Path) else None
        self._base = "http://localhost" if isinstance(address, Path) else address.rstrip("/")
        self._place = str(address)
        self._token = token
        self._session: aiohttp.ClientSession | None = None
        self.connection = Connection("connecting", time.time())
        self.on_connection: Callable[[Connection], None] | None = None
        self.hello: Hello | None = None
        self.fallen: Callable[[], bool] = lambda: False
        """Whether the engine was started for this client and has ended by a fault; the launcher knows."""

    async def greet(self) -> Hello:
        """Ask who is there. Raises :class:`EngineGone`, :class:`ContractRefused` or ``Problem``."""
        from chorus_tui.contract.models.status import Hello

        answer = await self.call("engine.hello")
        assert isinstance(answer, Hello)
        self._greeted(answer)
        return answer

    def offers(self, operation: str) -> bool:
        """Whether the engine greeted last has ``operation``; an engine of another minor version may not."""
        return self.hello is None or not self.hello.operations or operation in self.hello.operations

    async def call(self, operation: str, request: BaseModel | None = None) -> BaseModel:
        """See :class:`~chorus_tui.client.EngineClient`."""
        known = BY_NAME[operation]
        path, rest = _split(known, request)
        patience = CALL_TIMEOUT_S + float(rest.get("timeout_s") or 0)
        # One question over the socket shows no token: with one it would have the scope of the socket's user instead.
        bare = self._unix is not None and self._session is None and self._token is None
        ask = self._ask_once if bare else self._ask
        self._check_place()
        status, body = await ask(known.verb, path, rest, patience)
        if status != 200:
            raise _problem(status, body)
        return _understood(known, body)

    async def _ask_once(self, verb: str, path: str, rest: dict[str, Any], patience: float) -> tuple[int, bytes]:
        from chorus_tui.client import one_question

        assert self._unix is not None
        query = f"?{urlencode(_query(rest))}" if verb == "GET" and rest else ""
        data = json.dumps(rest).encode() if verb == "POST" else None
        try:
            return await one_question.ask(self._unix, verb, path + query, data, patience)
        except OSError as error:
            raise EngineGone(self._gone(error)) from error

    async def _ask(self, verb: str, path: str, rest: dict[str, Any], patience: float) -> tuple[int, bytes]:
        import aiohttp

        arguments: dict[str, Any] = {"params": _query(rest)} if verb == "GET" else {"json": rest}
        limits = aiohttp.ClientTimeout(total=patience, connect=CONNECT_TIMEOUT_S)
        try:
            async with self._open().request(verb, f"{self._base}{path}", timeout=limits, **arguments) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise EngineGone(self._gone(error)) from error

    async def events(self, topics: Iterable[str]) -> AsyncGenerator[Batch, None]:
        """See :class:`~chorus_tui.client.EngineClient`."""
        import aiohttp

        wanted, pause = ",".join(topics), RETRY_S[0]
        while True:
            try:
                async with aclosing(self._follow(wanted)) as batches:
                    async for batch in batches:
                        pause = RETRY_S[0]
                        yield batch
                self._became("lost", f"The engine at {self._place} closed the connection")
            except aiohttp.WSServerHandshakeError as error:
                if error.status < 500:
                    raise _handshake_problem(error) from error
                self._became("lost", self._gone(error))
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                self._became("lost", self._gone(error))
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - jitter, not a secret
            pause = min(pause * 2, RETRY_S[1])

    async def close(self) -> None:
        """See :class:`~chorus_tui.client.EngineClient`."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def _follow(self, topics: str) -> AsyncGenerator[Batch, None]:
        """One connection's batches, from its greeting to its end."""
        import aiohttp

        from chorus_tui.contract.models.status import Hello

        self._check_place()
        opening = self._open().ws_connect(
            f"{self._base}/api/v1/events",
            params={"topics": topics},
            heartbeat=HEARTBEAT_S,
            max_msg_size=0,
            timeout=aiohttp.ClientWSTimeout(ws_close=2.0),
        )
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(GREETING_TIMEOUT_S):  # the library would wait for minutes, and say nothing
                stream = await stack.enter_async_context(opening)
            async for message in stream:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    return
                frame = json.loads(message.data)
                if isinstance(frame, list):
                    yield Batch([Event(e["seq"], e["topic"], e["key"], e["data"]) for e in frame])
                elif "hello" in frame:
                    self._greeted(Hello.model_validate(frame["hello"]))
                    yield Batch(fresh=True)
                elif "dropped" in frame:
                    yield Batch(dropped=int(frame["dropped"]))

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            import aiohttp

            connector = aiohttp.UnixConnector(path=str(self._unix)) if self._unix else aiohttp.TCPConnector()
            headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
            # trust_env stays off: a proxy has no business between a front and its engine.
            self._session = aiohttp.ClientSession(connector=connector, headers=headers)
        return self._session

    def _check_place(self) -> None:
        """What is asked may be a secret, and what is answered is believed. Raises ``Problem``."""
        if self._unix is None:
            return
        try:
            check_own(self._unix)
        except PermissionError as error:
            detail = f"{error.filename}: {error.strerror}."
            raise Problem(403, "not-ours", "The engine's socket lies where others can put one", detail) from None

    def _greeted(self, hello: Hello) -> None:
        theirs, ours = hello.contract, CONTRACT_VERSION
        if theirs[0] != ours[0]:
            text = (
                f"The engine at {self._place} (version {hello.version}) speaks contract {theirs[0]}.{theirs[1]}, this"
                f" program {ours[0]}.{ours[1]}. Stop that engine ('chorus-tui stop' of its own version; running tasks"
                " are finished or handed over first) and start again, or install the same version on both sides."
            )
            self._became("refused", text)
            raise ContractRefused(text)
        self.hello = hello
        self._became("connected", "")

    def _became(self, state: Literal["connected", "lost", "refused"], detail: str) -> None:
        if self.connection.state == state:
            return
        self.connection = Connection(state, time.time(), detail)
        if self.on_connection is not None:
            self.on_connection(self.connection)

    def _gone(self, error: BaseException) -> str:
        why = "it did not answer in time" if isinstance(error, TimeoutError) else "nothing answers there"
        return f"No engine at {self._place}: {why}"


def _split(operation: Operation, request: BaseModel | None) -> tuple[str, dict[str, Any]]:
    """The path with its parts filled in, and the fields that remain."""
    rest = {} if request is None else request.model_dump(mode="json", exclude_none=True)
    path = operation.path
    for name in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
        path = path.replace(f"{{{name}}}", quote(str(rest.pop(name)), safe=""))
    return path, rest


def _understood(operation: Operation, body: bytes) -> BaseModel:
    from pydantic import ValidationError

    try:
        return operation.response_model().model_validate_json(body)
    except ValidationError as error:
        where = ".".join(map(str, error.errors(include_url=False, include_input=False)[0]["loc"])) or "all of it"
        detail = (
            f"{operation.name}: {error.error_count()} faults, the first at {where}. "
            "Install the same version of chorus-tui on both sides."
        )
        raise Problem(502, "not-understood", "The engine's answer is not understood here", detail) from error


def _query(fields: dict[str, Any]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in fields.items():
        # As JSON has them: true, not True.
        texts = [
            part if isinstance(part, str) else json.dumps(part)
            for part in (value if isinstance(value, list) else [value])
        ]
        pairs += [(name, text) for text in texts]
    return pairs


def _problem(status: int, body: bytes) -> Problem:
    try:
        return Problem.from_json(json.loads(body))
    except (ValueError, TypeError, AttributeError):
        detail = "Is the address that of a chorus-tui engine?"
        return Problem(status, "http", f"The server answered with status {status}", detail)


def _handshake_problem(error: aiohttp.WSServerHandshakeError) -> Problem:
    titles = {
        401: "A valid token is needed",
        403: "The engine refuses this client",
        404: "There is no event stream at this address",
        422: "A topic of the subscription is not valid",
    }
    return Problem(error.status, "events", titles.get(error.status, f"The event stream was refused ({error.status})"))
