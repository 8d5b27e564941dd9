"""Engines as real processes, one in each namespace of a network, what hurts them, and what they are asked.

Whatever is done to them goes into the record beside what they said, so that a history can be read from one file.
"""

from __future__ import annotations

import contextlib
import json
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from chorus_tui.contract.models.tasks import TERMINAL
from tests.chaos.checker import untrue
from tests.chaos.history import History, read_export
from tests.chaos.network import Network, network
from tests.chaos.record import Record
from tests.integration.system.peers import CLI, Peer, eventually
from tests.integration.system.terminal import Terminal

P2P_PORT = "4001"


class ChaosMesh:
    """Peers by name. Every peer has its own address and the same port."""

    def __init__(self, folder: Path, net: Network, record: Record, **environment: str) -> None:
        self.folder = folder
        self.net = net
        self.record = record
        self.peers: dict[str, Peer] = {}
        self.ids: dict[str, str] = {}
        self.asleep: set[str] = set()
        self._environment = environment

    # ── growing ────────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self, name: str, *, bootstrap: str = "", **environment: str) -> Peer:
        """A new peer; does not wait until it answers. It dials ``bootstrap``, a name; without one it founds its mesh."""
        address = self.net.add(name)
        more = {"CHORUS_BOOTSTRAP_PEERS": self.address(bootstrap)} if bootstrap else {"CHORUS_DISCOVERY_GRACE": "0"}
        peer = Peer(
            self.folder,
            name,
            prefix=self.net.prefix(name),
            **{**self._environment, "CHORUS_P2P_HOST": address, "CHORUS_P2P_PORT": P2P_PORT, **more, **environment},
        )
        self.peers[name] = peer
        return peer.start()

    def ready(self, name: str) -> None:
        """Wait until a peer answers; from then on its id is known."""
        self.ids[name] = self.peers[name].ready().peer_id

    def grow(self, *names: str, **environment: str) -> None:
        """One mesh of these, as many of them voters as may be; the first founds it."""
        first = self.start(names[0], **environment)
        self.ready(names[0])
        eventually("the first has a mesh", lambda: first.status().get("admin"))
        for name in names[1:]:
            self.start(name, bootstrap=names[0], **environment)
        for name in names[1:]:
            self.ready(name)
        eventually("one mesh", lambda: self.whole(*names), 60)
        seats = max(count for count in (1, 3, 5, 7) if count <= len(names))
        eventually("voters", lambda: all(len(self.peers[n].voters()) == seats for n in names), 60)

    def address(self, name: str) -> str:
        """The multiaddr of a peer."""
        return next(address for address in self.peers[name].status()["addresses"] if "127.0.0.1" not in address)

    # ── asking ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def ask(self, name: str, *words: str) -> Any:
        """The command line of one peer; its ``--json`` answer, which is recorded, or its error, which is too."""
        done = self.peers[name].run(*words, "--json")
        try:
            said = json.loads(done.stdout)
        except ValueError:
            said = {"error": done.stderr.strip() or done.stdout.strip()}
        self.record.add(name, "cli", said, command=list(words), code=done.returncode)
        return said

    @contextlib.contextmanager
    def portal(self, name: str) -> Iterator[Terminal]:
        """The portal of one peer in a terminal, so wide that its sentences stand in one line each."""
        terminal = Terminal(CLI, {**self.peers[name].environment, "TERM": "xterm-256color"}, width=320)
        try:
            yield terminal
        finally:
            terminal.close()

    def admin(self, *among: str) -> str:
        """Who says that it leads, and is heard by itself."""
        for name in among or self.running():
            status = self.peers[name].status()
            if (status.get("admin") or {}).get("peer_id") == status.get("peer_id") and status["mesh_state"] == "member":
                return name
        return ""

    def running(self) -> list[str]:
        """Peers whose process is there and awake."""
        return [
            name
            for name, peer in self.peers.items()
            if peer.process is not None and peer.process.poll() is None and name not in self.asleep
        ]

    def whole(self, *names: str) -> bool:
        """Whether these (or all that run) say the same mesh, admin, term and end of the control log."""
        views = [self.peers[name].status() for name in names or self.running()]
        if not all(view and view["admin"] and view["admin"]["reachable"] for view in views):
            return False
        return len({(v["mesh_id"], v["admin"]["peer_id"], v["admin"]["term"], v["control_index"]) for v in views}) == 1

    # ── hurting ────────────────────────────────────────────────────────────────────────────────────────────────────

    def kill(self, name: str) -> None:
        """``kill -9``."""
        self.fault("kill", name)
        self.peers[name].kill()

    def again(self, name: str) -> None:
        """Start one that was killed, with what its disk holds."""
        self.fault("start", name)
        self.peers[name].start().ready()

    def sleep(self, name: str) -> None:
        """SIGSTOP."""
        self.fault("stop", name)
        self.asleep.add(name)
        self.peers[name].signal(signal.SIGSTOP)

    def wake(self, name: str) -> None:
        """SIGCONT."""
        self.fault("continue", name)
        self.peers[name].signal(signal.SIGCONT)
        self.asleep.discard(name)

    def cut(self, one: Iterable[str], other: Iterable[str], *, one_way: bool = False) -> None:
        """See :meth:`Network.cut`."""
        one, other = sorted(one), sorted(other)
        self.fault("cut one way" if one_way else "cut", *one, "|", *other)
        self.net.cut(one, other, one_way=one_way)

    def mend(self, one: Iterable[str], other: Iterable[str], *, one_way: bool = False) -> None:
        """See :meth:`Network.mend`."""
        one, other = sorted(one), sorted(other)
        self.fault("mend one way" if one_way else "mend", *one, "|", *other)
        self.net.mend(one, other, one_way=one_way)

    def lose(self, names: Iterable[str], percent: int) -> None:
        """See :meth:`Network.lose`."""
        self.fault(f"lose {percent}%", *names)
        self.net.lose(names, percent)

    def heal(self) -> None:
        """No cut, no loss, nobody asleep or dead."""
        self.fault("heal")
        self.net.heal()
        for name in sorted(self.asleep):
            self.wake(name)
        for name in sorted(set(self.peers) - set(self.running())):
            self.again(name)

    def fault(self, what: str, *who: str) -> None:
        """Say what is done, to the reader and to the record."""
        print(f"  {what} {' '.join(who)}", flush=True)
        self.record.add("", "fault", {"fault": what, "who": list(who)})

    # ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────

    def quiet(self, seconds: float = 90.0) -> None:
        """Wait until every peer that runs shows the same end of the control log, and every task ended on every screen."""
        eventually("all follow one log to its end", self.whole, seconds)
        eventually("every task has ended on every screen", lambda: not self._open_tasks(), seconds)
        eventually("all follow one log to its end again", self.whole, seconds)

    def _open_tasks(self) -> list[str]:
        rows = [
            (name, row) for name in self.running() for row in self.peers[name].get("/api/v1/tasks", limit=1000)["tasks"]
        ]
        return [f"{name}: {row['task_id']} {row['state']} {row['detail']}" for name, row in rows if not _ended(row)]

    def verdict(self, *gone: str, seconds: float = 60.0) -> list[str]:
        """What was shown and is untrue. Feeds that still travel get ``seconds``; what is wrong then stays wrong."""
        deadline = time.monotonic() + seconds
        while True:
            exports = {peer: read_export(lines) for peer, lines in self.exports().items()}
            found = untrue(History(exports, self.record.lines(), self.ids, frozenset(self.ids[name] for name in gone)))
            if not found or time.monotonic() > deadline:
                return found
            time.sleep(2)

    def exports(self) -> dict[str, list[str]]:
        """The lines of ``journal export`` of every running peer, by peer id; kept in the folder too."""
        lines = {}
        for name in self.running():
            done = self.peers[name].run("journal", "export")
            assert done.returncode == 0, done.stderr
            (self.folder / f"{name}.export.jsonl").write_text(done.stdout)
            lines[self.ids[name]] = done.stdout.splitlines()
        return lines

    def stop(self) -> None:
        """SIGTERM to all at once, then wait for each."""
        for name in sorted(self.asleep):
            self.wake(name)
        for peer in self.peers.values():
            if peer.process is not None and peer.process.poll() is None:
                peer.process.terminate()
        for peer in self.peers.values():
            if peer.process is not None:
                peer.stop()


@contextlib.contextmanager
def chaos(folder: Path, **environment: str) -> Iterator[ChaosMesh]:
    """An empty mesh in a network of its own; processes, namespaces and filters are gone at the end, also on failure."""
    with network() as net, Record(folder / "record.jsonl") as record:
        made = ChaosMesh(folder, net, record, **environment)
        try:
            yield made
        finally:
            net.heal()
            made.stop()


def _ended(row: dict[str, Any]) -> bool:
    """A task that was left with its mesh ends as the one that goes on from it."""
    return row["state"] in TERMINAL or "it goes on as" in row["detail"]
