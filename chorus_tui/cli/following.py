"""Holds the engine while somebody is at the plain portal, and hears what happens meanwhile."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from typing import TYPE_CHECKING, Any

from chorus_tui.cli.plain import foreign
from chorus_tui.cli.session import Target, read_token

if TYPE_CHECKING:
    from chorus_tui.client import Connection

TOPICS = ("log", "inbox", "tasks")
MOST = 500


class Following(threading.Thread):
    """A connection of its own, for as long as the program runs. ``start`` and then :meth:`ready`."""

    def __init__(self, target: Target) -> None:
        super().__init__(name="following", daemon=True)
        self._target = target
        self._token = read_token(target.token_file) if target.attach else ""
        self._greeted = threading.Event()
        self._problem = ""
        self._since = time.time()
        self._heard: queue.Queue[str] = queue.Queue(MOST)

    def run(self) -> None:
        """Until the program ends, or the engine refuses."""
        asyncio.run(self._follow())

    def ready(self) -> str:
        """Wait for the engine; why there is none, or an empty text."""
        self._greeted.wait()
        return self._problem

    def forget(self) -> None:
        """Drop what was heard and not asked for."""
        while not self._heard.empty():
            self._heard.get_nowait()

    def next(self, seconds: float) -> str | None:
        """The next thing that happens within ``seconds``."""
        try:
            return self._heard.get(timeout=seconds)
        except queue.Empty:
            return None

    async def _follow(self) -> None:
        from chorus_tui.client import ContractRefused, EngineGone
        from chorus_tui.contract.problem import Problem

        try:
            client = await self._connect()
            client.on_connection = self._connection
            self._greeted.set()
            async for batch in client.events(TOPICS):
                for event in batch.events:
                    self._hear(event.topic, event.data)
                if batch.dropped:
                    self._note(f"{batch.dropped} events were skipped")
        except (EngineGone, ContractRefused, Problem) as error:
            self._problem = str(error)
            self._note(f"The engine is not followed any more: {error}")
        finally:
            self._greeted.set()

    async def _connect(self) -> Any:
        from chorus_tui.client import EngineGone
        from chorus_tui.client.launcher import attach, attach_url, find_or_start
        from chorus_tui.locations import data_dir

        if self._target.attach:
            return await attach_url(self._target.attach, self._token)
        folder = data_dir("human", self._target.data_dir)
        if not self._target.data_dir:
            # As every command: an agent's engine that runs here is asked when no person's does.
            for kind in ("human", "agent"):
                try:
                    return await attach(data_dir(kind, None))
                except EngineGone:
                    continue
        return await find_or_start("human", folder, lambda _step: None)

    def _connection(self, connection: Connection) -> None:
        if connection.state == "lost":
            self._note(f"{connection.detail}. It is looked for; what happens meanwhile is not shown")
        elif connection.state == "connected":
            self._note("The engine is there again")

    def _hear(self, topic: str, data: Any) -> None:
        if not isinstance(data, dict):
            return
        if topic == "log" and float(data.get("at", 0.0)) >= self._since:
            self._note(_unsigned(str(data.get("text", ""))))
        elif topic == "tasks":
            self._note(foreign(f"Task {data.get('title', '')}: {data.get('state', '')}"))
        elif topic == "inbox":
            self._note(foreign(f"Waits for you: {data.get('title', '')}: {data.get('purpose', '')}"))

    def _note(self, text: str) -> None:
        if self._heard.full():
            self._heard.get_nowait()
        self._heard.put_nowait(text)


def _unsigned(text: str) -> str:
    """A line of the engine's, which may begin with a picture of ours; what follows may be others' words."""
    mark, space, rest = text.partition(" ")
    return f"{mark} {foreign(rest)}" if space and not any(one.isalnum() for one in mark) else str(foreign(text))
