"""Tokens of guests: each has a holder, or is void."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chorus_tui.serve.credentials import Credentials
from chorus_tui.serve.ssh.reception import Reception


class Engine:
    """Makes, lists and revokes tokens; ``slow`` holds back the answer to a new one, not the making."""

    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}
        self.folders: list[str] = []
        self.slow: asyncio.Event | None = None

    async def call(self, operation: str, request: Any) -> Any:
        if operation == "tokens.new":
            token_id = f"{len(self.tokens):04x}"
            self.tokens[token_id] = request.name
            self.folders.append(request.folder)
            if self.slow is not None:
                await self.slow.wait()
            return SimpleNamespace(token="secret", token_id=token_id)
        if operation == "tokens.revoke":
            del self.tokens[request.token_id]
            return None
        rows = [SimpleNamespace(token_id=key, name=name) for key, name in self.tokens.items()]
        return SimpleNamespace(tokens=rows, next=None)


def test_a_sign_in_that_is_cancelled_leaves_no_token():
    """The engine has made it, the guest has gone before its answer came: it is voided as soon as it is known."""

    async def go():
        engine, credentials = Engine(), Credentials("ssh")
        engine.slow = asyncio.Event()
        coming = asyncio.create_task(credentials.issue(engine.call, "ana", "read"))
        while not engine.tokens:
            await asyncio.sleep(0)
        coming.cancel()
        with pytest.raises(asyncio.CancelledError):
            await coming
        assert len(engine.tokens) == 1
        engine.slow.set()
        async with asyncio.timeout(5):
            while engine.tokens:
                await asyncio.sleep(0)

    asyncio.run(go())


@pytest.mark.parametrize(
    ("address", "root", "folder"),
    [(Path("/run/engine"), Path("/srv"), "/srv"), (Path("/run/engine"), None, ""), ("http://far", Path("/srv"), "")],
    ids=["a folder", "no folder", "another machine"],
)
def test_a_guests_token_names_the_folder_that_is_opened(address, root, folder):
    """The engine lets a guest name repositories of that folder alone; a folder of this machine means nothing on another one."""

    async def go():
        engine = Engine()
        reception = Reception(address, None, root)  # type: ignore[arg-type]  # nobody has to open an engine here
        await reception._credentials.issue(engine.call, "ana", "operate")
        assert engine.folders == [folder]

    asyncio.run(go())


def test_only_what_nobody_holds_is_swept():
    """Of this machine: what a process that is gone left, what an earlier one of our number left, what we ourselves lost. Never what
    a guest holds, what another machine's or another kind's process had made, or what people named so."""

    async def go():
        engine, credentials, other = Engine(), Credentials("ssh"), Credentials("web")
        held = await credentials.issue(engine.call, "ana", "read")
        lost = await credentials.issue(engine.call, "ana", "read")
        await other.issue(engine.call, "ana", "read")
        credentials._held.discard(lost.token_id)
        machine = credentials._machine
        engine.tokens |= {
            "a1a1": f"{machine}:999999999:ab:1",
            "a2a2": f"{machine}:{os.getpid()}:00:1",
            "a3": "ssh:ffffffffffff:999999999:ab:1",
            "a4": "ssh:laptop",
        }
        count = await credentials.sweep(engine.call)
        return count, held.token_id, set(engine.tokens)

    count, held, left = asyncio.run(go())

    assert (count, left) == (3, {held, "0002", "a3", "a4"})
