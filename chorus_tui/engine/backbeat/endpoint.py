"""A BACKBEAT service over HTTP: beats are read there, claims and bar reports go there. Nothing ever waits for it.

``GET <endpoint>/v1/beat`` gives the present BeatFrame; ``POST …/v1/claims`` and ``…/v1/bars`` take one each, with any status below 400.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final

import structlog
import trio
from pydantic import ValidationError

from chorus_tui.engine import http_exchange
from chorus_tui.engine.bell import Bell
from chorus_tui.engine.http_exchange import NoAnswer
from chorus_tui.engine.protocol.messages.beats import BeatFrame

log = structlog.get_logger("chorus.backbeat")

WITHIN_S: Final = 3.0
TRIES: Final = 3
PAUSE_S: Final = 0.5
MOST_WAITING: Final = 64
"""Messages that wait to be sent; the oldest goes first when there are more."""


class Endpoint:
    """``url`` of the service."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._waiting: deque[tuple[str, dict[str, Any]]] = deque(maxlen=MOST_WAITING)
        self._wake = Bell()
        self.problem = ""
        """Why the newest exchange failed, in words; empty when it did not."""
        self.sent = self.lost = 0

    def send(self, path: str, body: dict[str, Any]) -> None:
        """Later, or never; at once back."""
        if len(self._waiting) == MOST_WAITING:
            self.lost += 1
        self._waiting.append((path, body))
        self._wake.ring()

    async def run(self) -> None:
        """Until cancelled: one after the other, in order."""
        while True:
            await self._wake.rung()
            while self._waiting:
                await self._deliver(*self._waiting.popleft())

    async def _deliver(self, path: str, body: dict[str, Any]) -> None:
        for attempt in range(TRIES):
            await trio.sleep(PAUSE_S * attempt)
            try:
                answer = await http_exchange.ask("POST", f"{self._url}{path}", within_s=WITHIN_S, body=body)
                if answer.status >= 400:
                    raise NoAnswer(f"it answered with status {answer.status}")
            except NoAnswer as error:
                self._failed(str(error))
            else:
                self.problem = ""
                self.sent += 1
                return
        self.lost += 1

    async def frame(self) -> BeatFrame | None:
        """The present beat; None when there is none to be had."""
        try:
            answer = await http_exchange.ask("GET", f"{self._url}/v1/beat", within_s=WITHIN_S)
            if answer.status != 200:
                raise NoAnswer(f"it answered with status {answer.status}")
            found = BeatFrame.model_validate(answer.json())
        except NoAnswer as error:
            self._failed(str(error))
        except ValidationError:
            self._failed("its answer is no BeatFrame")
        else:
            self.problem = ""
            return found
        return None

    def _failed(self, words: str) -> None:
        if words != self.problem:
            log.info("⚠️ The BACKBEAT service", reason=words)
        self.problem = words
