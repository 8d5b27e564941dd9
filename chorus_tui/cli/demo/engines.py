"""The demo's peers: real engine processes on loopback, in a folder that is gone at the end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path


class DemoFailed(Exception):
    """The demo cannot go on. The text says why, in words for people."""


@dataclass(slots=True)
class DemoEngine:
    """One peer: its name, its folder, its process."""

    name: str
    kind: str
    data_dir: Path
    process: asyncio.subprocess.Process

    def log_tail(self) -> str:
        """The last lines of its log, for a failure."""
        with contextlib.suppress(OSError):
            return "\n".join((self.data_dir.parent / f"{self.name}.log").read_text(errors="replace").splitlines()[-8:])
        return ""


@dataclass(slots=True)
class DemoMesh:
    """All peers of the demo. Nobody else can join: the network key exists only here."""

    folder: Path
    network_key: str = field(default_factory=lambda: secrets.token_hex(32))
    engines: list[DemoEngine] = field(default_factory=list)
    lifeline: tuple[int, int] = field(default_factory=os.pipe)
    """Engines hold the reading end and stop when the writing end is gone, however this process ends."""

    def environment(self, name: str, bootstrap: str | None) -> dict[str, str]:
        """Settings of one peer: only what the demo needs, nothing of the user's own CHORUS variables."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("CHORUS_")}
        kept = {key: os.environ[key] for key in ("CHORUS_IMAGES", "CHORUS_IMAGE_REGISTRIES") if key in os.environ}
        return {
            **inherited,
            **kept,
            "CHORUS_LICENSE_ID": "dev-demo",
            "CHORUS_AGENT_ID": name,
            "CHORUS_NETWORK_KEY": self.network_key,
            "CHORUS_BOOTSTRAP_PEERS": bootstrap or "",
            "CHORUS_MDNS_ENABLED": "false",
            "CHORUS_P2P_HOST": "127.0.0.1",
            "CHORUS_P2P_PORT": "0",
            "CHORUS_API_PORT": "0",
            "CHORUS_HEALTH_PORT": "0",
            "CHORUS_DISCOVERY_GRACE": "1",
        }

    async def start(self, name: str, kind: str, bootstrap: str | None = None) -> DemoEngine:
        """Start one peer and wait until it serves. Raises :class:`DemoFailed` with its own reason."""
        data_dir = self.folder / name
        readable, writable = os.pipe()
        with (self.folder / f"{name}.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "chorus_tui.engine", "serve", "--kind", kind,
                "--data-dir", str(data_dir), "--ready-fd", str(writable), "--until-fd", str(self.lifeline[0]),
                env=self.environment(name, bootstrap), stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=[writable, self.lifeline[0]], start_new_session=True,
            )  # fmt: skip
        os.close(writable)
        engine = DemoEngine(name, kind, data_dir, process)
        self.engines.append(engine)
        with os.fdopen(readable, "rb") as pipe:
            said = (await asyncio.to_thread(pipe.readline)).decode(errors="replace").strip()
        if said != "ready":
            raise DemoFailed(f"{name} did not start: {said.removeprefix('error: ') or engine.log_tail()}")
        return engine

    async def stop(self) -> list[str]:
        """Stop every peer, the voter last, and wait until all are gone; names of those that had to be killed."""
        forced = []
        for engines in (self.engines[:0:-1], self.engines[:1]):
            running = [engine for engine in engines if engine.process.returncode is None]
            for engine in running:
                with contextlib.suppress(ProcessLookupError):
                    engine.process.send_signal(signal.SIGTERM)
            for engine in running:
                try:
                    await asyncio.wait_for(engine.process.wait(), 40)
                except TimeoutError:
                    forced.append(engine.name)
                    engine.process.kill()
                    await engine.process.wait()
        return forced
