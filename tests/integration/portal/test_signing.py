"""A vote that a person signs from the screen: the real portal in a real terminal, the real ssh-keygen, a scripted engine."""

from __future__ import annotations

import json
import os
import sys

import pytest

from chorus_tui.contract import signed_vote
from chorus_tui.engine.protocol import sshsig
from chorus_tui.look import kept
from tests.integration.system.peers import eventually
from tests.integration.system.terminal import Terminal
from tests.support.ssh_signing import made_by_openssh
from tests.ui.votes import IDENTIFIERS

LOOKED_AT = "\x1b[I"
"""What a terminal says when its window gets the keys. This one has no window, and says the opposite whenever a program begins to ask."""
PORTAL = [sys.executable, "-m", "tests.support.portal_that_signs"]


@pytest.fixture
def open_portal(tmp_path):
    """Opens the portal with a key enrolled and another one's file remembered, which is gone; closed at the end. No agent and no
    other asker has a word in it."""
    terminals: list[Terminal] = []
    kept.keep(tmp_path, "signing_key", "~/none")
    mine = {"TERM": "xterm-256color", "HOME": str(tmp_path)}
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SSH_", "DISPLAY"))} | mine

    def start(public: str, *before: str) -> Terminal:
        terminals.append(Terminal([*before, *PORTAL, public, str(tmp_path)], environment))
        terminals[-1].sees("Use PostgreSQL")
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


def in_box(terminal: Terminal) -> str:
    """The words of the box, in one line: where they break depends on how long the path of the test's folder is."""
    rows = [row.split("█") for row in terminal.screen().splitlines() if row.count("█") > 1]
    return " ".join(" ".join(row[1] for row in rows).split())


def told(terminal: Terminal, words: str) -> None:
    """The box says so."""
    eventually(f"it says {words!r}", lambda: words in in_box(terminal), 20)


def choose(terminal: Terminal) -> None:
    """The box is open, its second choice is made, and the line of the key has the keys. Before it could be read the box takes none; that
    it does is told by what it says of the file that stands in it, which is marked, so that what is typed takes its place."""
    terminal.keys("v")
    terminal.sees("sign with  ~/none")
    eventually("the box answers", lambda: terminal.keys("2", "Enter") or "no such key" in in_box(terminal), 20)
    terminal.keys("Tab")
    terminal.type("tried it")
    terminal.sees("tried it")
    before = terminal.coloured("sign with")
    terminal.keys("Tab")
    eventually("the line has the keys", lambda: terminal.coloured("sign with") != before)


def asked_for_the_passphrase(terminal: Terminal, times: int) -> None:
    """What ssh-keygen asked before still stands there when the portal steps aside again."""
    eventually("asked", lambda: terminal.screen().count("Enter passphrase") == times, 20)


def test_a_vote_is_signed_at_the_terminal(tmp_path, open_portal):
    """ssh-keygen asks for the passphrase while the portal stands aside. A wrong one, or ctrl+c, brings the portal back with its box and
    the reason in it, and nothing was sent; the right one signs what was chosen, and the key's file is offered the next time."""
    made_by_openssh(tmp_path / "ana", "-N", "sesame")
    terminal = open_portal((tmp_path / "ana.pub").read_text())
    choose(terminal)
    terminal.type("~/ana")
    terminal.sees("sign with  ~/ana")
    terminal.keys("Enter")
    asked_for_the_passphrase(terminal, 1)
    terminal.type("wrong")
    terminal.keys("Enter")
    told(terminal, "ssh-keygen did nothing with")
    terminal.type(LOOKED_AT)
    terminal.keys("Enter")
    asked_for_the_passphrase(terminal, 2)
    terminal.keys("C-c")
    terminal.sees("sign with")
    assert not (tmp_path / "vote.json").exists()
    terminal.type(LOOKED_AT)
    terminal.keys("Enter")
    asked_for_the_passphrase(terminal, 3)
    terminal.type("sesame")
    terminal.keys("Enter")
    terminal.sees("Voted reject as ana, signed")
    eventually("it came", (tmp_path / "vote.json").exists)

    vote = json.loads((tmp_path / "vote.json").read_text())
    text = signed_vote.text(
        mesh_id="3efb9b9c" * 8, proposal_id=IDENTIFIERS[0], proposal="0" * 64, person="ana", choice="reject", revision=3, final=False,
        reason=signed_vote.reason_hash("tried it"),
    )  # fmt: skip
    body = "".join(line for line in vote["signature"].splitlines() if not line.startswith("-----"))
    assert (vote["person"], vote["revision"], vote["reason"]) == ("ana", 3, "tried it")
    assert sshsig.signer(text, signed_vote.NAMESPACE, body) == (
        " ".join((tmp_path / "ana.pub").read_text().split()[:2]),
        "",
    )
    terminal.type(f"{LOOKED_AT}v")
    terminal.sees("sign with  ~/ana")


def test_what_hinders_a_signature_is_told_in_the_box(tmp_path, open_portal):
    """No such file, a key that nobody is enrolled with, no ssh-keygen: each in words, and the box stays."""
    made_by_openssh(tmp_path / "ana")
    made_by_openssh(tmp_path / "eve")
    terminal = open_portal((tmp_path / "ana.pub").read_text(), "env", "PATH=/nonexistent")
    choose(terminal)
    for file, why in (
        ("~/eve", "nobody is enrolled with this key"),
        ("~/ana", "ssh-keygen is not installed"),
    ):
        terminal.type(file)
        terminal.sees(f"sign with  {file}")
        terminal.keys("Enter")
        told(terminal, why)
        terminal.keys("C-u")
        terminal.sees("empty: not signed")
    terminal.sees("sign with")
    assert not (tmp_path / "vote.json").exists()
