"""What a shell is told when somebody presses tab."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from chorus_tui.cli.completion import SHELLS
from chorus_tui.cli.main import COMMANDS

CLI = [sys.executable, "-m", "chorus_tui.cli.main"]


def completed(*words: str) -> list[str]:
    """What bash would offer for the last of ``words``."""
    told = {"_CHORUS_TUI_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run(CLI, capture_output=True, text=True, check=True, env={**os.environ, **told})
    return [line.split(",", 1)[1] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("chorus-tui", "ta"), ["task"]),
        (("chorus-tui", ""), list(COMMANDS)),
        (("chorus-tui", "--head"), ["--headless"]),
        (("chorus-tui", "task", "ann"), ["announce"]),
        (("chorus-tui", "completion", "z"), ["zsh"]),
    ],
)
def test_commands_options_and_choices_are_completed(words, offered):
    """Also below a command, and the names in the order of the help."""
    assert completed(*words) == offered


def test_a_tab_loads_no_command():
    """The first word comes from the table: a shell that waits for imports is slow at every tab."""
    script = (
        "import sys; from chorus_tui.cli.main import cli; import click; context = click.Context(cli); "
        "found = cli.shell_complete(context, 'd'); "
        "print([each.value for each in found], [name for name in sys.modules if name.startswith('chorus_tui.cli.')])"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert "['decide', 'doctor', 'demo']" in said
    assert "chorus_tui.cli.decide" not in said


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_for_our_program(shell):
    """It asks ``chorus-tui`` by the variable that our program answers to."""
    said = subprocess.run([*CLI, "completion", shell], capture_output=True, text=True, check=True).stdout

    assert f"_CHORUS_TUI_COMPLETE={shell}_complete" in said


def test_bash_takes_the_script():
    """Read by a real bash, it is what completes our program."""
    script = subprocess.run([*CLI, "completion", "bash"], capture_output=True, text=True, check=True).stdout
    told = subprocess.run(
        ["bash", "--norc", "-c", f"{script}\ncomplete -p chorus-tui"], capture_output=True, text=True, check=True
    )

    assert "_chorus_tui_completion chorus-tui" in told.stdout
