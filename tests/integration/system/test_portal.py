"""The real portal in a real terminal, on a real engine."""

from __future__ import annotations

import os
import signal

import pytest

from tests.integration.system.peers import CLI, Peer, eventually
from tests.integration.system.terminal import Terminal


@pytest.fixture
def person(tmp_path):
    """A person's engine settings, and terminals that are closed at the end; its engine is stopped."""
    peer = Peer(tmp_path, "person", CHORUS_AGENT_ID="person", TERM="xterm-256color", XDG_RUNTIME_DIR="")
    terminals: list[Terminal] = []

    def open_portal(*, width: int = 120, height: int = 40) -> Terminal:
        terminals.append(Terminal(CLI, peer.environment, width=width, height=height))
        return terminals[-1]

    yield peer, open_portal
    for terminal in terminals:
        terminal.close()
    peer.run("stop")
    eventually("its engine has stopped", lambda: peer.get("/api/v1/hello") is None, 40)


def engine_pid(peer: Peer) -> int:
    return int(peer.get("/api/v1/hello")["pid"])


def test_it_starts_an_engine_announces_and_cancels_by_keys(person):
    """Started on an empty folder it starts its engine; a task announced by the form is on the engine's board; x cancels."""
    peer, open_portal = person
    terminal = open_portal()
    terminal.sees("a mesh of one", 30)
    terminal.keys("t")
    terminal.sees("No tasks yet")
    terminal.keys("a")
    terminal.sees("Announce a task")
    terminal.type("By the form")
    terminal.sees("By the form")
    title_row = terminal.cursor_row()
    terminal.keys("Tab")
    eventually("the cursor is in the commands", lambda: terminal.cursor_row() != title_row)
    terminal.type("echo hi")
    terminal.sees("echo hi")
    terminal.keys("C-s")
    terminal.sees("waiting")
    rows = peer.json("task", "list")["tasks"]

    assert [row["title"] for row in rows] == ["By the form"]
    terminal.keys("x")
    terminal.sees("yes, do it")
    eventually("y does it once it can be read", lambda: terminal.keys("y") or "cancelled" in terminal.screen(), 10)
    eventually("cancelled", lambda: peer.task(rows[0]["task_id"])["state"] == "cancelled", 10)


def test_a_killed_engine_shows_a_banner_and_is_started_again(person):
    """The engine that the portal started dies under it: a banner. The portal starts it again, and the banner goes."""
    peer, open_portal = person
    terminal = open_portal()
    terminal.sees("a mesh of one", 30)
    killed = engine_pid(peer)
    os.kill(killed, signal.SIGKILL)
    terminal.sees("out of reach")
    eventually("the banner goes", lambda: "out of reach; what you see" not in terminal.screen(), 60)
    terminal.keys("3")
    terminal.sees("person (you)")

    assert engine_pid(peer) != killed


def test_a_second_portal_stays_when_the_first_leaves(person):
    """Two portals on one engine; the first is left with q, the second goes on with the same engine."""
    peer, open_portal = person
    first = open_portal()
    first.sees("a mesh of one", 30)
    second = open_portal(width=80, height=24)
    second.sees("one voter", 30)
    pid = engine_pid(peer)
    first.keys("q")
    eventually("the first is gone", lambda: not first.screen().strip(), 10)
    second.keys("3")
    second.sees("person (you)")

    assert engine_pid(peer) == pid
