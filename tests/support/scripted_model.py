"""A scripted model: a real HTTP server that speaks both wires and chooses its answer by rules on the last observation.

It is no language model and shows nothing of one: it makes what an agent is told exact, so that what the agent does can be
tested. A request that no rule expects is answered with status 400, which nobody asks again, and remembered; :func:`scripted` fails at the end of
its block when there was one, or when a rule that must be used was not.

    rules = [
        Rule(says={"action": "shell", "command": "pytest"}, when="begin", times=1),
        Rule(says={"action": "shell", "command": "sed -i …"}, when=re.compile("1 failed"), times=1),
        Rule(says=lambda asked: {"action": "finish", "summary": asked.last[:40]}, when="1 passed"),
    ]
    async with scripted(rules) as model:
        settings = model.environment("ollama")          # CHORUS_AI_PROVIDER and what goes with it
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import trio

from tests.support.misbehaving_server import Seen, read_request
from tests.support.wires import LISTS, PATHS, Wire, listed, plain, stream

MODEL = "scripted"
WIRES: tuple[Wire, ...] = ("ollama", "openai")


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as it came over the wire."""

    wire: Wire
    model: str
    messages: tuple[tuple[str, str], ...]
    schema: Mapping[str, Any] | None
    max_tokens: int | None

    @property
    def last(self) -> str:
        """The last observation: what the last message says."""
        return self.messages[-1][1]

    @property
    def system(self) -> str:
        """The system prompt; empty without one."""
        return "\n".join(text for role, text in self.messages if role == "system")


Says = str | Mapping[str, Any] | Callable[[Asked], str | Mapping[str, Any]]


@dataclass(slots=True)
class Rule:
    """``says`` this when the last observation contains ``when`` (text, pattern, or a function of the question).

    Used at most ``times``; None: as often as it fits. The first rule that fits and is not used up answers. ``must`` be used at
    least once, or the test fails. ``gate``, when set, is waited for in the middle of the answer: a test can look, or cancel.
    """

    says: Says
    when: str | re.Pattern[str] | Callable[[Asked], bool] = ""
    times: int | None = None
    must: bool = True
    finish: str = "stop"
    gate: trio.Event | None = None
    used: int = 0

    def fits(self, asked: Asked) -> bool:
        """Whether it answers this question."""
        if self.times is not None and self.used >= self.times:
            return False
        if isinstance(self.when, str):
            return self.when in asked.last
        return bool(self.when.search(asked.last) if isinstance(self.when, re.Pattern) else self.when(asked))

    def text(self, asked: Asked) -> str:
        """What it says, as text."""
        said = self.says(asked) if callable(self.says) else self.says
        return said if isinstance(said, str) else json.dumps(said)


@dataclass(slots=True)
class ScriptedModel:
    """What was asked, and what was not expected."""

    rules: Sequence[Rule]
    asked: list[Asked] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self, wire: Wire = "ollama") -> dict[str, str]:
        """The variables of an engine that asks it."""
        if wire == "ollama":
            return {"CHORUS_AI_PROVIDER": "ollama", "OLLAMA_ENDPOINT": self.url, "OLLAMA_MODEL": MODEL}
        return {"CHORUS_AI_PROVIDER": "resetdata", "RESETDATA_BASE_URL": f"{self.url}/v1", "RESETDATA_MODEL": MODEL}

    def check(self) -> None:
        """Raises AssertionError when something was asked that no rule expects, or a rule was never used."""
        assert not self.unexpected, "The scripted model did not expect:\n" + "\n".join(self.unexpected)
        unused = [rule for rule in self.rules if rule.must and not rule.used]
        assert not unused, f"The scripted model was never asked what these answer: {unused}"

    async def serve(self, connection: trio.SocketStream) -> None:
        """One connection, one request."""
        request = await read_request(connection)
        if request is None:
            return
        try:
            await self._answer(connection, request)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # The client went, which is its right.

    async def _answer(self, connection: trio.SocketStream, request: Seen) -> None:
        for wire in WIRES:
            if (request.method, request.path) == ("GET", LISTS[wire]):
                return await connection.send_all(listed(wire, MODEL))
            if (request.method, request.path) == ("POST", PATHS[wire]):
                return await self._say(connection, question(wire, json.loads(request.body)))
        return await self._refuse(connection, f"{request.method} {request.path}")

    async def _say(self, connection: trio.SocketStream, asked: Asked) -> None:
        self.asked.append(asked)
        rule = next((rule for rule in self.rules if rule.fits(asked)), None)
        if rule is None:
            return await self._refuse(connection, f"question {len(self.asked)}, which ends: {asked.last[-500:]!r}")
        rule.used += 1
        text = rule.text(asked)
        pieces = [text[at : at + 16] for at in range(0, len(text), 16)]
        whole = stream(
            asked.wire,
            pieces,
            prompt=sum(len(said) // 4 + 1 for _, said in asked.messages),
            finish=rule.finish,
            model=asked.model,
        )
        if rule.gate is not None:
            begun = whole.index(b"\r\n\r\n") + 4
            await connection.send_all(whole[:begun])
            await rule.gate.wait()
            whole = whole[begun:]
        await connection.send_all(whole)
        return None

    async def _refuse(self, connection: trio.SocketStream, what: str) -> None:
        self.unexpected.append(what)
        await connection.send_all(plain(400, {"error": f"the script does not expect {what}"}))


def question(wire: Wire, body: dict[str, Any]) -> Asked:
    """From the body of a request."""
    messages = tuple((message["role"], message["content"]) for message in body["messages"])
    if wire == "ollama":
        schema, most = body.get("format"), body.get("options", {}).get("num_predict")
    else:
        form = body.get("response_format")
        schema, most = form["json_schema"]["schema"] if form else None, body.get("max_tokens")
    return Asked(wire, body["model"], messages, schema, most)


@asynccontextmanager
async def scripted(rules: Sequence[Rule]) -> AsyncIterator[ScriptedModel]:
    """A scripted model for the length of a block; checked at its end unless the block itself failed."""
    # Copies: a script that several tests play is unused at the beginning of each.
    model = ScriptedModel([replace(rule, used=0) for rule in rules])
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, host="127.0.0.1"), model.serve, 0)
        model.port = listeners[0].socket.getsockname()[1]
        yield model
        nursery.cancel_scope.cancel()
    model.check()
