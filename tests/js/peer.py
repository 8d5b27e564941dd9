"""Starts the js-libp2p peer: installs it once into ``.cache/js-peer``, speaks JSON lines with it."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

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
            npm = shutil.which("npm")
            assert npm, "the js-libp2p tests need node and npm"
            subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=CACHE, check=True, capture_output=True)
            done.write_bytes(wanted)
        shutil.copy(HERE / "peer.mjs", CACHE / "peer.mjs")
    return CACHE


class JsPeer:
    """A running peer and the events it has printed."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self.events: list[dict] = []
        self._changed = trio.Condition()

    async def read(self) -> None:
        """Collect events until the process ends."""
        buffer = b""
        async for data in self._process.stdout:
            buffer += data
            *lines, buffer = buffer.split(b"\n")
            async with self._changed:
                self.events += [json.loads(line) for line in lines]
                self._changed.notify_all()

    async def event(self, kind: str, seconds: float = 15.0, **wanted) -> dict:
        """The first event of that kind with those values, when it comes."""
        with trio.fail_after(seconds):
            async with self._changed:
                while True:
                    for event in self.events:
                        if event["event"] == kind and wanted.items() <= event.items():
                            return event
                    await self._changed.wait()

    async def publish(self, topic: str, data: str) -> None:
        """Have it publish a text."""
        await self._process.stdin.send_all(json.dumps({"topic": topic, "data": data}).encode() + b"\n")


@asynccontextmanager
async def js_peer(address: str, key: bytes | None, topics: list[str]) -> AsyncIterator[JsPeer]:
    """A js peer that dials ``address`` and is gone at the end of the block."""
    folder = await trio.to_thread.run_sync(install)
    options = json.dumps({"address": address, "key": key.hex() if key is not None else None, "topics": topics})
    command = [shutil.which("node") or "node", str(folder / "peer.mjs"), options]
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
