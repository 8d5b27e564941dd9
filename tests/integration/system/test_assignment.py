"""WHOOSH on a real engine: what it assigns counts at the start and on SIGHUP, without a restart; a bad one changes nothing."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration.system.peers import Mesh, Peer, eventually, mesh
from tests.support.held_port import held_port
from tests.support.patience import PATIENCE
from tests.support.whoosh import whoosh

pytestmark = pytest.mark.timeout(120)


@contextmanager
def knocks() -> Iterator[tuple[str, list[float]]]:
    """A bootstrap peer that takes connections and says nothing: its address, and when it was dialled."""
    at: list[float] = []
    door = socket.create_server(("127.0.0.1", 0))

    def listen() -> None:
        while True:
            try:
                caller, _ = door.accept()
            except OSError:
                return
            at.append(time.monotonic())
            caller.close()

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield f"/ip4/127.0.0.1/tcp/{door.getsockname()[1]}", at
    finally:
        door.shutdown(socket.SHUT_RDWR)
        door.close()
        thread.join()


@pytest.fixture
def port() -> Iterator[int]:
    """Of WHOOSH, also while it is away."""
    with held_port() as held:
        yield held


def check(peer: Peer) -> tuple[str, str]:
    """Level and words of the assignment."""
    found = next(one for one in peer.status()["checks"] if one["name"] == "assignment")
    return found["level"], found["detail"]


def seen(other: Peer, name: str) -> tuple[str, tuple[str, ...], int | None, str]:
    """A peer as another one knows it: role and expertise as granted, tasks at once, whom it reports to."""
    found = next((one for one in other.get("/api/v1/peers")["peers"] if one["agent_id"] == name), None)
    return (
        (found["role"], tuple(found["expertise"]), found["max_tasks"], found["reports_to"])
        if found
        else ("", (), None, "")
    )


def called(admin: Peer, worker: Peer) -> bool:
    """Whether the worker hears calls for its role; each new task is called for once at first, and this one suits nobody."""
    admin.announce("--title", "look", "--command", "true", "--role", "reviewer", "--expertise", "nobodys")
    heard = worker.get("/api/v1/journal/fleeting", type="task_call", limit=10)["messages"]
    return any(one["topic"] == "CHORUS/roles/reviewer/v1" for one in heard)


def test_an_assignment_counts_at_the_start_and_on_sighup_and_a_bad_one_keeps_the_old(tmp_path):
    """Assigned above the environment at the start. HUP with a good one: the mesh grants the new role and expertise, its topic is
    joined, ``max_tasks``, supervisor and bootstrap peers change, the process is the same. HUP with one that is no JSON, has a wrong
    field, is slow, is oversize, is not there: the old one stays and status says why. ``agent_id`` is named, not applied."""
    with whoosh() as server, mesh(tmp_path) as at, knocks() as (door, dialled):
        (alpha,) = at.grow("alpha")
        server.document = {
            "role": "developer",
            "expertise": ["rust"],
            "max_tasks": 2,
            "reports_to": "alpha",
            "colour": "blue",
        }
        beta = assigned(at, server.url)
        assert server.asked == ["/api/assignments/agents.1.json"]
        eventually("as assigned", lambda: seen(alpha, "beta") == ("developer", ("rust",), 2, "alpha"))
        assert check(beta)[0] == "degraded"
        assert "keys without effect: colour" in check(beta)[1]
        assert beta.process is not None
        pid = beta.process.pid

        server.document = {
            "agent_id": "another", "role": "reviewer", "expertise": ["go", "sql"], "max_tasks": 5, "reports_to": "nobody-yet",
            "bootstrap_peers": [alpha.address, door],
        }  # fmt: skip
        good = ("reviewer", ("go", "sql"), 5, "nobody-yet")
        beta.signal(signal.SIGHUP)
        eventually("as assigned anew", lambda: seen(alpha, "beta") == good)
        eventually("the new bootstrap peer is dialled", lambda: dialled)
        assert (beta.status()["role"], beta.status()["max_tasks"], beta.status()["agent_id"]) == ("reviewer", 5, "beta")
        assert "needs a restart: CHORUS_AGENT_ID" in check(beta)[1]
        eventually("called on the new role's topic", lambda: called(alpha, beta))

        bad: list[tuple[str, object, dict[str, float]]] = [
            ("no JSON object", b"<html>", {}),
            ("max_tasks: ", {"role": "writer", "max_tasks": 10**6}, {}),
            ("did not answer within 5 s", {"role": "writer"}, {"slow_s": 7.5}),
            ("over 65536 bytes", b'{"role": "writer", "x": "' + b"x" * 70_000 + b'"}', {}),
            ("status 404", {"role": "writer"}, {"status": 404}),
        ]
        for why, document, other in bad:
            server.document, server.slow_s, server.status = (
                document,
                other.get("slow_s", 0.0),
                int(other.get("status", 200)),
            )  # type: ignore[assignment]
            beta.signal(signal.SIGHUP)
            eventually(why, lambda why=why: why in check(beta)[1])
            assert "the one before stays" in check(beta)[1]
            assert (beta.status()["role"], beta.status()["max_tasks"]) == ("reviewer", 5)
        assert seen(alpha, "beta") == good
        assert beta.process.poll() is None
        assert beta.process.pid == pid

        alpha.json("members", "grant", "beta", "--role", "tester")
        server.document, server.slow_s, server.status = {"role": "developer"}, 0.0, 200
        beta.signal(signal.SIGHUP)
        eventually("a master's word stands above WHOOSH's", lambda: "a master has decided" in check(beta)[1])
        assert seen(alpha, "beta")[0] == "tester"


def assigned(at: Mesh, url: str) -> Peer:
    """A peer with a role of its own that its assignment overrules."""
    beta = at.add(
        "beta", ASSIGN_URL=f"{url}/api/assignments/{{{{.Service.Name}}}}.{{{{.Task.Slot}}}}.json", CHORUS_SERVICE_NAME="agents",
        CHORUS_TASK_SLOT="1", CHORUS_AGENT_ROLE="writer", CHORUS_ASSIGN_TIMEOUT_S="5",
    )  # fmt: skip
    return beta.ready()


def test_the_first_dial_waits_as_long_as_assigned(tmp_path, port):
    """Two seconds of stagger: the bootstrap peer hears nothing before, and is dialled right after; WHOOSH that is away at the start
    leaves the environment in force, and is asked again by itself until it is there."""
    with whoosh(port) as server, knocks() as (door, dialled):
        server.document = {"bootstrap_peers": [door], "join_stagger_ms": 2000}
        peer = Peer(tmp_path, "late", ASSIGN_URL=server.url, CHORUS_AGENT_ROLE="writer").start()
        try:
            eventually("dialled", lambda: dialled)
            assert 2.0 <= dialled[0] - server.asked_at <= 2.0 + 6.0 * PATIENCE
        finally:
            peer.stop()
    peer.start().ready()
    try:
        assert "nobody can be reached there; the environment alone counts" in check(peer)[1]
        assert peer.status()["role"] == "writer"
        shown = peer.run("config", "check").stdout
        assert f"ASSIGN_URL: 127.0.0.1:{port}: nobody can be reached there" in shown
        with whoosh(port) as again:
            again.document = {"role": "reviewer", "expertise": ["go", "sql"]}
            eventually("taken up without a signal", lambda: peer.status()["role"] == "reviewer", 30)
            assert check(peer) == ("healthy", "in force: role reviewer, expertise go, sql")
            rows = {one["name"]: one for one in peer.json("config", "check")["settings"]}
            assert (rows["CHORUS_AGENT_ROLE"]["value"], rows["CHORUS_AGENT_ROLE"]["origin"]) == (
                "reviewer",
                "assignment",
            )
            assert (rows["CHORUS_AGENT_EXPERTISE"]["value"], rows["ASSIGN_URL"]["origin"]) == ("go,sql", "environment")
    finally:
        peer.stop()
