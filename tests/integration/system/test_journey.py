"""A person's day in the real portal, beside two agents: every command by every way to it, work, talk, a vote, an approval. What was done
by keys is looked for on another peer: in the feed that it holds of the person, and in the control log."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chorus_tui.commands import table
from tests.integration.system.peers import CLI, Mesh, Peer, becomes, eventually, mesh
from tests.integration.system.terminal import Terminal

COMMANDS = ("help", "status", "peers", "hmmm", "ucxl", "patch", "collab", "decide", "web")
"""In the order of their keys, from 1."""
ENDS = {"task_accepted", "task_cancelled"}
TABLE = {command.word: command for command in table.COMMANDS}


@pytest.fixture
def three(tmp_path: Path, base_image: Any) -> Iterator[tuple[Mesh, Peer, Terminal]]:
    """Two agents, a person's engine, and the portal on it."""
    with mesh(tmp_path) as made:
        made.grow("alpha", "beta")
        ana = Peer(tmp_path, "ana", kind="human", CHORUS_BOOTSTRAP_PEERS=made.peers[0].address).start().ready()
        made.peers.append(ana)
        eventually("one mesh with the person", made.whole, 40)
        terminal = Terminal(CLI, {**ana.environment, "TERM": "xterm-256color"})
        try:
            terminal.sees("status", 30)
            yield made, ana, terminal
        finally:
            terminal.close()


def told(reader: Peer, author: Peer, kind: str) -> list[dict[str, Any]]:
    """What another peer holds of this author's feed, of one type. What is said in a room has no part of its own for its data."""
    return [
        entry["body"].get("data", entry["body"])
        for entry in reader.json("journal", "tail", "--author", author.peer_id, "--type", kind)["entries"]
    ]


def decided(reader: Peer) -> list[dict[str, Any]]:
    """The control log as another peer holds it."""
    return [json.loads(json.loads(line)["entry"]) for line in reader.control_log().splitlines()]


def ends(reader: Peer) -> list[tuple[str, str]]:
    """How tasks ended, in the order in which it was decided."""
    return [(entry["type"], entry["data"]["task_id"]) for entry in decided(reader) if entry["type"] in ENDS]


def walk(terminal: Terminal) -> None:
    """All commands by key, by the prompt, and by the palette."""
    for number, word in enumerate(COMMANDS, 1):
        terminal.keys(str(number))
        terminal.sees(f"chorus-tui · {word} ")
    for word in COMMANDS:
        terminal.keys(":")
        terminal.sees("enter  go")
        terminal.type(word)
        terminal.keys("Enter")
        terminal.sees(f"chorus-tui · {word} ")
    for word in COMMANDS:
        terminal.keys("C-p")
        terminal.sees("Search for commands")
        terminal.type(TABLE[word].title)
        eventually(f"{word} is the best hit", lambda word=word: hits(terminal)[:1] == [TABLE[word].help])
        terminal.keys("Enter")
        terminal.sees(f"chorus-tui · {word} ")


def hits(terminal: Terminal) -> list[str]:
    """What the palette offers, best first, by the line of help of each."""
    helps = {command.help for command in table.COMMANDS}
    return [line.strip() for line in terminal.screen().splitlines() if line.strip() in helps]


def fill(terminal: Terminal, heading: str, *fields: str) -> None:
    """Type into the fields of the form of that heading, one after the other, and send it."""
    terminal.sees(heading)
    for at, text in enumerate(fields):
        if at:
            row = terminal.cursor_row()
            terminal.keys("Tab")
            eventually("the cursor is in the next field", lambda row=row: terminal.cursor_row() != row)
        terminal.type(text)
        terminal.sees(text)
    terminal.keys("C-s")
    try:
        eventually("the form is closed", lambda: heading not in terminal.screen(), 40)
    except AssertionError:
        raise AssertionError(f"the form stays:\n{terminal.screen()}") from None


def confirmed(terminal: Terminal) -> bool:
    """Whether the question has gone; ``y`` is typed for as long as it stands there."""
    asked = "yes, do it" in terminal.screen()
    if asked:
        terminal.keys("y")
    return not asked


def work(terminal: Terminal, ana: Peer, beta: Peer) -> None:
    """A task with a check, announced and watched to its verified end; another, cancelled."""
    terminal.keys("t")
    terminal.sees("No tasks yet")
    terminal.keys("a")
    fill(
        terminal,
        "Announce a task",
        "Write a file",
        "echo done > /workspace/output/file",
        "test -e /workspace/output/file",
    )
    terminal.sees("1 check passed in a fresh sandbox", 90)
    [row] = eventually("accepted there too", lambda: [
        one for one in beta.json("task", "list")["tasks"] if one["state"] == "completed"
    ])  # fmt: skip
    terminal.keys("a")
    fill(terminal, "Announce a task", "Never mind", "sleep 600")
    terminal.sees("Never mind")
    terminal.keys("g")
    terminal.sees("$            sleep 600")
    terminal.keys("x")
    terminal.sees("yes, do it")
    eventually("y does it once it can be read", lambda: confirmed(terminal), 30)
    terminal.sees("1 cancelled", 30)

    other, _ = eventually("both there", lambda: len(rows := beta.json("task", "list")["tasks"]) == 2 and rows)

    assert row["announcer"] == ana.peer_id
    assert [message["spec"]["title"] for message in told(beta, ana, "task_announcement")] == [
        "Write a file",
        "Never mind",
    ]
    both = [("task_accepted", row["task_id"]), ("task_cancelled", other["task_id"])]
    becomes("both ends are decided, there too", lambda: ends(beta), both)


def talk(terminal: Terminal, ana: Peer, beta: Peer) -> None:
    """What another proposed is objected to and then agreed with."""
    said = beta.json("hmmm", "propose", "shop", "Rename the clients")
    terminal.keys("4")
    terminal.sees("proposal ·")
    terminal.keys("o")
    terminal.sees("Why do you object to “Rename the clients”?")
    terminal.type("It has no tests")
    terminal.keys("Enter")
    terminal.sees("✗ objected")
    terminal.keys("a")
    terminal.sees("Agree: objection of ana?")
    eventually("agreed", lambda: confirmed(terminal), 20)
    eventually(
        "settled on the other peer",
        lambda: [line["type"] for line in told(beta, ana, "hmmm_message")] == ["objection", "agreement"],
    )

    assert {line["thread_id"] for line in told(beta, ana, "hmmm_message")} == {said["thread_id"]}


def chosen(terminal: Terminal, number: str, words: str) -> bool:
    """Choose, and see that it is chosen; a key that comes too early for the box is swallowed, and may be typed again."""
    terminal.keys(number)
    with contextlib.suppress(AssertionError):
        return bool(terminal.sees(f"▸ {number}  {words}", 1))
    return False


def vote(terminal: Terminal, ana: Peer, others: list[Peer]) -> None:
    """Put to the vote and voted on for good by all: closed before its deadline."""
    terminal.keys("8")
    terminal.sees("chorus-tui · decide ")
    terminal.keys("n")
    fill(terminal, "Put something to the vote", "Keep the name")
    terminal.sees("● open")
    terminal.sees("voted 0/3")
    terminal.keys("v")
    terminal.sees("for good")
    eventually("it is chosen", lambda: chosen(terminal, "1", "approve"), 60)
    terminal.keys("Tab", "Tab", "Space")
    terminal.sees("▐X▌ for good")
    terminal.keys("BTab", "Enter")
    terminal.sees("Voted approve, for good")
    for other in others:
        [row] = eventually("known there", lambda other=other: other.json("decide", "list")["decisions"])
        other.json("decide", "vote", row["decision_id"], "approve", "--final")
    terminal.sees("✓ passed", 60)

    assert [message["title"] for message in told(others[1], ana, "decision_proposal")] == ["Keep the name"]
    becomes(
        "her vote is there too",
        lambda: [(message["choice"], message["final"]) for message in told(others[1], ana, "decision_vote")],
        [("approve", True)],
    )
    becomes("closed once", lambda: [entry["type"] for entry in decided(others[1])].count("vote_closed"), 1)


def answered(terminal: Terminal) -> bool:
    """Choose the first and say so; False when that was too early for the box, which then still asks."""
    terminal.keys("1", "Enter")
    return gone(terminal, "1  approve")


def gone(terminal: Terminal, words: str) -> bool:
    """Whether these words leave the screen within a few seconds."""
    with contextlib.suppress(AssertionError):
        eventually("gone", lambda: words not in terminal.screen(), 5)
        return True
    return False


def approve(terminal: Terminal, ana: Peer, beta: Peer) -> None:
    """A task of another that waits for people is approved from the inbox."""
    task_id = beta.announce("--title", "Risky", "--command", "echo hi", "--approval", "always")
    terminal.keys("i")
    terminal.sees("may it run?")
    terminal.keys("Enter")
    terminal.sees("1  approve")
    eventually("it is answered", lambda: answered(terminal), 60)
    eventually("it has run", lambda: beta.task(task_id)["state"] == "completed", 60)

    [approved] = [entry for entry in decided(beta) if entry["type"] == "task_approved"]
    assert approved["data"]["task_id"] == task_id
    assert ana.peer_id in approved["request"]["text"], "asked for by her engine, and signed by it"
    eventually("accepted", lambda: ("task_accepted", task_id) in ends(beta))


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_day_by_keys_is_what_another_peer_holds(three):
    """Nine commands; a task announced, watched, verified, another cancelled; a proposal objected to and agreed with; a vote
    proposed, given, closed; an approval from the inbox: each is in the person's feed or the control log as another peer has it."""
    made, ana, terminal = three
    alpha, beta = made.peers[:2]
    walk(terminal)
    work(terminal, ana, beta)
    talk(terminal, ana, beta)
    vote(terminal, ana, [alpha, beta])
    approve(terminal, ana, beta)
