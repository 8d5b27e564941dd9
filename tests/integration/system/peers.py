"""Real peers as real processes, driven only by what a person or a script has: the command line and signals."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from chorus_tui import locations
from chorus_tui.client import one_question
from tests.support import warm
from tests.support.patience import PATIENCE

CLI = [sys.executable, "-m", "chorus_tui"]
NETWORK_KEY = secrets.token_hex(32)


class Refused(AssertionError):
    """A command ended with another code than 0."""


NOT_YET = (FileNotFoundError, LookupError, TypeError, Refused)


def eventually(what: str, condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Poll ``condition`` until it is truthy; its value. ``seconds`` are those of a calm machine. Fails naming ``what`` and the last value."""
    return within(what, condition, seconds * PATIENCE)


def within(what: str, condition: Callable[[], Any], seconds: float) -> Any:
    """As :func:`eventually`, but the time is what is promised.

    A question that took long is asked again after twice as long: who waits shall not keep busy those that are waited for.
    What cannot be looked at yet counts as no: a file that git takes away before it writes it anew, an answer that lacks what
    is asked for, a command that was refused. Its error is what was seen last.
    """
    deadline = time.monotonic() + seconds
    value: Any = None
    while (asked := time.monotonic()) < deadline:
        try:
            value = condition()
        except NOT_YET as reason:
            value = reason
        else:
            if value:
                return value
        time.sleep(min(max(0.05, 2 * (time.monotonic() - asked)), 2.0))
    raise AssertionError(f"not within {seconds} s: {what}; last seen: {value!r}")


def becomes(what: str, ask: Callable[[], Any], expected: Any, seconds: float = 20.0) -> None:
    """Wait until ``ask`` gives what is expected: another peer may hear of it a moment later. Fails with what it gave last."""
    last: Any = None

    def holds() -> bool:
        nonlocal last
        last = ask()
        return bool(last == expected)

    try:
        eventually(what, holds, seconds)
    except AssertionError:
        assert last == expected, what
        raise


class Peer:
    """One engine process with a data folder of its own."""

    def __init__(
        self, folder: Path, name: str, *, prefix: list[str] | None = None, kind: str = "agent", program: list[str] | None = None,
        **environment: str,
    ) -> None:  # fmt: skip
        self.name = name
        self.kind = kind
        self.data_dir = folder / name
        self.log = folder / f"{name}.log"
        self.prefix = prefix or []
        self.program = program
        """What runs in the place of ``--headless``."""
        self.process: subprocess.Popen[bytes] | warm.Process | None = None
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("CHORUS_")},
            "CHORUS_LICENSE_ID": "dev-test",
            "CHORUS_AGENT_ID": name,
            "CHORUS_DATA_DIR": str(self.data_dir),
            "CHORUS_NETWORK_KEY": NETWORK_KEY,
            "CHORUS_MDNS_ENABLED": "false",
            "CHORUS_P2P_HOST": "127.0.0.1",
            "CHORUS_P2P_PORT": "0",
            "CHORUS_API_PORT": "0",
            "CHORUS_HEALTH_PORT": "0",
            "CHORUS_DISCOVERY_GRACE": "1",
            "CHORUS_TASK_LEASE_S": "10",
            **environment,
        }

    def start(self) -> Peer:
        """Start ``--headless``, or a person's engine as the portal would, and return at once."""
        if not self.prefix and not self.program:
            self.process = warm.engine(self.kind, self.environment, self.log)
            return self
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, *(self.program or [*CLI, "--headless"])],
                env=self.environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        return self

    def ready(self, seconds: float = 60.0) -> Peer:
        """Wait until it answers."""
        eventually(
            f"{self.name} answers (see {self.log}: {self.tail()})",
            lambda: self.alive() and self.get("/api/v1/hello"),
            seconds,
        )
        return self

    def alive(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended with {self.process.returncode}: {self.tail()}")
        return True

    def tail(self) -> str:
        """The end of its log, for failures."""
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""

    def get(self, path: str, **query: Any) -> Any:
        """A GET on its Unix socket; None when nobody answers there."""
        target = f"{path}?{urlencode(query)}" if query else path
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, body = self._ask("GET", target)
            return json.loads(body) if status == 200 else None
        return None

    def text(self, path: str) -> str:
        """The text that a GET on its Unix socket gives."""
        status, body = self._ask("GET", path)
        assert status == 200, (path, status)
        return body.decode()

    def metric(self, name: str) -> dict[str, float]:
        """A metric's values by what stands in its braces."""
        found = [re.fullmatch(rf"{name}(?:{{(.*)}})? (\S+)", line) for line in self.text("/metrics").splitlines()]
        return {one[1] or "": float(one[2]) for one in found if one}

    def probe(self, path: str) -> int:
        """The status of a GET on its Unix socket."""
        return self._ask("GET", path)[0]

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """A POST on its Unix socket: (status, answer)."""
        status, answer = self._ask("POST", path, json.dumps(body).encode())
        return status, json.loads(answer)

    def _ask(self, verb: str, target: str, body: bytes | None = None) -> tuple[int, bytes]:
        return one_question.exchange(locations.socket_path(self.data_dir), verb, target, body, 30)

    def run(self, *arguments: str, stdin: str | None = None, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """The command line against this peer."""
        return warm.command(list(arguments), self.environment, stdin or "", timeout)

    def json(self, *arguments: str, timeout: float = 120) -> Any:
        """The command line's ``--json`` answer."""
        done = self.run(*arguments, "--json", timeout=timeout)
        if done.returncode != 0:
            raise Refused((arguments, done.returncode, done.stdout, done.stderr))
        return json.loads(done.stdout)

    def status(self) -> dict[str, Any]:
        return self.get("/api/v1/status") or {}

    def connected(self) -> set[str]:
        """Peer ids it is connected to."""
        answer = self.get("/api/v1/peers") or {"peers": []}
        return {peer["peer_id"] for peer in answer["peers"] if peer["state"] == "connected" and not peer["is_self"]}

    def voters(self) -> set[str]:
        """Peer ids of those who vote; none while they change: until that is decided the old ones are needed too."""
        seen = self.get("/api/v1/election") or {"changing": True}
        return set() if seen["changing"] else {voter["peer_id"] for voter in seen["voters"]}

    @property
    def peer_id(self) -> str:
        return self.get("/api/v1/hello")["peer_id"]

    @property
    def address(self) -> str:
        return self.status()["addresses"][0]

    def announce(self, *arguments: str) -> str:
        """Announce a task by the command line; its id."""
        return self.json("task", "announce", *arguments)["task_id"]

    def wait(self, task_id: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """``task wait``, as the command line says it. ``seconds`` are those of a calm machine."""
        longest = seconds * PATIENCE
        return self.run("task", "wait", task_id, "--timeout", str(longest), timeout=longest + 20)

    def written(self) -> Iterator[tuple[Path, bytes]]:
        """Its log and each file of its data folder that is there; what it takes away meanwhile is left out."""
        for path in [self.log, *self.data_dir.rglob("*")]:
            if path.is_file():
                with contextlib.suppress(FileNotFoundError):
                    yield path, path.read_bytes()

    def control_log(self) -> str:
        """The decided entries of all control logs it holds, a line each, sorted as they stand."""
        lines = self.run("journal", "export").stdout.splitlines()
        return "\n".join(line for line in lines if '"kind": "control"' in line or '"kind":"control"' in line)

    def task(self, task_id: str) -> dict[str, Any]:
        return self.get(f"/api/v1/tasks/{task_id}") or {}

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """``kill -9``."""
        self.signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait(40)

    def stop(self) -> int:
        """SIGTERM, and SIGKILL when it does not go; its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(180)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(40)
        return self.process.returncode


class Mesh:
    """Peers that meet through the first one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.peers: list[Peer] = []

    def add(self, name: str, *, bootstrap: Peer | None = None, **environment: str) -> Peer:
        """Start one more peer; ``bootstrap`` defaults to the first."""
        first = bootstrap or (self.peers[0] if self.peers else None)
        if first is not None:
            environment.setdefault("CHORUS_BOOTSTRAP_PEERS", first.address)
        peer = Peer(self.folder, name, **environment).start()
        self.peers.append(peer)
        return peer

    def grow(self, *names: str, **environment: str) -> list[Peer]:
        """The first founds; the others join it. Returns when all follow one mesh with an admin."""
        peers = []
        for name in names:
            peers.append(self.add(name, **environment))
            if len(self.peers) == 1:
                peers[0].ready()
                eventually("the first peer has a mesh", lambda: self.peers[0].status().get("mesh_id"))
        for peer in peers:
            peer.ready()
        eventually("one mesh with all members", self.whole, 40)
        return peers

    def again(self, gone: Peer, bootstrap: Peer) -> Peer:
        """A fresh peer of the same name, its data lost; it meets the others through ``bootstrap``."""
        shutil.rmtree(gone.data_dir)
        environment = {**gone.environment, "CHORUS_BOOTSTRAP_PEERS": bootstrap.address}
        return Peer(self.folder, gone.name, **environment).start().ready()

    def whole(self) -> bool:
        """Whether all live peers agree on mesh and members, and on an admin that they hear: the log also names one that is gone."""
        views = [peer.status() for peer in self.peers if peer.process and peer.process.poll() is None]
        members = len(views)
        return (
            all(view and view["mesh_id"] and view["admin"] and view["admin"]["reachable"] for view in views)
            and len({(view["mesh_id"], view["admin"]["peer_id"]) for view in views}) == 1
            and all(view["members"] >= members and view["peers"] >= members - 1 for view in views)
        )

    def seen(self) -> str:
        """What each peer says of itself, and the end of its log: the folder may be gone when somebody asks why a test was red."""
        return "\n".join(f"━━ {peer.name}: {peer.status()}\n{peer.tail()}" for peer in self.peers)

    def stop(self) -> None:
        for peer in self.peers:
            if peer.process and peer.process.poll() is None:
                peer.process.terminate()
        for peer in self.peers:
            peer.stop()


@contextlib.contextmanager
def mesh(folder: Path) -> Iterator[Mesh]:
    """A mesh that is gone at the end."""
    made = Mesh(folder)
    try:
        yield made
    except Exception as reason:
        reason.add_note(made.seen())
        raise
    finally:
        made.stop()


def containers(*filters: str) -> list[str]:
    """Ids of containers with these label filters."""
    arguments = [part for name in filters for part in ("--filter", f"label={name}")]
    done = subprocess.run(["docker", "ps", "-aq", *arguments], capture_output=True, text=True, check=True)
    return done.stdout.split()
