"""The plain portal with a real engine: through a pipe, and at a terminal that can do nothing."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.integration.system.peers import CLI, Peer, eventually
from tests.integration.system.terminal import Terminal


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    made = Peer(tmp_path_factory.mktemp("plain"), "ana", kind="human").start().ready()
    eventually("there is a mesh", lambda: made.status().get("admin"))
    yield made
    made.stop()


def converse(peer: Peer, *lines: str) -> subprocess.CompletedProcess[str]:
    said = "".join(f"{line}\n" for line in lines)
    return subprocess.run(
        [*CLI, "--plain"], input=said, env=peer.environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_pipe_holds_a_whole_conversation(peer: Peer) -> None:
    """Ask, be asked, do, look: nothing drawn or coloured, no prompt, after each answer what can be done next; what cannot be taken back
    only after a yes. The exit code tells that something failed."""
    done = converse(
        peer, "status", "announce", "Say hello", "echo hi", "tasks", "decide new", "Take it", "Because it is good",
        "decide", "stop", "no", "watch 0.1", "task show 01ARZ3NDEKTSV4RRFFQ69G5FAV", "quit", "status",
    )  # fmt: skip

    assert (done.returncode, done.stdout.count("agent: ana")) == (1, 1), done.stdout + done.stderr
    assert re.search(r"^1 of 1: .*state \w+.*title Say hello", done.stdout, re.MULTILINE), done.stdout
    assert "title Take it" in done.stdout
    assert "Really stop? The next line says yes to do it.\nNothing was done.\n" in done.stdout
    assert done.stdout.count("\nNext: ") == 6
    assert not re.search("[\x1b\u2500-\u25ff]", done.stdout)
    assert peer.status()["agent_id"] == "ana"


def test_a_dumb_terminal_gets_it_by_itself(peer: Peer) -> None:
    """With TERM=dumb the portal is plain without being asked; watch tells what happens until enter, quit leaves."""
    terminal = Terminal(["env", "TERM=dumb", *CLI], peer.environment)
    try:
        terminal.sees("chorus:")
        terminal.type("watch")
        terminal.keys("Enter")
        terminal.sees("Enter ends it")
        peer.announce("--title", "Seen", "--command", "true")
        terminal.sees("Seen")
        terminal.keys("Enter")
        terminal.sees("Watched.")
    finally:
        terminal.close()


def test_a_command_alone_is_said_in_such_lines_too(peer: Peer) -> None:
    """``--plain`` before any command: rows as lines, facts without columns."""
    done = peer.run("--plain", "peers")

    assert done.stdout.startswith("1 of 1: name ana")
