"""An SSH portal in the test's own process, on a scripted engine, and asyncssh clients of it: for what a process would cost too much."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import weakref
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncssh

from chorus_tui.contract.ssh_key import public_key
from chorus_tui.serve.ssh import cures, hostkey
from chorus_tui.serve.ssh.authorized import AuthorizedKey, added
from chorus_tui.serve.ssh.house import House
from chorus_tui.serve.ssh.keys import KeyFile
from chorus_tui.serve.ssh.limits import Limits
from chorus_tui.serve.ssh.server import Server
from tests.support.patience import PATIENCE
from tests.ui.fake_engine import FakeEngine

_environment = dict(os.environ)
cures.apply()
os.environ.update(_environment)  # the process is the tests', whose other parts have a terminal


class ScriptedReception:
    """Each guest gets a scripted engine of his own; ``guests`` are those that were let in, ``left`` those that went."""

    def __init__(self) -> None:
        self.guests: list[AuthorizedKey] = []
        self.left = 0

    async def client(self, guest: AuthorizedKey, _progress: Any) -> FakeEngine:
        self.guests.append(guest)
        return FakeEngine()

    async def leave(self, _client: Any) -> None:
        self.left += 1


class Inside:
    """A running server. ``key`` is that of ana, who may operate."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder = folder
        self.keys = KeyFile(folder / "authorized_keys")
        self.reception = ScriptedReception()
        self.house = House(self.reception, self.keys, limits)  # type: ignore[arg-type]
        self.server = Server(self.house, hostkey.load_or_make(folder / "host_key"))
        self.key = self.let_in("ana", "operate")
        self.port = 0

    def let_in(self, person: str, scope: Any) -> asyncssh.SSHKey:
        """A new key of ``person``."""
        key = asyncssh.generate_private_key("ssh-ed25519")
        line = AuthorizedKey(0, person, scope, *public_key(key.export_public_key().decode()))
        self.keys.edit(lambda text: (added(text, line), None))
        return key

    def connect(self, key: asyncssh.SSHKey | None = None, **more: Any) -> Any:
        """A connection of whoever has ``key`` (ana)."""
        options: dict[str, Any] = {
            "username": "whoever",
            "known_hosts": None,
            "client_keys": [key or self.key],
            "agent_path": None,
            "config": None,
        }
        return asyncssh.connect("127.0.0.1", self.port, **{**options, **more})

    @property
    def sessions(self) -> list[Any]:
        return list(self.house._sessions)


@contextlib.asynccontextmanager
async def inside(folder: Path, limits: Limits | None = None) -> AsyncIterator[Inside]:
    """A server that is gone at the end."""
    made = Inside(folder, limits or Limits())
    made.port = await made.server.listen("127.0.0.1", 0)
    try:
        yield made
    finally:
        await made.server.close("the test ends")


class Window(asyncssh.SSHClientSession[bytes]):
    """A client's window: all that was written to it."""

    def __init__(self) -> None:
        self.out = b""
        self.closed = False
        self.status: int | None = None

    def connection_made(self, chan: Any) -> None:
        self.channel = chan

    def data_received(self, data: bytes, datatype: Any) -> None:
        self.out += data

    def exit_status_received(self, status: int) -> None:
        self.status = status

    def connection_lost(self, exc: Any) -> None:
        self.closed = True

    @property
    def text(self) -> str:
        """What was written, without what moves and colours it."""
        return re.sub(r"\x1b(\[[0-9;?<>=]*[ -/]*[@-~]|\][^\x07]*\x07|.)", "", self.out.decode("utf-8", "replace"))

    async def sees(self, words: str, seconds: float = 30.0) -> None:
        try:
            await until(lambda: words in self.text, "seen", seconds)
        except AssertionError:
            raise AssertionError(f"no {words!r} within {seconds} s: {self.text[-2000:]!r}") from None

    async def gone(self) -> None:
        await until(lambda: self.closed, "the channel is closed", 30.0)


async def open_window(
    connection: Any, size: tuple[int, int] = (100, 30), term: str = "xterm-256color", **more: Any
) -> Window:
    """A session with a terminal, as soon as it is confirmed."""
    _, window = await connection.create_session(
        Window, term_type=term, term_size=size, encoding=None, request_pty="force", **more
    )
    return window


async def open_and_close(folder: Path, rounds: int) -> tuple[list[weakref.ref[Any]], int]:
    """Open two sessions a round and end each in its own way, in any order. Weak references to their portals, and how many guests were
    let go in the end."""
    made: list[weakref.ref[Any]] = []
    dice = random.Random(7)

    async def one(portal: Inside, connection: Any, number: int) -> None:
        window = await open_window(connection)
        await window.sees("me and the mesh")
        made.extend(
            weakref.ref(held._app) for held in portal.sessions if all(known() is not held._app for known in made)
        )
        window.channel.write(b"\x1b[<0;5;5M\x1b[<0;5;5m\x1b[57358u")  # the mouse, a key of the kitty protocol
        if number:
            window.channel.write(b"3")
            await window.sees("latency")
            window.channel.write(b"q")
        else:
            window.channel.close()
        await window.gone()

    async with inside(folder) as portal, portal.connect() as connection:
        for _ in range(rounds):
            await asyncio.gather(*(one(portal, connection, number) for number in dice.sample(range(2), 2)))
        await until(lambda: not portal.sessions and portal.reception.left == 2 * rounds, "all are gone")
        return made, portal.reception.left


async def until(condition: Callable[[], Any], what: str, seconds: float = 15.0) -> Any:
    """Poll in this loop; fails with ``what``."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds * PATIENCE):
            while not (found := condition()):
                await asyncio.sleep(0.01)
            return found
    raise AssertionError(f"not within {seconds} s: {what}")
