"""People see what an agent did: on the command line and in the real portal, from a mesh of real processes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.integration.system.peers import CLI, Mesh, Peer
from tests.integration.system.terminal import Terminal
from tests.integration.system.test_agents import CALC, CHECK, MENDS, a_repository, drive
from tests.support.scripted_model import ScriptedModel

pytestmark = pytest.mark.docker

GOAL = "Make the tests pass"


def on_the_command_line(peer: Peer, task_id: str, repository: Path) -> None:
    """Three lines, the steps, and a patch that git takes from a pipe."""
    shown = peer.run("task", "show", task_id).stdout
    lines = {line.split("  ")[0]: line for line in shown.splitlines()}
    assert "its agent says that the goal is reached" in lines["execution"]
    assert "1 file, +1 -1: calc.py" in lines["change"]
    assert "1 check passed in a fresh sandbox" in lines["verification"]
    assert "another member" in lines["verification"]
    assert "4 of 9 steps" in lines["budget"]

    steps = peer.run("task", "transcript", task_id).stdout
    assert [line[:10].rstrip().rstrip() for line in steps.splitlines() if line.startswith("── step")] == [
        f"── step {n}" for n in (1, 2, 3, 4)
    ]
    assert "I try a product." in steps
    patch = peer.run("task", "diff", task_id).stdout
    subprocess.run(["git", "apply", "-"], cwd=repository, input=patch, text=True, check=True)
    assert (repository / "calc.py").read_text() == CALC.replace("-", "+")


def in_the_portal(peer: Peer) -> None:
    """The same words on the screen; the diff and the steps by their keys."""
    terminal = Terminal(CLI, {**peer.environment, "TERM": "xterm-256color"}, width=140, height=40)
    try:
        terminal.sees("peers", 30)
        terminal.keys("t")
        terminal.sees("1 check passed in a fresh sandbox", 30)
        terminal.sees("── step 4 of 9 · finish")
        terminal.keys("v")
        terminal.sees("+    return a + b")
        terminal.sees("$ chorus-tui task diff")
        terminal.keys("Escape")
        terminal.sees("verification")
        terminal.keys("m")
        terminal.sees("I try a product.")
    finally:
        terminal.close()


async def test_an_agents_work_is_seen_on_the_command_line_and_in_the_portal(tmp_path, base_image):
    """Announced with options alone; execution, change and verification in the same words; patch and steps can be read."""

    def test(made: Mesh, _model: ScriptedModel) -> None:
        alpha = made.peers[0]
        repository = a_repository(tmp_path / "calc")
        options = [
            "--goal",
            GOAL,
            "--check",
            CHECK,
            "--repository",
            str(repository),
            "--language",
            "python",
            "--steps",
            "9",
        ]
        task_id = alpha.announce(*options)
        waited = alpha.wait(task_id, 90)
        assert waited.returncode == 0, waited.stdout + waited.stderr

        on_the_command_line(alpha, task_id, repository)
        in_the_portal(alpha)

    await drive(test, MENDS, tmp_path, "alpha", "beta")
